// Options: their names, what they may be, and how the core is told.

import { bytes } from "./packed.js";
import { core } from "./wasm.js";

/** Pages can't send the PINGs of WebSocket, and neither side hears of a peer that fell silent without any. */
const HEARTBEAT = 15_000;

const number = (name, value) => {
  if (typeof value !== "number" || !(value >= 0)) throw new TypeError(`${name} is a number from 0 on`);
  return value;
};
const orNone = (name, value) => (value === null ? undefined : number(name, value));
const truth = (name, value) => {
  if (typeof value !== "boolean") throw new TypeError(`${name} is true or false`);
  return value;
};
const string = (name, value) => {
  if (typeof value !== "string") throw new TypeError(`${name} is a string`);
  return value;
};

const OPTIONS = {
  sendHwm: (setup, value) => setup.send_hwm(number("sendHwm", value)),
  recvHwm: (setup, value) => setup.recv_hwm(number("recvHwm", value)),
  identity: (setup, value) => setup.identity(bytes(value)),
  lingerMs: (setup, value) => setup.linger(orNone("lingerMs", value)),
  reconnectMs: (setup, value) => {
    const [min, max] = Array.isArray(value) ? value : [value];
    setup.reconnect(orNone("reconnectMs", min), max === undefined ? undefined : number("reconnectMs", max));
  },
  maxAttempts: (setup, value) => setup.max_attempts(orNone("maxAttempts", value)),
  connectTimeoutMs: (setup, value) => setup.connect_timeout(orNone("connectTimeoutMs", value)),
  handshakeTimeoutMs: (setup, value) => setup.handshake_timeout(number("handshakeTimeoutMs", value)),
  heartbeatMs: (setup, value) => setup.heartbeat(orNone("heartbeatMs", value)),
  heartbeatTimeoutMs: (setup, value) => setup.heartbeat_timeout(orNone("heartbeatTimeoutMs", value)),
  maxMessageSize: (setup, value) => setup.max_message_size(orNone("maxMessageSize", value)),
  plain: (setup, { username, password }) =>
    setup.plain(string("plain.username", username), string("plain.password", password)),
  curve: (setup, { serverKey, publicKey, secretKey }) =>
    setup.curve(
      string("curve.serverKey", serverKey),
      string("curve.publicKey", publicKey),
      string("curve.secretKey", secretKey),
    ),
  immediate: (setup, value) => setup.immediate(truth("immediate", value)),
  conflate: (setup, value) => setup.conflate(truth("conflate", value)),
  routerMandatory: (setup, value) => setup.router_mandatory(truth("routerMandatory", value)),
  reqRelaxed: (setup, value) => setup.req_relaxed(truth("reqRelaxed", value)),
  reqCorrelate: (setup, value) => setup.req_correlate(truth("reqCorrelate", value)),
  retries: (setup, value) => setup.retries(truth("retries", value)),
};

/** What the package looks at by itself. */
const OURS = new Set(["subscribe", "watchNetwork"]);

/** The options as the core takes them. */
export function setup(options) {
  const setup = new core.Setup();
  for (const [name, value] of Object.entries({ heartbeatMs: HEARTBEAT, ...options })) {
    if (value === undefined || OURS.has(name)) continue;
    const set = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
    if (!set) throw new TypeError(`there is no option ${name}`);
    set(setup, value);
  }
  return setup;
}
