// The programs that the tests talk to: started, fed, killed, and ended with the tests.

import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { promisify } from "node:util";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const built = process.env.CARGO_TARGET_DIR ?? path.join(root, "target");
const target = path.join(built, "debug");

const programs = new Map();
/** Servers of ours, and what is connected to them. */
const strangers = new Set();
/** Folders that are gone with the test. */
const folders = new Set();
let last = 0;

function start(file, args, env = {}) {
  const child = spawn(path.resolve(target, file), args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
  const program = { child, out: [], err: [], wake: new Set(), isOver: false };
  const heard = (list) => (line) => {
    list.push(line);
    for (const wake of program.wake) wake();
  };
  createInterface({ input: child.stdout }).on("line", heard(program.out));
  createInterface({ input: child.stderr }).on("line", heard(program.err));
  child.stdin.on("error", () => {});
  child.on("close", () => {
    program.isOver = true;
    for (const wake of program.wake) wake();
  });
  const id = ++last;
  programs.set(id, program);
  return id;
}

async function keygen() {
  const { stdout } = await promisify(execFile)(path.join(target, "bowline"), ["keygen", "--json"]);
  const { public: publicKey, secret: secretKey } = JSON.parse(stdout);
  return { publicKey, secretKey };
}

async function until(program, look, what) {
  const end = Date.now() + 60_000;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (program.isOver) throw new Error(`the program ended before ${what}: ${program.err.join("\n")}`);
    const left = end - Date.now();
    if (left <= 0) throw new Error(`no ${what}: ${[...program.out.slice(-5), ...program.err.slice(-5)].join("\n")}`);
    await new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        program.wake.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, left);
      program.wake.add(wake);
    });
  }
}

export const control = {
  /** `bowline` with these arguments, and where it is bound if it binds. */
  async bowline(...args) {
    const binds = args.includes("-b");
    const id = start("bowline", [...args, "-v", ...(binds ? ["--ws-origin", "*"] : [])]);
    const program = programs.get(id);
    if (!binds) return { id };
    const find = () => program.err.map((line) => /bound to (\S+)/.exec(line)?.[1]).find(Boolean);
    return { id, endpoint: await until(program, find, "endpoint") };
  },
  /** The server of services for pages. */
  async pages(endpoint = "ws://127.0.0.1:0") {
    const id = start("examples/pages", [endpoint]);
    const program = programs.get(id);
    return { id, endpoint: await until(program, () => program.out[0], "endpoint") };
  },
  /** The same by `wss://`, where its second endpoint sends back what it gets; and the file of the authority to be trusted. */
  async secure() {
    const folder = await mkdtemp(path.join(tmpdir(), "bowline-"));
    folders.add(folder);
    const authority = path.join(folder, "authority.pem");
    const id = start("examples/pages", ["wss://127.0.0.1:0", authority]);
    const program = programs.get(id);
    const [endpoint, echo] = await until(program, () => (program.out.length >= 2 ? program.out : undefined), "endpoints");
    return { id, endpoint, echo, authority };
  },
  keygen,
  /** A process with sockets of a libzmq that has WebSocket: `interop/peer.py`. */
  async foreign() {
    const python = process.env.BOWLINE_INTEROP_PYTHON ?? path.join(built, "interop-venv/bin/python");
    // Found before pyzmq's own, which has none.
    const env = { LD_PRELOAD: path.join(built, "interop-libzmq/libzmq.so") };
    if (!existsSync(python) || !existsSync(env.LD_PRELOAD)) {
      throw new Error("there is no libzmq with WebSocket: `cargo xtask web --test` makes one");
    }
    const id = start(python, [path.join(root, "interop/peer.py")], env);
    programs.get(id).asked = 0;
    return id;
  },
  /** Gives that process a command, and what it answers. */
  async tell(id, op, rest = {}) {
    const program = programs.get(id);
    const at = program.asked++;
    program.child.stdin.write(`${JSON.stringify({ op, ...rest })}\n`);
    const answer = JSON.parse(await until(program, () => program.out[at], `answer to ${op}`));
    if ("error" in answer) throw new Error(`${op}: ${answer.error}`);
    return answer.ok;
  },
  /** A server that opens every WebSocket, whatever it is asked for, and agrees on no subprotocol. */
  async stranger() {
    const server = createServer();
    server.on("upgrade", (request, socket) => {
      const key = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
      const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
      socket.on("error", () => {});
      socket.write([...lines, `Sec-WebSocket-Accept: ${key.digest("base64")}`, "", ""].join("\r\n"));
      strangers.add(socket);
    });
    strangers.add(server);
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `ws://127.0.0.1:${server.address().port}`;
  },
  /** A PULL that demands CURVE, and its key. */
  async sealed() {
    const { publicKey, secretKey } = await keygen();
    const id = start("bowline", ["pull", "-b", "ws://127.0.0.1:0", "--curve-server", "-v", "--ws-origin", "*"], {
      BOWLINE_CURVE_SECRET: secretKey,
    });
    const program = programs.get(id);
    const find = () => program.err.map((line) => /bound to (\S+)/.exec(line)?.[1]).find(Boolean);
    return { id, endpoint: await until(program, find, "endpoint"), serverKey: publicKey };
  },
  /** Gives it a line. */
  async say(id, ...lines) {
    const { stdin } = programs.get(id).child;
    // What it does not take now waits here, and so does who says more.
    if (!stdin.write(lines.map((line) => `${line}\n`).join(""))) await new Promise((resolve) => stdin.once("drain", resolve));
  },
  /** No more lines follow. */
  async end(id) {
    programs.get(id).child.stdin.end();
  },
  /** The lines that it has printed, as soon as there are so many. */
  async lines(id, count) {
    const program = programs.get(id);
    return until(program, () => (program.out.length >= count ? program.out : undefined), `${count} lines`);
  },
  async heard(id, text) {
    const program = programs.get(id);
    return until(program, () => program.err.find((line) => line.includes(text)), text);
  },
  async kill(id) {
    const { child } = programs.get(id);
    const closed = new Promise((resolve) => child.once("close", resolve));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await closed;
    }
    programs.delete(id);
  },
};

export async function endAll() {
  for (const id of [...programs.keys()]) await control.kill(id);
  for (const stranger of strangers) (stranger.destroy ?? stranger.close).call(stranger);
  strangers.clear();
  for (const folder of folders) await rm(folder, { recursive: true });
  folders.clear();
}
