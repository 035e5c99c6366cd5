// Connections whose bytes the page carries by itself.

import { report } from "./lifecycle.js";
import { bytes } from "./packed.js";
import { bridge, core, init, loaded } from "./wasm.js";

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** What the core takes for a WebSocket. */
class Carried {
  readyState = CONNECTING;
  binaryType = "arraybuffer";
  protocol = "ZMTP3.1";
  onopen = null;
  onmessage = null;
  onclose = null;
  onerror = null;
  #link;

  constructor(link) {
    this.#link = link;
  }

  get bufferedAmount() {
    return this.#link.bufferedAmount;
  }

  send(piece) {
    // It is a view of the core's memory, which will be something else in a moment.
    if (this.readyState === OPEN) this.#link.emit(piece.slice());
  }

  close() {
    if (this.readyState >= CLOSING) return;
    this.readyState = CLOSED;
    this.#link.left();
  }
}

let bridges = 0;

/** One connection, as often as the host makes it. Everything may be told twice, and in any order. */
export class BridgeLink {
  endpoint;
  #socket;
  #emit;
  #close;
  #bufferedAmount;
  /** The host's connection is there. */
  #isUp = false;
  /** What the core has for it. */
  #carried;
  #isClosed = false;
  /** What came before the core was there, which is little: nothing is sent to us before we have said something. */
  #early = [];

  constructor(socket, { emit, close, bufferedAmount, endpoint } = {}) {
    if (typeof emit !== "function") throw new TypeError("a link needs the function emit");
    this.endpoint = endpoint ?? `ws://bridge-${++bridges}.invalid:80`;
    this.#socket = socket;
    this.#emit = emit;
    this.#close = close;
    this.#bufferedAmount = bufferedAmount;
    if (loaded()) this.#begin();
    else init().then(() => this.#begin(), () => {});
  }

  #begin() {
    if (this.#isClosed) return;
    const link = {
      emit: (piece) => report(() => this.#emit(piece)),
      left: () => this.#left(),
      get bufferedAmount() {
        return this.amount();
      },
      amount: () => this.#bufferedAmount?.() ?? 0,
    };
    bridge(this.endpoint);
    core.carry(this.endpoint, () => {
      this.#carried = new Carried(link);
      // The core sets what it hears by, and then is told.
      queueMicrotask(() => this.#open());
      return this.#carried;
    });
    this.#socket.connect(this.endpoint);
  }

  #open() {
    const carried = this.#carried;
    if (!this.#isUp || carried?.readyState !== CONNECTING) return;
    carried.readyState = OPEN;
    carried.onopen?.({});
    for (const piece of this.#early.splice(0)) carried.onmessage?.({ data: piece });
  }

  /** The core has ended the connection: the host's is of no use any more, since it stands in the middle of something. */
  #left() {
    this.#carried = undefined;
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#early = [];
    if (this.#close) report(() => this.#close());
  }

  handleConnect() {
    if (this.#isClosed || this.#isUp) return;
    this.#isUp = true;
    this.#early = [];
    if (this.#carried) this.#open();
    // Else the next attempt waits, and may begin.
    else this.#socket.setNetwork(true);
  }

  handleBytes(piece) {
    if (this.#isClosed || !this.#isUp) return;
    const { buffer } = bytes(piece).slice();
    if (this.#carried?.readyState === OPEN) this.#carried.onmessage?.({ data: buffer });
    else this.#early.push(buffer);
  }

  handleDisconnect() {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#early = [];
    const carried = this.#carried;
    if (carried?.readyState !== OPEN) return;
    this.#carried = undefined;
    carried.readyState = CLOSED;
    carried.onclose?.({ code: 1005 });
  }

  close() {
    if (this.#isClosed) return;
    this.handleDisconnect();
    this.#isClosed = true;
    if (!loaded()) return;
    core.carry(this.endpoint, undefined);
    try {
      this.#socket.disconnect(this.endpoint);
    } catch {
      // It is closed already.
    }
  }

  get isConnected() {
    return this.#isUp;
  }
}
