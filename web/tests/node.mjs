// The suite in Node, against the programs: `node --experimental-websocket web/tests/node.mjs`, or with the package `ws` beside
// it, `node web/tests/node.mjs`.

import * as bowline from "../pkg/index.js";
import { control, endAll } from "./control.mjs";
import { nodeTests } from "./only-node.mjs";
import { tests } from "./tests.mjs";

const only = process.argv[2];
const chosen = [...tests, ...nodeTests].filter(({ name }) => !only || name.includes(only));
let failed = 0;
for (const { name, body } of chosen) {
  try {
    await body(bowline, control);
    console.log(`ok  ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}\n${error.stack}`);
  }
  await endAll();
}
const carrier = process.execArgv.includes("--experimental-websocket") ? "its own WebSocket" : "that of ws";
console.log(`under Node with ${carrier}, test result: ${chosen.length - failed} passed; ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
