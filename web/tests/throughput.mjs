// Messages a second between a page and a native program, beside a plain WebSocket of the same page against a plain server:
// `node web/tests/throughput.mjs [ROUNDS [FILE.md]]`. Wants `cargo build --release --features ws --example page_rates`, and the package.
// One line of JSON, and a page for people if a file is named. It is no test: nothing depends on what it prints.

import { execFileSync, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { cpus, release } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const web = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const { chromium } = createRequire(path.join(process.env.WASM_NODE_MODULES ?? path.join(web, "node_modules"), "x"))("playwright-core");
const rounds = Number(process.argv[2] ?? 5);
const report = process.argv[3];

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://x");
  const body = pathname === "/" ? "<!doctype html>" : await readFile(path.join(web, pathname)).catch(() => "");
  const type = pathname.endsWith(".wasm") ? "application/wasm" : pathname === "/" ? "text/html" : "text/javascript";
  response.writeHead(200, { "content-type": type }).end(body);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const rates = spawn(process.env.PAGE_RATES ?? path.join(web, "../target/release/examples/page_rates"), [], { stdio: ["ignore", "pipe", "inherit"] });
const lines = createInterface({ input: rates.stdout })[Symbol.asyncIterator]();
const endpoints = [(await lines.next()).value, (await lines.next()).value];

const browser = await chromium.launch({
  executablePath: process.env.CHROME ?? "/usr/bin/chromium",
  chromiumSandbox: false,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${server.address().port}/`);

await page.evaluate(async ([plain, router]) => {
  const { Dealer } = await import("/pkg/index.js");
  const turn = () => new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(port1.close());
    port2.postMessage(0);
  });

  /** A connection, what it is asked for, and how long `body` takes. */
  async function timed(connection, close, body) {
    const began = performance.now();
    await body(connection);
    const seconds = (performance.now() - began) / 1000;
    await close(connection);
    return seconds;
  }

  async function socket(task) {
    const socket = new WebSocket(plain);
    socket.binaryType = "arraybuffer";
    await new Promise((resolve) => (socket.onopen = resolve));
    socket.send(new TextEncoder().encode(task));
    return socket;
  }

  async function dealer(task, options = {}) {
    const dealer = new Dealer(router, options);
    await dealer.ready;
    await dealer.send(task);
    while (!dealer.isConnected) await turn();
    return dealer;
  }

  const ways = {
    plain: {
      /** There and back, `ahead` of them on their way. */
      async echo(size, count, ahead) {
        const body = new Uint8Array(size);
        return timed(await socket("echo"), (socket) => socket.close(), (socket) => new Promise((resolve) => {
          let [sent, came] = [0, 0];
          const fill = () => {
            for (; sent < count && sent - came < ahead; sent++) socket.send(body);
          };
          socket.onmessage = () => {
            if (++came === count) resolve();
            else if (came % (ahead / 4) === 0) fill();
          };
          fill();
        }));
      },
      /** All to the server, which answers the last. */
      async up(size, count) {
        const body = new Uint8Array(size);
        return timed(await socket(`sink ${count}`), (socket) => socket.close(), async (socket) => {
          const over = new Promise((resolve) => (socket.onmessage = resolve));
          for (let sent = 0; sent < count; sent++) {
            socket.send(body);
            while (socket.bufferedAmount > 4 << 20) await turn();
          }
          await over;
        });
      },
      /** All from the server. */
      async down(size, count) {
        const began = performance.now();
        const from = await socket(`source ${count} ${size}`);
        let came = 0;
        await new Promise((resolve) => (from.onmessage = () => ++came === count && resolve()));
        from.close();
        return (performance.now() - began) / 1000;
      },
    },
    batches: {
      async echo(size, count, ahead) {
        const body = new Uint8Array(size);
        const options = { sendHwm: 2 * ahead, recvHwm: 2 * ahead };
        return timed(await dealer("echo", options), (dealer) => dealer.close(), async (dealer) => {
          let [sent, came] = [0, 0];
          while (came < count) {
            const some = Math.min(count - sent, ahead - (sent - came));
            if (some > 0) await dealer.sendMany(Array.from({ length: some }, () => body));
            sent += some;
            came += (await dealer.recvMany(512)).length;
          }
        });
      },
      async up(size, count) {
        const batch = Array.from({ length: size > 1024 ? 16 : 500 }, () => new Uint8Array(size));
        return timed(await dealer(`sink ${count}`), (dealer) => dealer.close(), async (dealer) => {
          for (let sent = 0; sent < count; sent += batch.length) await dealer.sendMany(batch.slice(0, count - sent));
          await dealer.recv();
        });
      },
      async down(size, count) {
        const began = performance.now();
        const from = await dealer(`source ${count} ${size}`);
        for (let came = 0; came < count; ) came += (await from.recvMany(512)).length;
        const seconds = (performance.now() - began) / 1000;
        await from.close();
        return seconds;
      },
    },
    single: {
      async echo(size, count, ahead) {
        const body = new Uint8Array(size);
        const options = { sendHwm: 2 * ahead, recvHwm: 2 * ahead };
        return timed(await dealer("echo", options), (dealer) => dealer.close(), async (dealer) => {
          let came = 0;
          const sending = (async () => {
            for (let sent = 0; sent < count; sent++) await dealer.send(body);
          })();
          for await (const _ of dealer) if (++came === count) break;
          await sending;
        });
      },
      async up(size, count) {
        const body = new Uint8Array(size);
        return timed(await dealer(`sink ${count}`), (dealer) => dealer.close(), async (dealer) => {
          for (let sent = 0; sent < count; sent++) await dealer.send(body);
          await dealer.recv();
        });
      },
      async down(size, count) {
        const began = performance.now();
        const from = await dealer(`source ${count} ${size}`);
        let came = 0;
        for await (const _ of from) if (++came === count) break;
        const seconds = (performance.now() - began) / 1000;
        await from.close();
        return seconds;
      },
    },
  };
  globalThis.measure = async (way, direction, size, count, ahead) => count / (await ways[way][direction](size, count, ahead));
}, endpoints);

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const cases = [];
for (const [size, count, ahead] of [[16, 100_000, 1024], [64 * 1024, 2000, 64]]) {
  for (const direction of ["echo", "up", "down"]) {
    const runs = { plain: [], batches: [], single: [] };
    for (let round = 0; round < rounds; round++) {
      for (const way of Object.keys(runs)) {
        runs[way].push(await page.evaluate((args) => globalThis.measure(...args), [way, direction, size, count, ahead]));
      }
    }
    const ratio = (way) => +median(runs[way].map((rate, round) => rate / runs.plain[round])).toFixed(2);
    const [plain, batches, single] = Object.values(runs).map((rates) => Math.round(median(rates)));
    cases.push({ size, direction, plain, batches, single, ratio_batches: ratio("batches"), ratio_single: ratio("single") });
    console.error(JSON.stringify(cases.at(-1)));
  }
}
console.log(JSON.stringify({ rounds, cases }));

if (report) {
  const said = (command, ...args) => execFileSync(command, args, { cwd: web, encoding: "utf8" }).trim();
  const names = { echo: "there and back", up: "to the program", down: "to the page" };
  const shown = (rate) => Math.round(rate).toLocaleString("en");
  const rows = cases.map(({ size, direction, plain, batches, single, ratio_batches, ratio_single }) => {
    const bytes = size < 1024 ? `${size} B` : `${size / 1024} KiB`;
    return `| ${bytes} | ${names[direction]} | ${shown(plain)} | ${shown(batches)} | ${ratio_batches}x | ${shown(single)} | ${ratio_single}x |`;
  });
  const text = await readFile(report, "utf8").catch(() => "");
  const [before] = text.split("<!-- written by web/tests/throughput.mjs -->");
  const written = [
    "<!-- written by web/tests/throughput.mjs -->",
    "",
    `- ${cpus().length} cores of ${cpus()[0].model}, Linux ${release()}`,
    `- Chromium ${browser.version()}, headless; ${said("rustc", "--version")}`,
    `- bowline at commit ${said("git", "rev-parse", "--short", "HEAD")}; ${rounds} rounds`,
    "",
    "| size | direction | plain, messages a second | bowline in batches | ratio | bowline one by one | ratio |",
    "|---|---|---:|---:|---:|---:|---:|",
    ...rows,
    "",
  ];
  await writeFile(report, before + written.join("\n"));
}
await browser.close();
rates.kill();
server.close();
