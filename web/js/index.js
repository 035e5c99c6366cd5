// ZeroMQ sockets and calls in a web page, in a worker and in Node.

import { core, init } from "./wasm.js";

export { init, init as default };
export { BridgeLink } from "./bridge.js";
export { Client } from "./client.js";
export { CallError, ServiceError, SocketError } from "./errors.js";
export { Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub } from "./socket.js";

/** A new key pair of CURVE, in Z85. */
export async function curveKeys() {
  await init();
  const [publicKey, secretKey] = core.curve_keys();
  return { publicKey, secretKey };
}
