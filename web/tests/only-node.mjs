// What only Node has.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { equal, ok } from "./checks.mjs";

export const nodeTests = [];
const test = (name, body) => nodeTests.push({ name, body });

async function apart({ endpoint, echo }, env) {
  const script = fileURLToPath(new URL("secure.mjs", import.meta.url));
  const args = [...process.execArgv, script, endpoint, echo];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env }, timeout: 60_000 });
  return stdout;
}

test("over wss:// who trusts the authority talks and calls, and who does not hears what it can be", async (_, control) => {
  const server = await control.secure();
  equal(await apart(server, { NODE_EXTRA_CA_CERTS: server.authority }), "");
  const reason = await apart(server, { NODE_EXTRA_CA_CERTS: "" });
  ok(reason.includes("its certificate is not trusted"), reason);
});
