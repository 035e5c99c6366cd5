// The programs that the tests talk to: started, fed, killed, and ended with the tests.

import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { promisify } from "node:util";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const target = path.join(process.env.CARGO_TARGET_DIR ?? path.join(root, "target"), "debug");

const programs = new Map();
let last = 0;

function start(file, args, env = {}) {
  const child = spawn(path.join(target, file), args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
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
  const end = Date.now() + 20_000;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (program.isOver) throw new Error(`the program ended before ${what}: ${program.err.join("\n")}`);
    const left = end - Date.now();
    if (left <= 0) throw new Error(`no ${what}: ${[...program.out.slice(-5), ...program.err.slice(-5)].join("\n")}`);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, left);
      program.wake.add(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    program.wake.clear();
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
}
