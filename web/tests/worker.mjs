// One test of the suite in a worker, which asks its page for the programs.

import * as bowline from "../pkg/index.js";
import { tests } from "./tests.mjs";

const asked = new Map();
let last = 0;
const control = new Proxy(
  {},
  {
    get: (_, verb) => (...args) =>
      new Promise((resolve, reject) => {
        asked.set(++last, { resolve, reject });
        postMessage({ verb, args, id: last });
      }),
  },
);

addEventListener("message", async ({ data }) => {
  if ("id" in data) {
    const { resolve, reject } = asked.get(data.id);
    asked.delete(data.id);
    return data.error === undefined ? resolve(data.value) : reject(new Error(data.error));
  }
  let failure;
  try {
    await tests[data.index].body(bowline, control);
  } catch (error) {
    failure = error.stack ?? String(error);
  }
  postMessage({ failure });
});
