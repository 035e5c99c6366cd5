// Against a libzmq with WebSocket: the page asks it for `ZWS2.0`, the only subprotocol of RFC 45 that a browser can ask for.

import { connected, equal, failure, heard, ok, take, texts, within } from "./checks.mjs";

export const foreignTests = [];
const test = (name, body) => foreignTests.push({ name, body });

/** The same bytes as `body` of `interop/peer.py`: a period of 251 bytes, so that any shift shows. */
const body = ([size, seed]) => Uint8Array.from({ length: size }, (_, at) => (seed + 7 * at) % 251);

/** Around each border of the lengths of WebSocket, whose messages here have a byte more for the flags. */
const SIZES = [0, 1, 123, 124, 125, 126, 127, 65_533, 65_534, 65_535, 65_536, 262_144, 1 << 20];
const COMING = [...SIZES.map((size, seed) => [[size, seed]]), [[125, 1], [0, 2], [65_535, 3], [1, 4], [1 << 20, 5], [126, 6]], [[0, 7], [0, 8]]];
/** Chromium may cut longer ones into fragments, behind which libzmq reads nothing more; Node does not. */
const WHOLE = 65_535;
const isBrowser = typeof process === "undefined";
const GOING = isBrowser ? COMING.filter((shape) => shape.every(([size]) => size <= WHOLE)) : COMING;
const messages = (shapes) => shapes.map((shape) => shape.map(body));

function expectAll(received, shapes) {
  equal(received.map((message) => message.map((part) => part.length)), shapes.map((shape) => shape.map(([size]) => size)), "lengths");
  for (const [at, message] of received.entries()) {
    for (const [part, bytes] of message.entries()) {
      const wanted = body(shapes[at][part]);
      ok(bytes.every((byte, place) => byte === wanted[place]), `part ${part} of message ${at} has other bytes`);
    }
  }
}

const hex = (text) => Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A socket of libzmq that is bound. */
async function host(control, type, options = {}, endpoint = "ws://127.0.0.1:*") {
  const id = await control.foreign();
  const on = (op, rest = {}) => control.tell(id, op, { name: "s", ...rest });
  await on("socket", { type, options, monitor: true });
  return { endpoint: await on("bind", { endpoint }), peer: { id, on } };
}

test("what a PUSH sends to libzmq arrives, whatever its length", async ({ Push }, control) => {
  const { peer, endpoint } = await host(control, "PULL");
  const push = new Push(endpoint);
  await push.sendMany(messages(GOING));
  await within(peer.on("expect", { messages: GOING }), "all of them");
  equal([push.peers()[0].peer.mechanism, push.peers()[0].peer.socket_type], ["NULL", "PULL"]);
  equal(await push.close(), 0);
});

test("a close loses nothing of what was sent before", async ({ Push }, control) => {
  const { peer, endpoint } = await host(control, "PULL", { RCVHWM: 1 });
  const push = new Push(endpoint);
  await push.sendMany([...messages(GOING), ...messages(GOING)]);
  // More than is under way before somebody reads.
  const [unsent] = await within(Promise.all([push.close(), peer.on("expect", { messages: [...GOING, ...GOING] })]), "all of them");
  equal(unsent, 0);
});

test("what libzmq sends to a PULL arrives, whatever its length", async ({ Pull }, control) => {
  const { peer, endpoint } = await host(control, "PUSH");
  const pull = new Pull(endpoint);
  const told = peer.on("send", { messages: COMING });
  expectAll(await within(take(pull, COMING.length), "all of them"), COMING);
  await told;
  await pull.close();
});

test("a SUB hears of libzmq's PUB what it subscribes to, and no more when it no longer does", async ({ Sub }, control) => {
  const { peer, endpoint } = await host(control, "XPUB");
  const sub = new Sub(endpoint, { subscribe: ["news", "sport"] });
  const subscribed = [await within(peer.on("recv"), "a subscription"), await within(peer.on("recv"), "another one")];
  equal(subscribed.flat().sort(), [`01${hex("news")}`, `01${hex("sport")}`]);
  const say = (...topics) => peer.on("send", { messages: topics.map((topic) => [hex(topic), hex("word")]) });
  await say("other", "news one", "sport one");
  equal(texts(await within(take(sub, 2), "both")), [["news one", "word"], ["sport one", "word"]]);
  sub.unsubscribe("sport");
  equal(await within(peer.on("recv"), "the end of a subscription"), [`00${hex("sport")}`]);
  await say("sport two", "news two");
  equal(texts([await within(sub.recv(), "the last")]), [["news two", "word"]]);
  await sub.close();
});

test("a PUB is heard by libzmq's SUB", async ({ Pub }, control) => {
  const { peer, endpoint } = await host(control, "SUB", { SUBSCRIBE: "news" });
  const pub = new Pub(endpoint);
  const { events } = pub;
  await heard(events, "ready");
  // A SUB of libzmq that is bound says what it wants in the next call to it.
  const news = within(peer.on("recv"), "the news");
  equal((await heard(events, "subscribed")).topic, "news");
  await pub.sendMany([["other", "1"], ["news", "2"]]);
  equal(await news, [hex("news"), hex("2")]);
  await pub.close();
});

test("a REQ asks libzmq's REP, and a REP answers libzmq's REQ", async ({ Req, Rep }, control) => {
  const asked = await host(control, "REP");
  const req = new Req(asked.endpoint);
  const echo = asked.peer.on("echo", { count: GOING.length });
  const answers = [];
  for (const message of messages(GOING)) {
    await req.send(message);
    answers.push(await within(req.recv(), "an answer"));
  }
  expectAll(answers, GOING);
  await echo;
  await req.close();
  const asking = await host(control, "REQ");
  const rep = new Rep(asking.endpoint);
  const request = asking.peer.on("request", { messages: GOING });
  for (const _ of GOING) await rep.send(await within(rep.recv(), "a question"));
  await request;
  await rep.close();
});

test("a DEALER and libzmq's ROUTER know each other by their names", async ({ Dealer }, control) => {
  const { peer, endpoint } = await host(control, "ROUTER", { ROUTING_ID: "host" });
  const dealer = new Dealer(endpoint, { identity: "page" });
  await dealer.sendMany(messages(GOING));
  equal(await within(peer.on("expect", { messages: GOING, skip: 1 }), "all of them"), [hex("page")]);
  await peer.on("send", { messages: COMING.map((shape) => [hex("page"), ...shape]) });
  expectAll(await within(take(dealer, COMING.length), "all of them back"), COMING);
  equal(dealer.peers()[0].peer.identity, "host");
  await dealer.close();
});

test("a ROUTER and libzmq's DEALER know each other by their names", async ({ Router }, control) => {
  const { peer, endpoint } = await host(control, "DEALER", { ROUTING_ID: "host" });
  const router = new Router(endpoint, { identity: "page" });
  const request = peer.on("request", { messages: GOING });
  for (const _ of GOING) {
    const [name, ...message] = await within(router.recv(), "a message");
    equal(texts([[name]]), [["host"]]);
    await router.send([name, ...message]);
  }
  await request;
  await router.close();
});

test("both sides flood each other, and every message arrives in its order", async ({ Pair }, control) => {
  const { peer, endpoint } = await host(control, "PAIR", { SNDHWM: 0, RCVHWM: 0 });
  const pair = new Pair(endpoint);
  await connected(pair);
  const flood = Array.from({ length: 5000 }, (_, at) => [[at % 300, at % 251]]);
  const told = peer.on("send", { messages: flood });
  const sent = pair.sendMany(flood.map((message) => message.map(body)));
  const received = await within(take(pair, flood.length), "the flood");
  ok(received.every(([part], at) => part.length === at % 300 && part.every((byte, place) => byte === ((at % 251) + 7 * place) % 251)), "every byte");
  await told;
  await sent;
  await within(peer.on("expect", { messages: flood }), "ours");
  await pair.close();
});

test("a libzmq that is closed is told as gone, and the next one is found", async ({ Sub }, control) => {
  const first = await host(control, "PUB");
  const sub = new Sub({ subscribe: [""], reconnectMs: 20 });
  await sub.ready;
  const { events } = sub;
  const connecting = events.next();
  sub.connect(first.endpoint);
  await connecting;
  const ready = await heard(events, "ready");
  equal([ready.peer.socket_type, ready.peer.mechanism], ["PUB", "NULL"]);
  await first.peer.on("close");
  const lost = await heard(events, "disconnected");
  // It goes without a word of WebSocket.
  equal([lost.cause, lost.reason.length > 0, lost.endpoint], ["ws", true, first.endpoint]);
  await control.kill(first.peer.id);
  // The end itself is a reason to try again; then nobody is there.
  await heard(events, "connect_retried");
  const { reason } = await heard(events, "connect_retried");
  ok(reason.startsWith("the browser could not connect"), reason);
  const next = await host(control, "PUB", {}, first.endpoint);
  await heard(events, "ready");
  const again = within(sub.recv(), "a message");
  let isOver = false;
  again.then(() => (isOver = true), () => (isOver = true));
  // libzmq does not say when a subscription has come.
  while (!isOver) {
    await next.peer.on("send", { messages: [[hex("back")]] });
    await Promise.race([again, new Promise((resolve) => setTimeout(resolve, 50))]);
  }
  equal(texts([await again]), [["back"]]);
  await sub.close();
});

/** A PUSH that has begun to connect, and gives up soon, and its events from then on. */
async function trying(Push, endpoint) {
  const push = new Push({ reconnectMs: 20, maxAttempts: 2, lingerMs: 0 });
  await push.ready;
  const { events } = push;
  const connecting = events.next();
  push.connect(endpoint);
  await connecting;
  return { push, events };
}

test("a libzmq that wants a mechanism is not reached, since no browser asks for one", async ({ Push }, control) => {
  const { publicKey, secretKey } = await control.keygen();
  const { endpoint } = await host(control, "PULL", { CURVE_SERVER: 1, CURVE_PUBLICKEY: publicKey, CURVE_SECRETKEY: secretKey });
  const { push, events } = await trying(Push, endpoint);
  const retried = await heard(events, "connect_retried");
  ok(retried.reason.includes("subprotocol"), retried.reason);
  const stopped = await heard(events, "connect_stopped");
  ok(stopped.reason.length > 0, JSON.stringify(stopped));
  await push.close();
});

test("a server that opens a WebSocket and agrees on nothing is told as that", async ({ Push }, control) => {
  const endpoint = await control.stranger();
  const { push, events } = await trying(Push, endpoint);
  for (;;) {
    const { event, cause, reason } = (await within(events.next(), "its end")).value;
    // Node opens it.
    if (event === "handshake_failed") {
      equal([cause, reason], ["ws", "there is no common subprotocol"]);
      break;
    }
    // A browser ends it by itself, and does not say why.
    if (event === "connect_retried") {
      ok(reason.includes("subprotocol"), reason);
      break;
    }
  }
  await push.close();
});
