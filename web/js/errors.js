// Errors. The core makes plain ones with a kind for a name; here they get their classes.

/** A socket can't do what it was asked for: `kind` says why. */
export class SocketError extends Error {
  constructor(kind, message) {
    super(message);
    this.name = "SocketError";
    this.kind = kind;
  }
}

/** A call has no result: `kind` says why, `outcome` whether it may have been executed. */
export class CallError extends Error {
  constructor(kind, message, { code = null, details = null, outcome = "MaybeExecuted" } = {}) {
    super(message);
    this.name = "CallError";
    this.kind = kind;
    this.code = code;
    this.details = details;
    this.outcome = outcome;
  }
}

/** Thrown by a handler of the page: `data` is told to the caller as the method's own error. */
export class ServiceError extends Error {
  constructor(data, message = "the method failed") {
    super(message);
    this.name = "ServiceError";
    this.data = data;
  }
}

/** What the core threw, as one of ours. */
export function translated(error) {
  if (!(error instanceof Error) || error instanceof SocketError || error instanceof CallError) return error;
  if (error.name === "Error" || error.name === "RuntimeError" || error.name === "TypeError") return error;
  if (typeof error.cause === "string") return failed(error, JSON.parse(error.cause));
  return new SocketError(error.name, error.message);
}

/** A call's error. The method's own is what its server made of it, which may be no JSON. */
function failed({ name, message }, rest) {
  try {
    return new CallError(name, message, name === "failed" ? { ...rest, details: read(rest.details) } : rest);
  } catch (error) {
    return error;
  }
}

/** The value of what should be JSON. */
export function read(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CallError("decode", error.message);
  }
}

/** The values of a list, one by one: the core puts between them what stands in no JSON. */
export function* readAll(list) {
  for (const text of list.split("\x1e")) yield read(text);
}

/** Calls `act`, whose errors are ours. */
export function within(act) {
  try {
    return act();
  } catch (error) {
    throw translated(error);
  }
}

/** Waits for `promise`, whose error is ours. */
export const awaited = (promise) =>
  promise.catch((error) => {
    throw translated(error);
  });
