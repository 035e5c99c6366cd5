// Messages a second, page to server and back, beside a plain WebSocket of the browser: `node web/tests/throughput.mjs`.
// Wants `cargo build --release --features ws,tls --example pages`. It is no test: nothing depends on what it prints.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import path from "node:path";
import { fileURLToPath } from "node:url";

const web = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const { chromium } = createRequire(path.join(process.env.WASM_NODE_MODULES ?? path.join(web, "node_modules"), "x"))("playwright-core");

/** Sends every frame back as it came, all that a read brought with one write. */
function echo(socket) {
  let rest = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const out = [];
    for (;;) {
      if (rest.length < 2) break;
      const short = rest[1] & 127;
      const at = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (rest.length < at + 4) break;
      const length = short === 126 ? rest.readUInt16BE(2) : short === 127 ? Number(rest.readBigUInt64BE(2)) : short;
      if (rest.length < at + 4 + length) break;
      if ((rest[0] & 15) === 8) return socket.end();
      const mask = rest.subarray(at, at + 4);
      const body = Buffer.from(rest.subarray(at + 4, at + 4 + length));
      for (let byte = 0; byte < length; byte++) body[byte] ^= mask[byte & 3];
      const head = Buffer.from(rest.subarray(0, at));
      head[1] = short;
      out.push(head, body);
      rest = rest.subarray(at + 4 + length);
    }
    if (out.length > 0) socket.write(Buffer.concat(out));
  });
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://x");
  const body = pathname === "/" ? "<!doctype html>" : await readFile(path.join(web, pathname)).catch(() => "");
  const type = pathname.endsWith(".wasm") ? "application/wasm" : pathname === "/" ? "text/html" : "text/javascript";
  response.writeHead(200, { "content-type": type }).end(body);
});
server.on("upgrade", (request, socket) => {
  const key = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  socket.write([...lines, `Sec-WebSocket-Accept: ${key.digest("base64")}`, "", ""].join("\r\n"));
  socket.setNoDelay(true);
  echo(socket);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address();

const pages = spawn(process.env.PAGES ?? path.join(web, "../target/release/examples/pages"), [], { stdio: ["ignore", "pipe", "inherit"] });
const lines = createInterface({ input: pages.stdout })[Symbol.asyncIterator]();
await lines.next();
const router = (await lines.next()).value;

const browser = await chromium.launch({
  executablePath: process.env.CHROME ?? "/usr/bin/chromium",
  chromiumSandbox: false,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${port}/`);

const plain = (size, count, ahead) =>
  page.evaluate(
    async ([url, size, count, ahead]) => {
      const socket = new WebSocket(url);
      socket.binaryType = "arraybuffer";
      await new Promise((resolve) => (socket.onopen = resolve));
      const body = new Uint8Array(size);
      const began = performance.now();
      await new Promise((resolve) => {
        let [sent, came] = [0, 0];
        const fill = () => {
          for (; sent < count && sent - came < ahead; sent++) socket.send(body);
        };
        socket.onmessage = () => {
          if (++came === count) resolve();
          else if (came % (ahead / 4) === 0) fill();
        };
        fill();
      });
      const seconds = (performance.now() - began) / 1000;
      socket.close();
      return count / seconds;
    },
    [`ws://127.0.0.1:${port}/`, size, count, ahead],
  );

const ours = (size, count, ahead, way) =>
  page.evaluate(
    async ([url, size, count, ahead, way]) => {
      const { Dealer } = await import("/pkg/index.js");
      const dealer = new Dealer(url, { sendHwm: 2 * ahead, recvHwm: 2 * ahead });
      await dealer.ready;
      await dealer.send("first");
      await dealer.recv();
      const body = new Uint8Array(size);
      const began = performance.now();
      let [sent, came] = [0, 0];
      if (way === "batches") {
        while (came < count) {
          const some = Math.min(count - sent, ahead - (sent - came));
          if (some > 0) await dealer.sendMany(Array.from({ length: some }, () => body));
          sent += some;
          came += (await dealer.recvMany(512)).length;
        }
      } else {
        const sending = (async () => {
          for (let at = 0; at < count; at++) await dealer.send(body);
        })();
        for await (const _ of dealer) if (++came === count) break;
        await sending;
      }
      const seconds = (performance.now() - began) / 1000;
      await dealer.close();
      return count / seconds;
    },
    [router, size, count, ahead, way],
  );

for (const [size, count, ahead] of [[16, 40_000, 1024], [64 * 1024, 1000, 64]]) {
  const runs = { plain: [], batches: [], single: [] };
  for (let round = 0; round < 2; round++) {
    runs.plain.push(await plain(size, count, ahead));
    console.error("plain", runs.plain);
    runs.batches.push(await ours(size, count, ahead, "batches"));
    console.error("batches", runs.batches);
    runs.single.push(await ours(size, count, ahead, "single"));
  }
  const best = Object.fromEntries(Object.entries(runs).map(([name, rates]) => [name, Math.round(Math.max(...rates))]));
  console.log(JSON.stringify({ size, ...best, ratio: +(best.batches / best.plain).toFixed(2), single: best.single }));
}
await browser.close();
pages.kill();
server.close();
