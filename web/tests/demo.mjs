// The page of `bowline demo --web`, driven as a person does. `node web/tests/demo.mjs [FOLDER FOR SCREENSHOTS [PART OF A NAME]]`.
// The program is BOWLINE (target/debug/bowline), built with the package in it; the rest is as in page.mjs.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const web = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const modules = process.env.WASM_NODE_MODULES ?? path.join(web, "node_modules");
const { chromium } = createRequire(path.join(modules, "x"))("playwright-core");
const program = process.env.BOWLINE ?? path.join(web, "../target/debug/bowline");
const shots = process.argv[2];
const only = process.argv[3];

/** Starts the program, and says where it serves. */
async function start(at = "127.0.0.1:0") {
  const child = spawn(program, ["demo", "--web", "--at", at], { stdio: ["ignore", "inherit", "pipe"] });
  for await (const line of createInterface(child.stderr)) {
    const url = line.match(/open (http:\S+)/)?.[1];
    if (url) return { child, url };
    throw new Error(line);
  }
  throw new Error(`${program} has ended`);
}

async function end({ child }, signal = "SIGINT") {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.on("exit", resolve));
  child.kill(signal);
  await ended;
}

const launch = () => chromium.launch({
  executablePath: process.env.CHROME ?? "/usr/bin/chromium",
  chromiumSandbox: false,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
});

const browser = await launch();

let [passed, failed] = [0, 0];

/** Opens the page, and waits until all of its connections are ready. */
async function open(demo, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 1000 }, ...options });
  // How long a busy machine may take for what is waited for.
  context.setDefaultTimeout(90_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => (page.failure ??= error));
  await page.goto(demo.url);
  await ready(page, 4);
  return { context, page };
}

const ready = (page, n) => page.getByText(`${n} of 4 connections are ready`).waitFor();
const said = (page, words) => page.locator("#reasons li", { hasText: words }).first().waitFor();
const answered = (page, words) => page.locator("#answers div", { hasText: words }).first().waitFor();
const ticking = (page) => page.waitForFunction(() => Number(document.getElementById("ticks").value.replaceAll(",", "")) > 5);

/** A picture with the next seconds in it, if any are wanted. */
async function shot(page, name) {
  if (!shots) return;
  await page.mouse.move(0, 0);
  await page.waitForTimeout(4000);
  await page.screenshot({ path: path.join(shots, name), fullPage: true });
}

async function call(page, method, args) {
  await page.selectOption("#method", method);
  if (args) await page.fill("#args", args);
  await page.getByRole("button", { name: "Call", exact: true }).click();
}

async function trial(name, body, options) {
  if (only && !name.includes(only)) return;
  const demo = await start();
  let opened;
  try {
    opened = await open(demo, options);
    await body({ ...opened, demo });
    if (opened.page.failure) throw opened.page.failure;
    passed++;
    console.log(`ok  ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}\n${error.stack ?? error}\n${await opened?.page.locator("body").innerText()}`);
  }
  await opened?.context.close();
  await end(demo);
}

await trial("a page hears what is published and calls in every way there is", async ({ page }) => {
  await ticking(page);
  await call(page, "Toys.add", "[40, 2]");
  await answered(page, /^42 /);
  await call(page, "Toys.add", "[9223372036854775807, 1]");
  await call(page, "Toys.total");
  await answered(page, /^6 /);
  await call(page, "Toys.shout");
  await answered(page, '"HAUL AWAY"');
  await call(page, "Toys.ask");
  await answered(page, "the server asks: Who is there?");
  await answered(page, '"a page on');
  await call(page, "Toys.countdown", "[1000]");
  await answered(page, /^998$/);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.locator("#answers .failed").last().waitFor();
  await page.getByText("Echo 16 B").click();
  await page.getByText(/a second there and back/).waitFor();
});

await trial("what is cut, stalled or restarted comes back, and each side says why it went", async ({ page }) => {
  await page.getByLabel("Cut ticks").click();
  await said(page, "SUB of ticks: disconnected, closed by the peer");
  await said(page, "the program, at ticks: disconnected, disconnected on this side");
  await ready(page, 4);
  await ticking(page);
  await page.getByLabel("Restart echo").click();
  await said(page, "DEALER of echo: disconnected, closed by the peer");
  await ready(page, 4);
  await call(page, "Toys.countdown", "[1000]");
  await answered(page, /^999$/);
  await page.getByLabel("Restart calls").click();
  await answered(page, "MaybeExecuted");
  await ready(page, 4);
  await page.getByLabel("Stall 5 s ticks").click();
  await page.waitForFunction(() => document.getElementById("ticks").value === "0");
  await ticking(page);
});

await trial("a worker that sleeps is given up by its heartbeat, and is back when it wakes", async ({ page }) => {
  await page.getByLabel("Let the worker sleep").click();
  await ready(page, 3);
  // Meanwhile the others have troubles of their own.
  await page.getByLabel("Cut ticks").click();
  await page.getByLabel("Restart echo").click();
  await said(page, "the program, at worker: disconnected, heartbeat timed out");
  await said(page, "SUB in a worker: disconnected");
  await ready(page, 4);
  await page.locator(".lane rect.asleep").first().waitFor();
  await shot(page, "demo-light.png");
  await page.setViewportSize({ width: 390, height: 844 });
  await shot(page, "demo-narrow.png");
});

await trial("a tab that sleeps is given up by its heartbeat, and is back when it wakes", async ({ page }) => {
  // A headless browser shows all of its tabs, and so freezes none: the processes of another one are stopped instead.
  const sleeper = await launch();
  try {
    const tab = await sleeper.newPage();
    await tab.goto(page.url());
    await ready(tab, 4);
    const { processInfo } = await (await sleeper.newBrowserCDPSession()).send("SystemInfo.getProcessInfo");
    const pages = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
    for (const id of pages) process.kill(id, "SIGSTOP");
    await said(page, "the program, at ticks: disconnected, heartbeat timed out");
    for (const id of pages) process.kill(id, "SIGCONT");
    await said(tab, "SUB of ticks: disconnected");
    await ready(tab, 4);
    await ticking(tab);
  } finally {
    await sleeper.close();
  }
});

await trial("a page that is loaded anew connects anew, and its old connections are told as gone", async ({ page, context }) => {
  const other = await context.newPage();
  await other.goto(page.url());
  await ready(other, 4);
  await page.reload();
  await ready(page, 4);
  await said(other, "the program, at ticks: disconnected, closed by the peer");
});

await trial("a program that is killed and comes back finds the page again", async ({ page, demo }) => {
  const { host } = new URL(demo.url);
  await end(demo, "SIGKILL");
  await said(page, "SUB of ticks: disconnected");
  await ready(page, 0);
  const next = await start(host);
  try {
    await ready(page, 4);
    await ticking(page);
    await shot(page, "demo-dark.png");
  } finally {
    await end(next);
  }
}, { colorScheme: "dark" });

await trial("a page without a network waits, and is back with it", async ({ page, context }) => {
  await context.setOffline(true);
  // Where the browser lets open connections be, this ends one; else their heartbeats end all.
  await page.getByLabel("Cut ticks").click();
  await page.getByText(/[0-3] of 4 connections are ready/).waitFor();
  await context.setOffline(false);
  await ready(page, 4);
  await ticking(page);
});

await browser.close();
console.log(`test result: ${passed} passed; ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
