// The core, loaded once: by `init`, or when the first socket is made.

import load, * as core from "./core.js";
import { SocketError } from "./errors.js";

let loading;
let isLoaded = false;

/** Whether the core is there already, so that a socket is made at once. */
export const loaded = () => isLoaded;

export { core };

/** Loads the core. `source` says where it is: a URL, a Response, bytes or a compiled module; by default beside this file. */
export function init(source) {
  loading ??= start(source).catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function start(source) {
  if (typeof WebSocket === "undefined") await withWebSocket();
  const where = source ?? new URL("core_bg.wasm", import.meta.url);
  await load({ module_or_path: (await fromDisk(where)) ?? where });
  isLoaded = true;
}

/** Node has a WebSocket from version 22 on; before, that of the package `ws` takes its place, where it is installed. */
async function withWebSocket() {
  try {
    const { WebSocket } = await import(/* webpackIgnore: true */ /* @vite-ignore */ "ws");
    // Few peers speak its compression, and what is sealed or short does not shrink.
    globalThis.WebSocket = class extends WebSocket {
      constructor(url, protocols) {
        super(url, protocols, { perMessageDeflate: false });
      }
    };
  } catch {
    // Nothing that connects will work, and `connect` says so; the bridge does.
  }
}

const bridged = new Set();

/** A host of its own carries the connections to this endpoint. */
export const bridge = (endpoint) => bridged.add(endpoint);

/** Throws where nothing could carry a connection to this endpoint. */
export function needsCarrier(endpoint) {
  if (typeof WebSocket !== "undefined" || !/^wss?:/.test(endpoint) || bridged.has(endpoint)) return;
  const cause = "there is no WebSocket here: Node has one from version 22 on, and before that the package `ws` is needed";
  throw new SocketError("unsupported", `${cause} (npm install ws)`);
}

/** In Node `fetch` knows no files. */
async function fromDisk(where) {
  if (!(where instanceof URL) || where.protocol !== "file:" || typeof process === "undefined") return undefined;
  const { readFile } = await import(/* webpackIgnore: true */ /* @vite-ignore */ "node:fs/promises");
  return readFile(where);
}
