// What the suites look at, and wait for.

export const text = (part) => new TextDecoder().decode(part);
export const texts = (messages) => messages.map((message) => message.map(text));

export function equal(actual, expected, what = "") {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what} ${a?.slice(0, 500)} is not ${b?.slice(0, 500)}`);
}

export function ok(value, what) {
  if (!value) throw new Error(what);
}

/** What `promise` is rejected with. */
export async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

export async function within(promise, what, millis = 60_000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took too long`)), millis);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The next event of this name. */
export async function heard(events, name) {
  const seen = [];
  for (;;) {
    const { done, value } = await within(events.next(), `${name}, behind ${seen.join(", ")},`);
    if (done) throw new Error(`no ${name} came`);
    seen.push(value.event);
    if (value.event === name) return value;
  }
}

export const connected = (socket) =>
  within(
    new Promise((resolve) => {
      const leave = socket.onStateChange((state) => {
        if (state === "connected") {
          resolve();
          queueMicrotask(() => leave());
        }
      });
    }),
    "connecting",
  );

export async function take(items, count) {
  const taken = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}
