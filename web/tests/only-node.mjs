// What only Node has.

import { execFile } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

test("where there is no WebSocket, who connects hears what to install", async () => {
  // Beside this copy of the package there is no other.
  const alone = await mkdtemp(join(tmpdir(), "bowline-alone-"));
  try {
    await cp(fileURLToPath(new URL("../pkg", import.meta.url)), alone, { recursive: true });
    const script = `
      import { Client, Sub, init } from ${JSON.stringify(join(alone, "index.js"))};
      const told = [];
      const hear = (error) => told.push(error.name + " " + error.kind + " " + error.message);
      await new Sub("ws://127.0.0.1:9").ready.catch(hear);
      await init();
      for (const Kind of [Sub, Client]) {
        const socket = new Kind();
        try { socket.connect("ws://127.0.0.1:9"); } catch (error) { hear(error); }
      }
      console.log(told.join("\\n"));
    `;
    const args = ["--no-experimental-websocket", "--input-type=module", "--eval", script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
    const lines = stdout.trim().split("\n");
    equal(lines.length, 3);
    for (const line of lines) ok(line.startsWith("SocketError unsupported there is no WebSocket") && line.includes("npm install ws"), line);
  } finally {
    await rm(alone, { recursive: true });
  }
});
