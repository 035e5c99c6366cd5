// The suite in headless Chromium: in a page, in a worker, and what only a page has. `node web/tests/page.mjs`.
// The folder of playwright-core is WASM_NODE_MODULES, the browser CHROME (/usr/bin/chromium).

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { control, endAll } from "./control.mjs";
import { pageTests } from "./only-page.mjs";
import { tests } from "./tests.mjs";

const web = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const modules = process.env.WASM_NODE_MODULES ?? path.join(web, "node_modules");
const { chromium } = createRequire(path.join(modules, "x"))("playwright-core");

const TYPES = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };
const PAGE = "<!doctype html><meta charset=utf-8><title>bowline</title><link rel=icon href=data:,>";

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://x");
  if (pathname === "/") return response.writeHead(200, { "content-type": "text/html" }).end(PAGE);
  const file = path.join(web, pathname);
  const body = file.startsWith(web + path.sep) ? await readFile(file).catch(() => undefined) : undefined;
  if (body === undefined) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream" }).end(body);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;

const browser = await chromium.launch({
  executablePath: process.env.CHROME ?? "/usr/bin/chromium",
  chromiumSandbox: false,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
});

const only = process.argv[2];
let [passed, failed] = [0, 0];

async function trial(name, body) {
  if (only && !name.includes(only)) return;
  const context = await browser.newContext();
  // How long a busy machine may take for what is waited for.
  context.setDefaultTimeout(90_000);
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error));
  await page.exposeFunction("controlled", (verb, args) => control[verb](...args));
  await page.goto(origin);
  await page.evaluate(() => {
    globalThis.control = new Proxy({}, { get: (_, verb) => (...args) => globalThis.controlled(verb, args) });
  });
  try {
    await body({ page, context, control, browser });
    if (errors.length > 0) throw errors[0];
    passed++;
    console.log(`ok  ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}\n${error.stack ?? error}`);
  }
  await context.close();
  await endAll();
}

const inPage = (index) => async ({ page }) =>
  page.evaluate(async (index) => {
    const { tests } = await import("/tests/tests.mjs");
    await tests[index].body(await import("/pkg/index.js"), globalThis.control);
  }, index);

const inWorker = (index) => async ({ page }) =>
  page.evaluate(async (index) => {
    const worker = new Worker("/tests/worker.mjs", { type: "module" });
    const failure = await new Promise((resolve) => {
      worker.onerror = (event) => resolve(event.message);
      worker.onmessage = async ({ data }) => {
        if (!("verb" in data)) return resolve(data.failure);
        try {
          worker.postMessage({ id: data.id, value: await globalThis.control[data.verb](...data.args) });
        } catch (error) {
          worker.postMessage({ id: data.id, error: error.message });
        }
      };
      worker.postMessage({ index });
    });
    worker.terminate();
    if (failure) throw new Error(failure);
  }, index);

for (const [index, { name }] of tests.entries()) {
  await trial(`page: ${name}`, inPage(index));
  await trial(`worker: ${name}`, inWorker(index));
}
for (const { name, body } of pageTests) await trial(`page: ${name}`, body);

await browser.close();
server.close();
console.log(`in Chromium, test result: ${passed} passed; ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
