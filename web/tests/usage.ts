// What the types promise: compiled by `tsc --noEmit --strict`, never run.

import init, {
  BridgeLink, CallError, Client, Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, ServiceError, SocketError, Sub, XPub, XSub, curveKeys,
} from "../pkg/index.js";
import type { Caller, CallOptions, Items, MonitorEvent, Options, Peer, TransportState } from "../pkg/index.js";

export async function sockets(): Promise<void> {
  await init();
  await using sub = new Sub("wss://example.org/zeromq", { subscribe: ["news", new Uint8Array([1])], recvHwm: 10, lingerMs: null });
  for await (const parts of sub) {
    const first: Uint8Array | undefined = parts[0];
    if (first === undefined) break;
  }
  const batch: Uint8Array[][] = await sub.recvMany(100);
  const stop: () => void = sub.onMessages((messages) => messages.length + batch.length);
  stop();
  sub.subscribe().unsubscribe("news").connect("ws://localhost:1");
  // @ts-expect-error a SUB does not send
  sub.send("no");
  // @ts-expect-error there is no such option
  new Push({ highWater: 3 });
  const dealer = new Dealer({ reconnectMs: [10, 1000], heartbeatMs: null, plain: { username: "ann", password: "secret" } });
  await dealer.send(["a", new ArrayBuffer(3), new Float64Array(2)]);
  const isSent: boolean = dealer.trySend("one");
  await dealer.sendMany(new Set(["a", "b"]));
  const leave = dealer.onStateChange((state: TransportState) => state === "connected" && isSent);
  leave();
  for await (const event of dealer.events) tell(event);
  const peers: Peer[] = dealer.peers();
  const dropped: number = await dealer.close();
  const keys = await curveKeys();
  const options: Options = { curve: { serverKey: "…", ...keys }, watchNetwork: false };
  for (const made of [new Pub(options), new Pull(), new Req(), new Rep(), new Router(), new XPub(), new XSub(), new Pair()]) made.stop();
  console.log(peers.length + dropped);
}

function tell(event: MonitorEvent): string {
  switch (event.event) {
    case "disconnected":
      return `${event.endpoint}: ${event.reason} (${event.cause})`;
    case "connect_retried":
      return `in ${event.delay} s`;
    case "subscribed":
      return event.topic;
    default:
      return event.event;
  }
}

export async function calls(): Promise<void> {
  const client = new Client("wss://example.org/calls", { retries: false });
  const caller: Caller = client;
  const options: CallOptions = { deadline: 1000, signal: new AbortController().signal };
  const items: Items<unknown> = [1, 2];
  try {
    const sum: unknown = await caller.call("Sums.add", [1, 2], options);
    await caller.upload("Sums.all", [], items);
    for await (const item of caller.exchange("Sums.running", [], items)) console.log(item, sum);
  } catch (error) {
    if (error instanceof CallError && error.outcome === "NotExecuted") console.log(error.kind, error.code, error.details);
    if (error instanceof SocketError) console.log(error.kind);
  }
  client.handle("Page.count", async function* ([to], { signal, items }) {
    if (signal.aborted) throw new ServiceError({ why: "late" });
    for await (const item of items) yield [to, item];
  });
  await client.waitReady();
  await client.drain(100);
}

export function bridge(client: Client, host: WebSocket): void {
  const link = new BridgeLink(client, { emit: (bytes) => host.send(bytes as Uint8Array<ArrayBuffer>), close: () => host.close() });
  host.onopen = () => link.handleConnect();
  host.onmessage = ({ data }) => link.handleBytes(data as ArrayBuffer);
  host.onerror = host.onclose = () => link.handleDisconnect();
}
