/**
 * ZeroMQ sockets and calls in a web page, in a worker and in Node: the core of the Rust library bowline, over WebSocket.
 *
 * The core is loaded by {@link init}, or when the first socket is made. A socket that is made before it is there keeps what it
 * is asked for until then.
 */

/** Loads the core. `source` says where it is; by default beside the package. Loading it twice is loading it once. */
export function init(source?: URL | string | Response | Promise<Response> | BufferSource | WebAssembly.Module): Promise<void>;
export default init;

/** A part of a message: text is sent as UTF-8. */
export type Part = string | ArrayBuffer | ArrayBufferView;
/** A message: its parts, or the only one. */
export type Message = Part | readonly Part[];

/** Whether there is somebody to talk to. */
export type TransportState = "connecting" | "connected" | "disconnected";

/** Why a socket can't do what it was asked for. */
export type SocketErrorKind =
  | "invalid" | "closed" | "would_block" | "unroutable" | "no_identity" | "out_of_turn" | "peer_lost" | "unsupported" | "unreachable"
  | "random" | "other";

export class SocketError extends Error {
  readonly name: "SocketError";
  readonly kind: SocketErrorKind;
  constructor(kind: SocketErrorKind, message: string);
}

/** Times are in milliseconds; `null` is none, or no limit. */
export interface Options {
  /** How many messages wait for one peer, at the most; 0 for any number. Default 1000. */
  sendHwm?: number;
  /** How many messages of one peer wait to be received, at the most; 0 for any number. Default 1000. */
  recvHwm?: number;
  /** The name that a ROUTER knows us by. Default: none. */
  identity?: Part;
  /** How long a socket that is closed goes on sending what it has taken; `null`, the default, for as long as it takes. */
  lingerMs?: number | null;
  /**
   * The delay before a connection is made again: always the same one, or one that grows from the first to the second; `null`
   * for never. Default `[100, 10000]`. Each gets up to as much again on top, at random.
   */
  reconnectMs?: number | readonly [number, number] | null;
  /** How many attempts in a row may fail before an endpoint is given up. Default `null`: any number. */
  maxAttempts?: number | null;
  /** Default 10000. */
  connectTimeoutMs?: number | null;
  /** Default 30000. */
  handshakeTimeoutMs?: number;
  /**
   * The time between heartbeats, by which either side learns that the other one is gone. Default 15000: a page can't send the PINGs of
   * WebSocket, and a phone that changes its network says no goodbye. Browsers let the timers of a hidden page wait for up to a minute.
   */
  heartbeatMs?: number | null;
  /** How long a peer may stay silent after a heartbeat. Default `null`: as long as the time between two. */
  heartbeatTimeoutMs?: number | null;
  /** The longest message that is accepted, in bytes. Default 1 GiB; of a client, each message of a call, 16 MiB. */
  maxMessageSize?: number | null;
  /** Logs in with PLAIN, which hides nothing: for `wss://`. */
  plain?: { username: string; password: string };
  /** Speaks CURVE to the server of this key and to no other, sealed from end to end. Keys are Z85, as {@link curveKeys} makes them. */
  curve?: { serverKey: string; publicKey: string; secretKey: string };
  /** Messages wait only for peers that are there. Default false. */
  immediate?: boolean;
  /** Only the newest message is kept. Default false. */
  conflate?: boolean;
  /** A ROUTER fails to send to a peer that it does not know, instead of dropping the message. Default false. */
  routerMandatory?: boolean;
  /** A REQ may send again before its reply has come. Default false. */
  reqRelaxed?: boolean;
  /** A REQ takes no reply but the one to its last request. Default false. */
  reqCorrelate?: boolean;
  /**
   * Whether the events `online`, `offline` and `visibilitychange` are heeded: without a network no attempt is made, and when it is
   * back, or the page is shown again, one is made at once. Default true.
   */
  watchNetwork?: boolean;
}

export interface SubscriberOptions extends Options {
  /** What to subscribe to from the beginning. Default: nothing. */
  subscribe?: readonly Part[];
}

/** Who a peer says it is. */
export interface PeerInfo {
  socket_type?: string;
  identity?: string;
  mechanism?: "NULL" | "PLAIN" | "CURVE";
  version?: string;
  user?: string;
  address?: string;
}

/** A peer that is connected and ready. */
export interface Peer {
  connection: number;
  endpoint: string | null;
  attempt: number | null;
  peer: PeerInfo;
  since: number;
  sent: number;
  received: number;
  bytes_sent: number;
  bytes_received: number;
  dropped: number;
  unsent: number;
}

interface AnyEvent<Name extends string> {
  event: Name;
  /** In seconds, since the core was loaded. */
  time: number;
  endpoint?: string;
  connection?: number;
  attempt?: number;
  peer?: PeerInfo;
}

interface Reasoned {
  /** For people. */
  reason: string;
  /** For programs, as `peer_closed` or `heartbeat_timeout`. */
  cause: string;
  code?: string;
}

/** What happened to a socket or to one of its connections: with the names that the program `bowline` prints. */
export type MonitorEvent =
  | AnyEvent<"listening" | "accepted" | "connecting" | "connect_delayed" | "connected" | "handshake_succeeded" | "ready" | "closed" | "stopped">
  | (AnyEvent<"bind_failed" | "accept_failed"> & { reason: string })
  /** `delay` is in seconds. */
  | (AnyEvent<"connect_retried"> & { delay: number; reason?: string })
  | (AnyEvent<"handshake_failed"> & Reasoned & { stage: string })
  | (AnyEvent<"disconnected" | "connect_stopped"> & Reasoned)
  | (AnyEvent<"subscribed" | "unsubscribed"> & { topic: string })
  | (AnyEvent<"slowed"> & { delay: number })
  | (AnyEvent<"dropped"> & { messages: number })
  /** Nobody read the events, and so many of them are lost. */
  | (AnyEvent<"lagged"> & { lost: number });

interface Watched {
  /** Resolves when the core is there, and all that was asked for before is done. */
  readonly ready: Promise<void>;
  readonly state: TransportState;
  readonly isConnected: boolean;
  /** Calls `listener` with the state now, and with each other one. Returns the function that ends this. */
  onStateChange(listener: (state: TransportState) => void): () => void;
  /** What happens from now on. */
  readonly events: AsyncIterableIterator<MonitorEvent>;
  peers(): Peer[];
  /** Connects to an endpoint, `ws://` or `wss://`, or `inproc://` within the page: now, and again whenever the connection is lost. */
  connect(endpoint: string): this;
  /** Says whether there is a network, where `watchNetwork` is not enough. To say again that there is one makes all that waits try at once. */
  setNetwork(isThere: boolean): void;
  [Symbol.asyncDispose](): Promise<void>;
}

interface AnySocket extends Watched {
  disconnect(endpoint: string): void;
  /** Binds to an endpoint within the page, `inproc://`: nobody can connect to a page. Resolves with it. */
  bind(endpoint: string): Promise<string>;
  /** Ends the connection to a peer, as `peers()` and events name it. */
  disconnectPeer(connection: number): void;
  /** Closes the socket when all is sent that it has taken, or `lingerMs` is over. Resolves with the number of messages that were dropped. */
  close(): Promise<number>;
  /** Ends the socket at once. */
  stop(): void;
}

interface Sends {
  /** Resolves when there was room for the message, `sendHwm` of them: whoever waits for it can't fill the memory. */
  send(message: Message): Promise<void>;
  /** Sends a message if there is room at once. */
  trySend(message: Message): boolean;
  /** Sends all of them in order, with one call of the core. */
  sendMany(messages: Iterable<Message>): Promise<void>;
}

interface Receives extends AsyncIterable<Uint8Array[]> {
  /** The parts of the next message. Those of messages that came together are views of one `ArrayBuffer`: `slice()` what is to be kept. */
  recv(): Promise<Uint8Array[]>;
  /** The message that is there, if one is. */
  tryRecv(): Uint8Array[] | undefined;
  /** What is there, and at least one, up to `most` (512): one call of the core. */
  recvMany(most?: number): Promise<Uint8Array[][]>;
  /** Calls `consumer` with batches, and with the next one when what it has returned is resolved. Returns the function that ends this. */
  onMessages(consumer: (batch: Uint8Array[][]) => unknown): () => void;
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array[]>;
}

interface Subscribes {
  /** To messages whose first part begins with `topic`; to all by default. As many `unsubscribe`s take it back. */
  subscribe(topic?: Part): this;
  unsubscribe(topic?: Part): this;
}

interface Constructor<Socket, Settings> {
  new (endpoints?: string | readonly string[], options?: Settings): Socket;
  new (options: Settings): Socket;
}

export interface Sub extends AnySocket, Receives, Subscribes {}
export const Sub: Constructor<Sub, SubscriberOptions>;
export interface XSub extends AnySocket, Sends, Receives, Subscribes {}
export const XSub: Constructor<XSub, SubscriberOptions>;
export interface Pub extends AnySocket, Sends {}
export const Pub: Constructor<Pub, Options>;
export interface XPub extends AnySocket, Sends, Receives {}
export const XPub: Constructor<XPub, Options>;
export interface Push extends AnySocket, Sends {}
export const Push: Constructor<Push, Options>;
export interface Pull extends AnySocket, Receives {}
export const Pull: Constructor<Pull, Options>;
export interface Req extends AnySocket, Sends, Receives {}
export const Req: Constructor<Req, Options>;
export interface Rep extends AnySocket, Sends, Receives {}
export const Rep: Constructor<Rep, Options>;
export interface Dealer extends AnySocket, Sends, Receives {}
export const Dealer: Constructor<Dealer, Options>;
export interface Router extends AnySocket, Sends, Receives {}
export const Router: Constructor<Router, Options>;
export interface Pair extends AnySocket, Sends, Receives {}
export const Pair: Constructor<Pair, Options>;

/** Whether a call that has failed may have been executed. */
export type Outcome = "NotSent" | "NotExecuted" | "MaybeExecuted";

/**
 * Why a call has no result. `failed`: the method's own error, which is in `details`. `status`: the server says why, `code` is its name as
 * `unknown_method` or `refused`. `connection_lost`: `code` is the cause that events have.
 */
export type CallErrorKind =
  | "failed" | "status" | "deadline" | "connection_lost" | "unreachable" | "too_large" | "metadata_too_large" | "encode" | "decode"
  | "cancelled" | "other";

export class CallError extends Error {
  readonly name: "CallError";
  readonly kind: CallErrorKind;
  readonly code: string | null;
  readonly details: unknown;
  readonly outcome: Outcome;
  constructor(kind: CallErrorKind, message: string, rest?: { code?: string | null; details?: unknown; outcome?: Outcome });
}

/** Thrown by a handler of the page: `data` is what the caller gets as the method's own error. */
export class ServiceError extends Error {
  readonly name: "ServiceError";
  readonly data: unknown;
  constructor(data: unknown, message?: string);
}

export interface CallOptions {
  /** How long the call may take, in milliseconds: both sides keep to it. Default: any time. */
  deadline?: number;
  /** Cancels the call, on the other side too. */
  signal?: AbortSignal;
}

export type Items<T> = Iterable<T> | AsyncIterable<T>;

/** What calls: a {@link Client}, and what a typed client is made of. `method` is `"Service.method"`; values are what JSON knows. */
export interface Caller {
  call(method: string, args: unknown[], options?: CallOptions): Promise<unknown>;
  /** Nothing is sent before the first item is asked for. Leaving the loop cancels the call. */
  stream(method: string, args: unknown[], options?: CallOptions): AsyncIterable<unknown>;
  upload(method: string, args: unknown[], items: Items<unknown>, options?: CallOptions): Promise<unknown>;
  exchange(method: string, args: unknown[], items: Items<unknown>, options?: CallOptions): AsyncIterable<unknown>;
  /** A call without an answer: resolves when it is on its way. */
  notify(method: string, args: unknown[], options?: CallOptions): Promise<void>;
}

export interface CallContext {
  readonly method: string;
  /** Is aborted when the call is over: answered, cancelled, late or lost. */
  readonly signal: AbortSignal;
  /** What the caller sends besides the arguments. */
  readonly items: AsyncIterableIterator<unknown>;
  /** How long the caller still waits, in milliseconds, where it has a deadline. */
  readonly remaining?: number;
}

/** Returns the result, or what is iterated for many: a generator, say. Throws a {@link ServiceError} for an error of its own. */
export type Handler = (args: unknown[], context: CallContext) => unknown;

export interface ClientOptions extends Options {
  /** Whether calls that were not executed are made again by themselves, within a budget. Default true. */
  retries?: boolean;
}

/** Calls services, and offers methods of the page to the servers that it is connected to. */
export interface Client extends Watched, Caller {
  /** Lets servers call the page. Returns the function that ends this. */
  handle(method: string, handler: Handler): () => void;
  /** Resolves when there is a connection that takes calls. */
  waitReady(): Promise<void>;
  /** Begins no more calls, waits for those that are pending, and closes. Default 10000. */
  drain(graceMs?: number): Promise<void>;
  close(): Promise<void>;
}
export const Client: Constructor<Client, ClientOptions>;

/** What a {@link BridgeLink} calls. */
export interface Bridged {
  /** Takes bytes that are to be sent, in order. */
  emit: (bytes: Uint8Array) => void;
  /** The connection is of no use any more: the host may close it, and make another one. */
  close?: () => void;
  /** How many bytes the host was given and has not sent: above 1 MiB it gets no more. Default: it sends at once. */
  bufferedAmount?: () => number;
  /** The name that events have for it. Default: one of its own, `ws://bridge-1.invalid:80`. */
  endpoint?: string;
}

/**
 * A connection whose bytes the host carries by itself: over a WebSocket of its own (with the subprotocol `ZMTP3.1`), or anything else that
 * keeps bytes in order. All of it may be called twice, in any order and after `close`.
 */
export class BridgeLink {
  constructor(socket: AnySocket | Client, bridged: Bridged);
  readonly endpoint: string;
  readonly isConnected: boolean;
  handleConnect(): void;
  handleBytes(bytes: ArrayBuffer | ArrayBufferView): void;
  handleDisconnect(): void;
  close(): void;
}

/** A new key pair of CURVE, in Z85. */
export function curveKeys(): Promise<{ publicKey: string; secretKey: string }>;
