// What sockets and clients share: the core's side of them, which may have to wait for the core, their state, their events.

import { awaited, translated, within } from "./errors.js";
import { watchNetwork } from "./network.js";
import { init, loaded } from "./wasm.js";

export class Lifecycle {
  #raw;
  /** What was asked for before the core was there; `undefined` from then on. */
  #early = [];
  /** Why there is none. */
  #failure;
  #state = "disconnected";
  #listeners = new Set();
  #isOver = false;
  #leaveNetwork = () => {};

  /** Resolves when the core is there and all that was asked for before is done. */
  ready;

  /** `make` makes the core's side. */
  constructor(make, { watchNetwork: isWatching = true } = {}) {
    if (isWatching) this.#leaveNetwork = watchNetwork((isThere) => this.setNetwork(isThere));
    if (loaded()) {
      within(() => this.#begin(make()));
      this.ready = Promise.resolve();
    } else {
      this.ready = init().then(() => this.#begin(make()));
      this.ready = this.ready.catch((error) => {
        this.#failure = translated(error);
        this.#early = undefined;
        this.#over();
        throw this.#failure;
      });
      // Who does not wait for it hears of it from the next thing that is asked for.
      this.ready.catch(() => {});
    }
  }

  #begin(raw) {
    this.#raw = raw;
    const early = this.#early;
    this.#early = undefined;
    raw.on_state((state) => this.#changed(state));
    for (const act of early) act(raw);
    this.#changed(raw.state());
    if (this.#isOver) raw.stop();
  }

  #changed(state) {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) report(() => listener(state));
  }

  /** Calls `act` with the core's side: now, or as soon as it is there, and then without a result. */
  with(act) {
    if (this.#failure) throw this.#failure;
    if (this.#raw) return within(() => act(this.#raw));
    this.#early.push(act);
    return undefined;
  }

  /** What a promise of the core resolves with, as soon as the core is there. */
  async wait(act) {
    if (!this.#raw) await this.ready;
    return awaited(within(() => act(this.#raw)));
  }

  /** The core's side, if it is there. */
  get raw() {
    if (this.#failure) throw this.#failure;
    return this.#raw;
  }

  get state() {
    return this.#raw ? this.#raw.state() : this.#state;
  }

  get isConnected() {
    return this.#raw ? this.#raw.is_connected() : false;
  }

  onStateChange(listener) {
    let isHeard = true;
    const own = (state) => {
      if (isHeard) listener(state);
    };
    // A change of which nobody has heard yet comes first.
    this.#changed(this.state);
    this.#listeners.add(own);
    own(this.#state);
    return () => {
      isHeard = false;
      this.#listeners.delete(own);
    };
  }

  get events() {
    // From now on, not from when somebody begins to read.
    const monitor = this.#raw ? this.#raw.events() : undefined;
    return monitored(monitor ?? this.wait((raw) => Promise.resolve(raw.events())));
  }

  peers() {
    return this.#raw ? JSON.parse(this.#raw.peers()) : [];
  }

  setNetwork(isThere) {
    if (!this.#isOver && !this.#failure) this.with((raw) => raw.set_network(isThere));
  }

  /** It is over: nothing of the page's is held any more. */
  over() {
    this.#over();
  }

  #over() {
    this.#isOver = true;
    this.#leaveNetwork();
  }

  get isOver() {
    return this.#isOver;
  }
}

async function* monitored(monitor) {
  const events = await monitor;
  for (;;) {
    const next = await events.next();
    if (next === undefined) return;
    yield* JSON.parse(next);
  }
}

/** An error of the page's own function is the page's to hear, and ends nothing here. */
export function report(act) {
  try {
    act();
  } catch (error) {
    if (typeof globalThis.reportError === "function") globalThis.reportError(error);
    else queueMicrotask(() => { throw error; });
  }
}
