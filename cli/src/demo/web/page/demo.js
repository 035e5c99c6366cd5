// The page of `bowline demo --web`: its sockets, and what becomes of them.

import { Client, Dealer, Sub } from "/bowline/index.js";
import { Console, describe } from "/console.js";
import { Lane, tell } from "/lanes.js";
import { Echo, Meter } from "/meter.js";

const of = (id) => document.getElementById(id);
const at = (path) => `ws://${location.host}${path}`;
const options = { reconnectMs: [200, 3000], heartbeatMs: 5000, lingerMs: 0 };

const actors = {
  ticks: { label: "SUB of ticks", socket: new Sub(at("/ticks"), { ...options, subscribe: [""] }) },
  worker: { label: "SUB in a worker", worker: new Worker("/worker.js", { type: "module" }) },
  echo: { label: "DEALER of echo", socket: new Dealer(at("/echo"), options) },
  calls: { label: "client of calls", socket: new Client(at("/calls"), options) },
};
const events = new Sub(at("/events"), { ...options, subscribe: [""] });

/** What one of this page's own has heard of its connection. */
function hear({ lane, label }, event) {
  if (event.event === "awake") lane.wake();
  else lane.take(event);
  tell(of("reasons"), label, event);
  summarize();
}

/** Follows what a socket of this page hears, in this thread or in the worker's. */
async function follow(actor) {
  actor.worker?.addEventListener("message", ({ data }) => hear(actor, data));
  for await (const event of actor.socket?.events ?? []) hear(actor, event);
}

/** Follows what the program hears of its own. */
async function followTheirs() {
  for await (const [body] of events) {
    const event = JSON.parse(new TextDecoder().decode(body));
    if (event.event === "standing") actors[event.at]?.theirs.stand(event.ready > 0);
    else actors[event.at]?.theirs.take(event);
    tell(of("reasons"), `the program, at ${event.at}`, event);
  }
}

function summarize() {
  const all = Object.values(actors);
  const ready = all.filter(({ lane }) => lane.state === "ready").length;
  of("summary").textContent = `${ready} of ${all.length} connections are ready`;
}

/** A row of buttons for each. */
function troubles(client) {
  for (const [name, actor] of Object.entries(actors)) {
    const row = of("troubles").tBodies[0].insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    row.append(head);
    row.insertCell().textContent = actor.label;
    const cell = row.insertCell();
    const deeds = { Cut: ["cut", name], "Stall 5 s": ["stall", name, 5], Restart: ["restart", name] };
    for (const [label, [method, ...args]] of Object.entries(deeds)) {
      if (method === "stall" && name === "calls") continue;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.setAttribute("aria-label", `${label} ${name}`);
      button.addEventListener("click", () => {
        client.call(`Control.${method}`, args).catch((error) => console_.note(`Control.${method}: ${describe(error)}`));
      });
      cell.append(button, " ");
    }
    if (actor.worker) cell.append(sleep(actor));
  }
}

/** A button that puts a worker to sleep, until it says that it is awake. */
function sleep({ worker, lane }) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Sleep 12 s";
  button.setAttribute("aria-label", "Let the worker sleep 12 s");
  button.addEventListener("click", () => {
    button.disabled = true;
    lane.sleep();
    summarize();
    worker.postMessage("sleep");
  });
  worker.addEventListener("message", ({ data }) => {
    if (data.event === "awake") button.disabled = false;
  });
  return button;
}

function pace(client) {
  const buttons = [...document.querySelectorAll("[data-pace]")];
  const press = (chosen) => buttons.forEach((button) => button.setAttribute("aria-pressed", button === chosen));
  press(buttons[0]);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      press(button);
      client.call("Control.pace", [Number(button.dataset.pace)]).catch((error) => console_.note(describe(error)));
    });
  }
}

function measure(id, bytes) {
  const buttons = [of("echo-small"), of("echo-large")];
  of(id).addEventListener("click", async () => {
    buttons.forEach((button) => (button.disabled = true));
    of("echoed").value = "…";
    try {
      of("echoed").value = await echo.run(bytes);
    } catch (error) {
      of("echoed").value = describe(error);
    } finally {
      buttons.forEach((button) => (button.disabled = false));
    }
  });
}

const meter = new Meter(of("ticks"), of("spark"));
const echo = new Echo(actors.echo.socket);
const client = actors.calls.socket;
const console_ = new Console(client);

for (const actor of Object.values(actors)) {
  actor.lane = new Lane(of("lanes"), actor.label, false);
  actor.theirs = new Lane(of("lanes"), "to the program", true);
  follow(actor);
}
followTheirs();
client.handle("Page.answer", async (question) => {
  console_.note(`the server asks: ${question}`);
  return `a page on ${navigator.platform || "some machine"}, open for ${Math.round(performance.now() / 1000)} s`;
});
actors.ticks.socket.onMessages((batch) => meter.add(batch.length));
client.onStateChange((state) => {
  if (state === "connected") console_.list().catch((error) => console_.note(describe(error)));
});
troubles(client);
pace(client);
measure("echo-small", 16);
measure("echo-large", 64 * 1024);
setInterval(() => meter.second(), 1000);
setInterval(() => Object.values(actors).forEach(({ lane, theirs }) => [lane, theirs].forEach((one) => one.draw())), 250);
summarize();
