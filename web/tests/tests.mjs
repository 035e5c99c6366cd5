// All that is true in a page, in a worker and in Node.

import { foreignTests } from "./foreign.mjs";
import { tests as own } from "./suite.mjs";

export const tests = [...own, ...foreignTests];
