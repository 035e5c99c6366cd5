// The core, loaded once: by `init`, or when the first socket is made.

import load, * as core from "./core.js";

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
    // Nothing that connects will work; the bridge does.
  }
}

/** In Node `fetch` knows no files. */
async function fromDisk(where) {
  if (!(where instanceof URL) || where.protocol !== "file:" || typeof process === "undefined") return undefined;
  const { readFile } = await import(/* webpackIgnore: true */ /* @vite-ignore */ "node:fs/promises");
  return readFile(where);
}
