// Sockets.

import { SocketError } from "./errors.js";
import { Lifecycle, report } from "./lifecycle.js";
import { bytes, pack, parts, unpack } from "./packed.js";
import { setup } from "./setup.js";
import { core, needsCarrier } from "./wasm.js";

/** How many messages cross the border at once, at the most. */
const BATCH = 512;

const closed = () => new SocketError("closed", "the socket is closed");

class Socket {
  #life;
  /** Messages that have come and were not taken, the next one first. */
  #batch = [];
  #at = 0;
  /** Who waits for a message: one at a time asks the core. */
  #receiving = Promise.resolve();
  /** Messages that wait for room, with who waits for them. */
  #waiting = [];
  #isSending = false;
  #consumer;

  constructor(type, endpoints, options = {}) {
    if (endpoints !== undefined && typeof endpoints !== "string" && !Array.isArray(endpoints)) {
      [endpoints, options] = [undefined, endpoints];
    }
    this.#life = new Lifecycle(() => new core.Socket(type, setup(options)), options);
    try {
      for (const topic of options.subscribe ?? []) this.subscribe(topic);
      for (const endpoint of endpoints === undefined ? [] : [endpoints].flat()) this.connect(endpoint);
    } catch (error) {
      this.stop();
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

  disconnect(endpoint) {
    this.#life.with((raw) => raw.disconnect(endpoint));
  }

  bind(endpoint) {
    return this.#life.wait((raw) => raw.bind(endpoint));
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

  disconnectPeer(connection) {
    this.#life.with((raw) => raw.disconnect_peer(connection));
  }

  setNetwork(isThere) {
    this.#life.setNetwork(isThere);
  }

  async close() {
    if (this.#life.isOver) return 0;
    this.#life.over();
    // What waits for room is for who waits for it; the core sends what it has taken.
    this.#giveUp(closed());
    return this.#life.wait((raw) => raw.close());
  }

  stop() {
    this.#life.over();
    this.#giveUp(closed());
    try {
      this.#life.with((raw) => raw.stop());
    } catch {
      // It never was.
    }
  }

  async [Symbol.asyncDispose]() {
    await this.close();
  }

  // Of those that send.

  send(message) {
    return this.sendMany([message]);
  }

  async sendMany(messages) {
    const list = Array.from(messages, parts);
    if (list.length === 0) return;
    const { raw } = this.#life;
    if (raw && this.#waiting.length === 0) {
      const sent = this.#life.with((raw) => raw.try_send(pack(list)));
      if (sent === list.length) return;
      list.splice(0, sent);
    }
    if (this.#life.isOver) throw closed();
    await new Promise((resolve, reject) => {
      this.#waiting.push({ list, resolve, reject });
      this.#sendWaiting();
    });
  }

  trySend(message) {
    const list = [parts(message)];
    if (!this.#life.raw || this.#waiting.length > 0) return false;
    return this.#life.with((raw) => raw.try_send(pack(list))) === 1;
  }

  /** Lets those that wait for room go in their order. */
  async #sendWaiting() {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#waiting.length > 0) {
      const first = this.#waiting[0];
      let failure;
      try {
        await this.#life.wait((raw) => raw.send(pack(first.list)));
      } catch (error) {
        failure = error;
      }
      // It may have been given up meanwhile.
      if (this.#waiting[0] !== first) continue;
      this.#waiting.shift();
      if (failure) first.reject(failure);
      else first.resolve();
    }
    this.#isSending = false;
  }

  #giveUp(error) {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  // Of those that receive.

  /** What is here already, or with the core. */
  #take(most) {
    if (this.#at < this.#batch.length) {
      const taken = this.#batch.slice(this.#at, this.#at + most);
      this.#at += taken.length;
      return taken;
    }
    const packed = this.#life.raw ? this.#life.with((raw) => raw.try_recv(most)) : undefined;
    return packed === undefined ? undefined : unpack(packed);
  }

  async recvMany(most = BATCH) {
    if (!(most >= 1)) return [];
    const limit = Math.min(most, BATCH);
    const before = this.#receiving;
    let done;
    this.#receiving = new Promise((resolve) => (done = resolve));
    try {
      await before;
      return this.#take(limit) ?? unpack(await this.#life.wait((raw) => raw.recv(limit)));
    } finally {
      done();
    }
  }

  async recv() {
    return (await this.recvMany(1))[0];
  }

  tryRecv() {
    return this.#take(1)?.[0];
  }

  /** All messages until the socket is closed; those that were taken and not looked at stay for the next reader. */
  async *[Symbol.asyncIterator]() {
    for (;;) {
      if (this.#at >= this.#batch.length) {
        let next;
        try {
          next = await this.recvMany();
        } catch (error) {
          if (error.kind === "closed") return;
          throw error;
        }
        // Another reader may have left something meanwhile, which came before.
        if (this.#at < this.#batch.length) {
          this.#batch = this.#batch.slice(this.#at).concat(next);
        } else {
          this.#batch = next;
        }
        this.#at = 0;
      }
      const message = this.#batch[this.#at];
      this.#batch[this.#at++] = undefined;
      yield message;
    }
  }

  /** Calls `consumer` with batches, one at a time: the next one when what it returns is resolved. */
  onMessages(consumer) {
    if (this.#consumer) throw new SocketError("out_of_turn", "there is a consumer of messages already");
    const mine = {};
    this.#consumer = mine;
    const run = async () => {
      while (this.#consumer === mine) {
        const batch = await this.recvMany();
        if (this.#consumer !== mine) {
          this.#batch = batch.concat(this.#batch.slice(this.#at));
          this.#at = 0;
          return;
        }
        await consumer(batch);
      }
    };
    run().catch((error) => {
      if (this.#consumer === mine) this.#consumer = undefined;
      if (error?.kind !== "closed") report(() => { throw error; });
    });
    return () => {
      if (this.#consumer === mine) this.#consumer = undefined;
    };
  }

  // Of SUB and XSUB.

  subscribe(topic = "") {
    const prefix = bytes(topic);
    this.#life.with((raw) => raw.subscribe(prefix));
    return this;
  }

  unsubscribe(topic = "") {
    const prefix = bytes(topic);
    this.#life.with((raw) => raw.unsubscribe(prefix));
    return this;
  }
}

/** One class for each type, with the methods that it has. */
function typed(type, { sends = true, receives = true, subscribes = false } = {}) {
  const lacking = [
    ...(sends ? [] : ["send", "sendMany", "trySend"]),
    ...(receives ? [] : ["recv", "recvMany", "tryRecv", "onMessages", Symbol.asyncIterator]),
    ...(subscribes ? [] : ["subscribe", "unsubscribe"]),
  ];
  const made = class extends Socket {
    constructor(endpoints, options) {
      super(type, endpoints, options);
    }
  };
  for (const name of lacking) Object.defineProperty(made.prototype, name, { value: undefined });
  return made;
}

export const Sub = typed("SUB", { sends: false, subscribes: true });
export const Pub = typed("PUB", { receives: false });
export const Push = typed("PUSH", { receives: false });
export const Pull = typed("PULL", { sends: false });
export const Req = typed("REQ");
export const Rep = typed("REP");
export const Dealer = typed("DEALER");
export const Router = typed("ROUTER");
export const XPub = typed("XPUB");
export const XSub = typed("XSUB", { subscribes: true });
export const Pair = typed("PAIR");
