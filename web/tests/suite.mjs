// What is true in a page, in a worker and in Node. `control` starts and ends the programs at the other end.

import { connected, equal, failure, heard, ok, take, text, texts, within } from "./checks.mjs";

export const tests = [];
const test = (name, body) => tests.push({ name, body });

test("a SUB and the program, subscribed to one PUB, receive the same messages in the same order", async ({ Sub }, control) => {
  const pub = await control.bowline("pub", "-b", "ws://127.0.0.1:0", "-vv");
  const other = await control.bowline("sub", "-c", pub.endpoint, "-s", "news", "-n", "500");
  const sub = new Sub(pub.endpoint, { subscribe: ["news"] });
  for (const connection of [1, 2]) await control.heard(pub.id, `connection ${connection} subscribed to`);
  const seen = within(take(sub, 500), "receiving");
  const lines = Array.from({ length: 1000 }, (_, at) => `${at % 2 ? "news" : "other"} ${at} ${"x".repeat(at)}`);
  await control.say(pub.id, ...lines);
  const wanted = lines.filter((line) => line.startsWith("news"));
  equal(texts(await seen).flat(), wanted, "ours");
  equal((await control.lines(other.id, 500)).slice(0, 500), wanted, "the program's");
  await sub.close();
});

test("a PUSH sends in order, each message whole", async ({ Push }, control) => {
  const pull = await control.bowline("pull", "-b", "ws://127.0.0.1:0", "-J");
  const push = new Push(pull.endpoint);
  await push.send(["one", new Uint8Array([65, 66])]);
  await push.sendMany([["two"], "three", ["four", ""]]);
  await push.send(new TextEncoder().encode("five"));
  const lines = await within(control.lines(pull.id, 5), "all of them");
  equal(lines.slice(0, 5).map((line) => JSON.parse(line)), [["one", "AB"], ["two"], ["three"], ["four", ""], ["five"]]);
  equal(await push.close(), 0);
});

test("a sender waits while there is no room", async ({ Push }, control) => {
  const push = new Push({ sendHwm: 2, lingerMs: 0 });
  push.connect("ws://127.0.0.1:9");
  await push.ready;
  await push.send("one");
  equal(push.trySend("two"), true);
  equal(push.trySend("three"), false);
  let isSent = false;
  const waiting = push.send("three").then(() => (isSent = true));
  await new Promise((resolve) => setTimeout(resolve, 20));
  ok(!isSent, "it waits");
  const pull = await control.bowline("pull", "-b", "ws://127.0.0.1:0");
  push.connect(pull.endpoint);
  await within(waiting, "room");
  await push.close();
});

test("a message that waits for room fails when the socket is closed", async ({ Push }) => {
  const push = new Push({ sendHwm: 1, lingerMs: 0 });
  push.connect("ws://127.0.0.1:9");
  await push.ready;
  await push.send("one");
  const waiting = failure(push.send("two"));
  await push.close();
  equal((await within(waiting, "the end")).kind, "closed");
  equal((await failure(push.send("three"))).kind, "closed");
});

test("sockets of one page meet in process, and each type has its methods", async ({ Req, Rep, Sub, Push, SocketError }) => {
  const name = `inproc://meet-${Math.random()}`;
  const rep = new Rep();
  await rep.bind(name);
  const req = new Req(name);
  await req.send(["question", "2"]);
  equal(texts([await within(rep.recv(), "the question")]), [["question", "2"]]);
  await rep.send("answer");
  equal(texts([await within(req.recv(), "the answer")]), [["answer"]]);
  const outOfTurn = await failure(req.recv());
  ok(outOfTurn instanceof SocketError && outOfTurn.kind === "out_of_turn", String(outOfTurn));
  equal([typeof new Sub().send, typeof new Push().recv, typeof new Push().subscribe], ["undefined", "undefined", "undefined"]);
  await req.close();
  await rep.close();
});

test("batches keep the order, and a reader that comes later goes on", async ({ Push, Pull }) => {
  const name = `inproc://batches-${Math.random()}`;
  const pull = new Pull();
  await pull.bind(name);
  const push = new Push(name);
  const all = push.sendMany(Array.from({ length: 3000 }, (_, at) => String(at)));
  const seen = [];
  for await (const [part] of pull) {
    seen.push(text(part));
    if (seen.length === 10) break;
  }
  seen.push(text((await pull.recv())[0]));
  while (seen.length < 2000) seen.push(...texts(await pull.recvMany(100)).flat());
  await new Promise((resolve) => {
    const stop = pull.onMessages((batch) => {
      seen.push(...texts(batch).flat());
      if (seen.length >= 3000) {
        stop();
        resolve();
      }
    });
  });
  await all;
  equal(seen, Array.from({ length: 3000 }, (_, at) => String(at)));
  await push.close();
  await pull.close();
});

test("a large message crosses unharmed", async ({ Pair }) => {
  const name = `inproc://large-${Math.random()}`;
  const one = new Pair();
  await one.bind(name);
  const other = new Pair(name);
  const big = Uint8Array.from({ length: 3_000_000 }, (_, at) => at % 251);
  await other.send([big, "small", big.subarray(5, 10_000)]);
  const [first, second, third] = await within(one.recv(), "the message");
  equal([first.length, second.length, third.length], [3_000_000, 5, 9995]);
  ok(first.every((byte, at) => byte === at % 251) && third.every((byte, at) => byte === (at + 5) % 251), "every byte");
  await one.close();
  await other.close();
});

test("a server that is killed and comes back is heard again, with a reason for all", async ({ Sub }, control) => {
  let pub = await control.bowline("pub", "-b", "ws://127.0.0.1:0");
  const sub = new Sub({ subscribe: [""], reconnectMs: 50 });
  await sub.ready;
  const { events } = sub;
  const first = events.next();
  sub.connect(pub.endpoint);
  equal((await within(first, "the first event")).value.event, "connecting");
  const ready = await heard(events, "ready");
  equal(ready.peer.socket_type, "PUB");
  await control.kill(pub.id);
  const lost = await heard(events, "disconnected");
  ok(lost.reason.length > 0 && lost.cause.length > 0 && lost.endpoint === pub.endpoint, JSON.stringify(lost));
  equal(sub.state, "connecting");
  pub = await control.bowline("pub", "-b", pub.endpoint);
  await heard(events, "ready");
  equal(sub.isConnected, true);
  equal(sub.peers().length, 1);
  const again = within(sub.recv(), "a message");
  let isOver = false;
  again.then(() => (isOver = true), () => (isOver = true));
  while (!isOver) {
    await control.say(pub.id, "back");
    await Promise.race([again, new Promise((resolve) => setTimeout(resolve, 50))]);
  }
  equal(texts([await again]), [["back"]]);
  await sub.close();
  equal(sub.state, "disconnected");
});

test("without a network nothing is tried, and with one again at once", async ({ Sub }, control) => {
  const pub = await control.bowline("pub", "-b", "ws://127.0.0.1:0");
  await control.kill(pub.id);
  const sub = new Sub({ reconnectMs: 1, maxAttempts: null });
  await sub.ready;
  const { events } = sub;
  const first = events.next();
  sub.setNetwork(false);
  sub.connect(pub.endpoint);
  await first;
  await heard(events, "connect_retried");
  const next = events.next();
  const early = await Promise.race([next, new Promise((resolve) => setTimeout(resolve, 200, "nothing"))]);
  equal(early, "nothing");
  sub.setNetwork(true);
  equal((await within(next, "an attempt")).value.event, "connecting");
  await sub.close();
});

test("CURVE seals all the way to a server of that key, and a key that is none is refused", async ({ Push, curveKeys }, control) => {
  const { publicKey, secretKey } = await curveKeys();
  equal([publicKey.length, secretKey.length], [40, 40]);
  const { id, endpoint, serverKey } = await control.sealed();
  const push = new Push(endpoint, { curve: { serverKey, publicKey, secretKey } });
  await push.send("for your eyes only");
  equal((await within(control.lines(id, 1), "the message"))[0], "for your eyes only");
  equal(push.peers()[0].peer.mechanism, "CURVE");
  await push.close();
  let invalid;
  try {
    new Push(endpoint, { curve: { serverKey: "short", publicKey, secretKey } });
  } catch (error) {
    invalid = error;
  }
  equal(invalid?.kind, "invalid");
});

test("an option that is unknown, or of another type, is an error", async ({ Sub, init }) => {
  await init();
  const errors = [{ sendHighWater: 1 }, { sendHwm: "many" }, { plain: { username: 1, password: "x" } }].map((options) => {
    try {
      new Sub(options);
    } catch (error) {
      return error instanceof TypeError;
    }
    return false;
  });
  equal(errors, [true, true, true]);
  let invalid;
  try {
    new Sub("nowhere");
  } catch (error) {
    invalid = error;
  }
  equal(invalid?.kind, "invalid");
});

test("calls have results, errors of their own, and deadlines", async ({ Client, CallError }, control) => {
  const pages = await control.pages();
  const client = new Client(pages.endpoint);
  await within(client.waitReady(), "the server");
  equal([client.state, client.isConnected], ["connected", true]);
  equal(await client.call("Pages.add", [1, 2]), 3);
  equal(await client.call("Pages.divide", [7, 2]), 3);
  const own = await failure(client.call("Pages.divide", [1, 0]));
  ok(own instanceof CallError, "a CallError");
  equal([own.kind, own.details], ["failed", "1 can't be divided by 0"]);
  const late = await failure(client.call("Pages.wait", [60_000], { deadline: 30 }));
  equal([late.kind, late.outcome], ["deadline", "MaybeExecuted"]);
  const unknown = await failure(client.call("Pages.nothing", []));
  equal([unknown.kind, unknown.code, unknown.outcome], ["status", "unknown_method", "NotExecuted"]);
  const malformed = await failure(client.call("Pages.add", ["one"]));
  equal([malformed.kind, malformed.code], ["status", "malformed"]);
  const abort = new AbortController();
  const aborted = failure(client.call("Pages.wait", [60_000], { signal: abort.signal }));
  abort.abort(new Error("no longer"));
  equal((await within(aborted, "the end")).message, "no longer");
  equal(await Promise.all(Array.from({ length: 500 }, (_, at) => client.call("Pages.add", [at, at]))).then((all) => all[499]), 998);
  await client.notify("Pages.note", ["hello"]);
  equal(await client.call("Pages.notes", []), ["hello"]);
  await client.close();
  const closed = await failure(client.call("Pages.add", [1, 2]));
  equal([closed.kind, closed.outcome], ["unreachable", "NotSent"]);
});

test("streams go both ways, and who leaves one cancels it", async ({ Client }, control) => {
  const pages = await control.pages();
  const client = new Client(pages.endpoint);
  const counted = [];
  for await (const item of client.stream("Pages.count", [1000])) counted.push(item);
  equal([counted.length, counted[999]], [1000, 999]);
  for await (const item of client.stream("Pages.forever", [])) if (item === 100) break;
  const until = Date.now() + 10_000;
  while ((await client.call("Pages.endless", [])) > 0 && Date.now() < until);
  equal(await client.call("Pages.endless", []), 0);
  const items = function* () {
    for (let at = 0; at < 1000; at++) yield at;
  };
  equal(await client.upload("Pages.sum", [500], items()), 500 + 499_500);
  equal(await client.upload("Pages.sum", [0], [1, 2, 3]), 6);
  const doubled = [];
  for await (const item of client.exchange("Pages.doubled", [], items())) doubled.push(item);
  equal([doubled.length, doubled[999]], [1000, 1998]);
  const broken = async function* () {
    yield 1;
    throw new Error("no more");
  };
  equal((await failure(client.upload("Pages.sum", [0], broken()))).message, "no more");
  await client.close();
});

test("the store of the example is read and written, watched and looked up, and takes what is uploaded", async ({ Client }, control) => {
  const pages = await control.pages();
  const client = new Client(pages.endpoint);
  const store = (method) => `bowline.examples.Store.${method}`;
  const value = (text) => [...new TextEncoder().encode(text)];
  const missing = await failure(client.call(store("get"), ["sea"]));
  equal([missing.kind, missing.details], ["failed", { NotFound: "sea" }]);
  await client.call(store("put"), ["sea/north", value("cold")]);
  const changes = client.stream(store("watch"), ["sea/"])[Symbol.asyncIterator]();
  const change = async () => (await within(changes.next(), "a change")).value;
  equal([await change(), await change()], [{ Put: ["sea/north", value("cold")] }, "UpToDate"]);
  const chunks = Array.from({ length: 100 }, (_, at) => value(`${at} `));
  equal(await client.upload(store("upload"), ["sea/south"], chunks), 290);
  await client.notify(store("forget"), ["sea/north"]);
  equal([await change(), await change()], [{ Put: ["sea/south", chunks.flat()] }, { Deleted: "sea/north" }]);
  const found = await take(client.exchange(store("lookup"), [], ["sea/north", "sea/south"]), 2);
  equal(found, [["sea/north", null], ["sea/south", chunks.flat()]]);
  equal(await client.call(store("list"), [""]), ["sea/south"]);
  await client.close();
});

test("the server calls the page", async ({ Client, ServiceError }, control) => {
  const pages = await control.pages();
  const client = new Client(pages.endpoint);
  client.handle("Page.answer", async ([question]) => {
    if (question === "why?") throw new ServiceError("it can't be said");
    return `${question} 42`;
  });
  client.handle("Page.count", async function* ([to]) {
    for (let at = 0; at < to; at++) yield at;
  });
  const over = new Promise((resolve) => {
    client.handle("Page.sleep", (_, { signal, remaining }) => {
      signal.addEventListener("abort", () => resolve(remaining));
      return new Promise(() => {});
    });
  });
  equal(await within(client.call("Pages.ask", ["what?"]), "the answer"), "what? 42");
  ok((await failure(client.call("Pages.ask", ["why?"]))).details.includes("it can't be said"), "the page's own error");
  equal(await client.call("Pages.ask_count", [300]), Array.from({ length: 300 }, (_, at) => at));
  ok((await within(client.call("Pages.ask_sleep", [1000]), "the end")).includes("deadline"), "given up");
  ok((await within(over, "being told")) <= 1000, "the page hears of it");
  await client.close();
});

test("a call that is lost with its server says so, and the next one waits for it to come back", async ({ Client }, control) => {
  let pages = await control.pages();
  const client = new Client(pages.endpoint, { reconnectMs: 50 });
  const waiting = failure(client.call("Pages.wait", [60_000]));
  await client.call("Pages.add", [1, 1]);
  await control.kill(pages.id);
  const lost = await within(waiting, "hearing of it");
  equal([lost.kind, lost.outcome], ["connection_lost", "MaybeExecuted"]);
  const next = client.call("Pages.add", [2, 3], { deadline: 60_000 });
  pages = await control.pages(pages.endpoint);
  equal(await next, 5);
  await client.drain(1000);
});

test("a host carries the bytes by itself, and may say everything twice", async ({ BridgeLink, Client }, control) => {
  const pages = await control.pages();
  const client = new Client({ reconnectMs: 20 });
  let socket;
  const link = new BridgeLink(client, { emit: (bytes) => socket.send(bytes), bufferedAmount: () => socket.bufferedAmount });
  const dial = () => {
    socket = new WebSocket(pages.endpoint, "ZMTP3.1");
    socket.binaryType = "arraybuffer";
    const mine = socket;
    const own = (act) => (event) => mine === socket && act(event);
    socket.onopen = own(() => [link.handleConnect(), link.handleConnect()]);
    socket.onmessage = own(({ data }) => link.handleBytes(data));
    socket.onerror = own(() => link.handleDisconnect());
    socket.onclose = own(() => link.handleDisconnect());
  };
  link.handleDisconnect();
  link.handleBytes(new Uint8Array([1, 2, 3]));
  dial();
  equal(await within(client.call("Pages.add", [20, 22]), "the first"), 42);
  const first = socket;
  const lost = within(
    new Promise((resolve) => client.onStateChange((state) => state !== "connected" && resolve())),
    "the end",
  );
  socket.onclose();
  equal(link.isConnected, false);
  first.close();
  await lost;
  dial();
  equal(await within(client.call("Pages.add", [1, 2]), "the second"), 3);
  link.close();
  link.close();
  link.handleBytes(new Uint8Array([1]));
  link.handleConnect();
  link.handleDisconnect();
  socket.close();
  await client.close();
});
