// What only a page has: a network that comes and goes, a consumer that stalls, several links beside each other.

import { readFileSync, readdirSync } from "node:fs";

export const pageTests = [];
const test = (name, body) => pageTests.push({ name, body });

test("offline burns no attempts, and online connects at once", async ({ page, context, control }) => {
  const pub = await control.bowline("pub", "-b", "ws://127.0.0.1:0");
  await page.evaluate(async (endpoint) => {
    const { Sub } = await import("/pkg/index.js");
    const sub = new Sub({ subscribe: [""], reconnectMs: 10 });
    await sub.ready;
    globalThis.seen = [];
    const { events } = sub;
    void (async () => {
      for await (const event of events) globalThis.seen.push(event);
    })();
    sub.connect(endpoint);
    globalThis.sub = sub;
  }, pub.endpoint);
  await page.waitForFunction(() => globalThis.sub.isConnected);
  await context.setOffline(true);
  await page.waitForFunction(() => !navigator.onLine);
  await control.kill(pub.id);
  await page.waitForFunction(() => globalThis.seen.some(({ event }) => event === "disconnected"));
  const attempts = () => page.evaluate(() => globalThis.seen.filter(({ event }) => event === "connecting").length);
  const before = await attempts();
  // Twenty delays, in which a page with a network would have tried.
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
  if ((await attempts()) !== before) throw new Error("it tried without a network");
  await control.bowline("pub", "-b", pub.endpoint);
  await context.setOffline(false);
  await page.waitForFunction(() => globalThis.sub.isConnected);
  const seen = await page.evaluate(() => globalThis.seen.map(({ event, reason }) => ({ event, reason })));
  const lost = seen.find(({ event }) => event === "disconnected");
  if (!lost.reason) throw new Error("no reason was told");
});

/** What the processes of the browser's pages have in memory, in MiB. */
function resident() {
  let pages = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--type=renderer")) continue;
      pages += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
    } catch {
      // It has ended meanwhile.
    }
  }
  return pages / 1024;
}

test("a consumer that does not read keeps memory bounded", async ({ page, control }) => {
  const push = await control.bowline("push", "-b", "ws://127.0.0.1:0", "-vv");
  await page.evaluate(async (endpoint) => {
    const { Pull } = await import("/pkg/index.js");
    globalThis.pull = new Pull({ recvHwm: 100, reconnectMs: 10 });
    await globalThis.pull.ready;
    globalThis.seen = [];
    const { events } = globalThis.pull;
    void (async () => {
      for await (const event of events) globalThis.seen.push(event);
    })();
    globalThis.pull.connect(endpoint);
  }, push.endpoint);
  await page.waitForFunction(() => globalThis.pull.isConnected);
  const before = resident();
  const line = "x".repeat(32 * 1024);
  // A browser can't be stopped from taking what comes, so the connection ends when it is too much: at 64 MiB. The program at the
  // other end hears of it; in the page the end stands behind what was not received.
  const lost = control.heard(push.id, "lost PULL");
  let isLost = false;
  lost.then(() => (isLost = true), () => (isLost = true));
  for (let said = 0; !isLost && said < 400; said++) await Promise.race([control.say(push.id, ...Array.from({ length: 32 }, () => line)), lost]);
  await lost;
  const grown = resident() - before;
  if (grown > 400) throw new Error(`the page grew by ${grown} MiB`);
  console.log(`    the page grew by ${grown.toFixed(0)} MiB`);
  // Who reads again hears of it, and goes on.
  await page.evaluate(async () => {
    const isLost = () => globalThis.seen.some(({ event }) => event === "disconnected");
    while (!isLost()) await globalThis.pull.recvMany();
    for (let more = 0; more < 200; ) more += (await globalThis.pull.recvMany()).length;
  });
  const causes = await page.evaluate(() => globalThis.seen.filter(({ event }) => event === "disconnected").map(({ cause }) => cause));
  if (causes[0] !== "ws") throw new Error(`it went for another reason: ${causes}`);
});

/** In a page of its own, with the package. */
async function alone(browser, origin, options, body, given) {
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    await page.goto(origin);
    return await page.evaluate(
      async ([body, given]) => (await import("/tests/secure.mjs"))[body](await import("/pkg/index.js"), given),
      [body, given],
    );
  } finally {
    await context.close();
  }
}

test("over wss:// a page whose browser trusts the certificate talks and calls, and another one hears what it can be", async ({ page, browser, control }) => {
  const server = await control.secure();
  await alone(browser, page.url(), { ignoreHTTPSErrors: true }, "talk", server);
  const reason = await alone(browser, page.url(), {}, "refusal", server);
  if (!reason.includes("its certificate is not trusted")) throw new Error(reason);
});
