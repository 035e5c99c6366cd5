// Made by bowline, do not edit: run this again instead.
//   bowline codegen typescript tcp://127.0.0.1:7400
// Of the npm package `bowline` it imports types only.
import type { CallOptions, Caller, Items } from "bowline";

/** Not known to reflection: declare its shape here, or in a module for `--types`. */
export type Change = unknown;

/** Not known to reflection: declare its shape here, or in a module for `--types`. */
export type StoreError = unknown;

/** Keys and values, in order of the keys. */
export class Store {
  constructor(private readonly caller: Caller) {}

  /**
   * The value of `key`.
   *
   * @throws {CallError} with `details` that are `StoreError`, if the method fails
   */
  get(key: string, options?: CallOptions): Promise<number[]> {
    return this.caller.call("bowline.examples.Store.get", [key], options) as Promise<number[]>;
  }

  /**
   * Sets the value of `key`, whether it had one or not.
   *
   * @throws {CallError} with `details` that are `StoreError`, if the method fails
   */
  put(key: string, value: number[], options?: CallOptions): Promise<null> {
    return this.caller.call("bowline.examples.Store.put", [key, value], options) as Promise<null>;
  }

  /**
   * Removes `key`.
   *
   * @throws {CallError} with `details` that are `StoreError`, if the method fails
   */
  delete(key: string, options?: CallOptions): Promise<null> {
    return this.caller.call("bowline.examples.Store.delete", [key], options) as Promise<null>;
  }

  /** Removes `key` if it is there, and tells nobody whether it was. */
  forget(key: string, options?: CallOptions): Promise<void> {
    return this.caller.notify("bowline.examples.Store.forget", [key], options);
  }

  /** The keys that begin with `prefix`. */
  list(prefix: string, options?: CallOptions): Promise<string[]> {
    return this.caller.call("bowline.examples.Store.list", [prefix], options) as Promise<string[]>;
  }

  /**
   * What is there below `prefix`, then [`Change::UpToDate`], then every change.
   *
   * A watcher that does not keep up is told how many changes it missed.
   */
  watch(prefix: string, options?: CallOptions): AsyncIterable<Change> {
    return this.caller.stream("bowline.examples.Store.watch", [prefix], options) as AsyncIterable<Change>;
  }

  /**
   * Sets the value of `key` to all `chunks` together, and returns its length; nothing is set before the last one.
   *
   * `u64` is a number here: beyond 2^53 precision is lost, since JSON.parse reads doubles.
   *
   * @throws {CallError} with `details` that are `StoreError`, if the method fails
   */
  upload(key: string, chunks: Items<number[]>, options?: CallOptions): Promise<number> {
    return this.caller.upload("bowline.examples.Store.upload", [key], chunks, options) as Promise<number>;
  }

  /** Looks the keys up one by one, as they come. */
  lookup(keys: Items<string>, options?: CallOptions): AsyncIterable<[string, number[] | null]> {
    return this.caller.exchange("bowline.examples.Store.lookup", [], keys, options) as AsyncIterable<
      [string, number[] | null]
    >;
  }
}
