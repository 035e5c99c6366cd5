// The suite in Node, against the programs: `node --experimental-websocket web/tests/node.mjs`.

import * as bowline from "../pkg/index.js";
import { control, endAll } from "./control.mjs";
import { tests } from "./tests.mjs";

const only = process.argv[2];
let failed = 0;
for (const { name, body } of tests.filter(({ name }) => !only || name.includes(only))) {
  try {
    await body(bowline, control);
    console.log(`ok  ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}\n${error.stack}`);
  }
  await endAll();
}
console.log(`under Node, test result: ${tests.length - failed} passed; ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
