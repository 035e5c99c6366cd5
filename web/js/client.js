// Calls, in both directions.

import { CallError, ServiceError, awaited, read, readAll, translated, within } from "./errors.js";
import { Lifecycle, report } from "./lifecycle.js";
import { setup } from "./setup.js";
import { core, needsCarrier } from "./wasm.js";

const ONE = 0;
const MANY = 1;
const ITEMS_ONE = 2;
const ITEMS_MANY = 3;
const NOTHING = 4;

/** A method by its whole name. */
function split(method) {
  const at = typeof method === "string" ? method.lastIndexOf(".") : -1;
  if (at < 1 || at === method.length - 1) throw new TypeError(`${method} is not "Service.method"`);
  return [method.slice(0, at), method.slice(at + 1)];
}

/** A value as JSON, which knows no `undefined`. */
const json = (value) => JSON.stringify(value === undefined ? null : value) ?? "null";

export class Client {
  #life;

  constructor(endpoints, options = {}) {
    if (endpoints !== undefined && typeof endpoints !== "string" && !Array.isArray(endpoints)) {
      [endpoints, options] = [undefined, endpoints];
    }
    this.#life = new Lifecycle(() => new core.Caller(setup(options)), options);
    try {
      for (const endpoint of endpoints === undefined ? [] : [endpoints].flat()) this.connect(endpoint);
    } catch (error) {
      this.#stop();
      throw error;
    }
  }

  get ready() {
    return this.#life.ready;
  }

  connect(endpoint) {
    this.#life.with((raw) => {
      needsCarrier(endpoint);
      raw.connect(endpoint);
    });
    return this;
  }

  call(method, args = [], options = {}) {
    return this.#one(ONE, method, args, undefined, options);
  }

  upload(method, args, items, options = {}) {
    return this.#one(ITEMS_ONE, method, args, items, options);
  }

  async notify(method, args = [], options = {}) {
    await this.#one(NOTHING, method, args, undefined, options);
  }

  stream(method, args = [], options = {}) {
    return this.#many(MANY, method, args, undefined, options);
  }

  exchange(method, args, items, options = {}) {
    return this.#many(ITEMS_MANY, method, args, items, options);
  }

  handle(method, handler) {
    const [service, name] = split(method);
    if (typeof handler !== "function") throw new TypeError("a handler is a function");
    this.#life.with((raw) => raw.handle(service, name, (asked) => void answer(asked, method, handler)));
    let isThere = true;
    return () => {
      if (isThere && !this.#life.isOver) this.#life.with((raw) => raw.unhandle(service, name));
      isThere = false;
    };
  }

  waitReady() {
    return this.#life.wait((raw) => raw.wait_ready());
  }

  get state() {
    return this.#life.state;
  }

  get isConnected() {
    return this.#life.isConnected;
  }

  onStateChange(listener) {
    return this.#life.onStateChange(listener);
  }

  get events() {
    return this.#life.events;
  }

  peers() {
    return this.#life.peers();
  }

  setNetwork(isThere) {
    this.#life.setNetwork(isThere);
  }

  async drain(graceMs = 10_000) {
    await this.#life.wait((raw) => raw.drain(graceMs));
    this.#life.over();
  }

  async close() {
    if (this.#life.isOver) return;
    this.#life.over();
    await this.#life.wait((raw) => raw.close());
  }

  async [Symbol.asyncDispose]() {
    await this.close();
  }

  #stop() {
    this.#life.over();
    try {
      this.#life.with((raw) => raw.stop());
    } catch {
      // It never was.
    }
  }

  /** A call of the core's, which `signal` cancels until it is `over`. */
  async #begin(kind, method, args, { deadline, signal } = {}) {
    const [service, name] = split(method);
    if (!Array.isArray(args)) throw new TypeError("the arguments are a list");
    signal?.throwIfAborted();
    const asked = Date.now();
    if (!this.#life.raw) {
      await this.#life.ready;
      signal?.throwIfAborted();
    }
    const left = deadline === undefined ? undefined : Math.max(0, deadline - (Date.now() - asked));
    const call = this.#life.with((raw) => raw.call(service, name, kind, json(args), left));
    const abort = () => call.cancel();
    signal?.addEventListener("abort", abort, { once: true });
    const over = () => {
      signal?.removeEventListener("abort", abort);
      call.cancel();
    };
    return { call, over };
  }

  async #one(kind, method, args, items, options) {
    const { call, over } = await this.#begin(kind, method, args, options);
    const feeding = items === undefined ? undefined : new Feeding(call, items);
    try {
      return await outcome(call.result(), feeding, options.signal, (text) => (text === undefined ? null : read(text)));
    } finally {
      over();
      feeding?.stop();
    }
  }

  async *#many(kind, method, args, items, options) {
    const { call, over } = await this.#begin(kind, method, args, options);
    const feeding = items === undefined ? undefined : new Feeding(call, items);
    try {
      for (;;) {
        const list = await outcome(call.next(), feeding, options.signal, (text) => text);
        if (list === undefined) return;
        yield* readAll(list);
      }
    } finally {
      over();
      feeding?.stop();
    }
  }
}

/** What became of it: what the page's own items failed with comes first, then what it was aborted with. */
async function outcome(promise, feeding, signal, parse) {
  try {
    return parse(await promise);
  } catch (error) {
    if (feeding?.failure) throw feeding.failure.error;
    if (signal?.aborted) throw signal.reason;
    throw ours(error);
  }
}

/** A call that was given up from elsewhere is a call that failed. */
function ours(error) {
  const translation = translated(error);
  if (translation.kind === "cancelled") return new CallError("cancelled", translation.message);
  return translation;
}

/** Items of the page, sent as there is room for them. */
class Feeding {
  failure;
  #to;
  #iterator;
  #isStopped = false;

  constructor(to, items) {
    this.#to = to;
    this.#run(items).catch((error) => {
      // Half of the items must not look like all of them.
      this.failure ??= { error };
      to.cancel?.();
    });
  }

  async #run(items) {
    this.#iterator = items[Symbol.asyncIterator]?.() ?? items[Symbol.iterator]();
    while (!this.#isStopped) {
      const { done, value } = await this.#iterator.next();
      if (this.#isStopped) return;
      if (done) return this.#to.finish();
      if (!(await pushed(this.#to, json(value)))) return this.stop();
    }
  }

  /** No more are wanted. */
  stop() {
    if (this.#isStopped) return;
    this.#isStopped = true;
    // An iterator that is at work returns when it is done with that.
    Promise.resolve(this.#iterator?.return?.()).catch(() => {});
  }
}

/** Hands an item over, as soon as there is room; false if no more are wanted. */
async function pushed(to, item) {
  for (;;) {
    const answer = within(() => to.push(item));
    if (answer !== 1) return answer === 0;
    if (!(await awaited(to.room()))) return false;
  }
}

async function* incoming(asked) {
  for (;;) {
    const list = await asked.next();
    if (list === undefined) return;
    try {
      yield* readAll(list);
    } catch (error) {
      asked.malformed(error.message);
      throw error;
    }
  }
}

const isItems = (value) =>
  typeof value === "object" && value !== null && (Symbol.asyncIterator in value || (Symbol.iterator in value && typeof value.next === "function"));

/** Lets the page answer a call. */
async function answer(asked, method, handler) {
  const over = new AbortController();
  asked.on_over(() => over.abort());
  const remaining = asked.remaining();
  const context = { method, signal: over.signal, items: incoming(asked), ...(remaining === undefined ? {} : { remaining }) };
  let args;
  try {
    args = read(asked.arguments());
  } catch (error) {
    return asked.malformed(error.message);
  }
  try {
    const value = await handler(args, context);
    if (isItems(value)) await answerItems(asked, value, over.signal);
    else asked.reply(json(value));
  } catch (error) {
    if (error instanceof ServiceError) {
      asked.fail(json(error.data));
    } else {
      asked.give_up();
      // The caller hears that there is no answer, and nothing of what is the page's own.
      if (!over.signal.aborted) report(() => { throw error; });
    }
  }
}

async function answerItems(asked, items, signal) {
  const iterator = items[Symbol.asyncIterator]?.() ?? items[Symbol.iterator]();
  const stop = () => void Promise.resolve(iterator.return?.()).catch(() => {});
  let first = await iterator.next();
  asked.begin();
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (; !first.done; first = await iterator.next()) {
      if (!(await pushed(asked, json(first.value)))) return stop();
    }
    asked.finish();
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
