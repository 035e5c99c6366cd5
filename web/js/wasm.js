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
  const where = source ?? new URL("core_bg.wasm", import.meta.url);
  await load({ module_or_path: (await fromDisk(where)) ?? where });
  isLoaded = true;
}

/** In Node `fetch` knows no files. */
async function fromDisk(where) {
  if (!(where instanceof URL) || where.protocol !== "file:" || typeof process === "undefined") return undefined;
  const { readFile } = await import(/* webpackIgnore: true */ /* @vite-ignore */ "node:fs/promises");
  return readFile(where);
}
