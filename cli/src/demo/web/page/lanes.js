// The lives of connections, each a lane of time: what it was, and when it went.

const SPAN = 60_000;
const SVG = "http://www.w3.org/2000/svg";

/** What a connection is from an event on; others leave it as it is. */
const STATES = {
  connecting: "connecting",
  connected: "handshake",
  accepted: "handshake",
  ready: "ready",
  disconnected: "gone",
  handshake_failed: "gone",
  connect_retried: "waiting",
  connect_stopped: "gone",
};

export class Lane {
  #svg;
  #label;
  /** Since when it is what, the oldest first; `gone` is but an instant. */
  #spans = [];

  constructor(parent, label, isTheirs) {
    const lane = document.createElement("div");
    lane.className = isTheirs ? "lane theirs" : "lane";
    this.#label = label;
    const name = document.createElement("span");
    name.textContent = label;
    this.#svg = document.createElementNS(SVG, "svg");
    this.#svg.setAttribute("viewBox", `0 0 ${SPAN} 100`);
    this.#svg.setAttribute("preserveAspectRatio", "none");
    this.#svg.setAttribute("role", "img");
    lane.append(name, this.#svg);
    parent.append(lane);
  }

  /** The latest state. */
  get state() {
    return this.#spans.at(-1)?.state ?? "gone";
  }

  take(event) {
    const state = STATES[event.event];
    if (state) this.#begin(state);
  }

  /** Whether there is a connection, for who has not heard how it came. */
  stand(isReady) {
    if (isReady && this.#spans.length === 0) this.#begin("ready");
  }

  /** Whoever it is of sleeps, and can't tell. */
  sleep() {
    this.#begin("asleep");
  }

  /** It is again what it was, unless it has told something since. */
  wake() {
    if (this.state === "asleep") this.#begin(this.#spans.at(-2)?.state ?? "gone");
  }

  #begin(state) {
    this.#spans.push({ at: performance.now(), state });
  }

  draw() {
    const now = performance.now();
    // One span may have begun before all that is shown.
    while (this.#spans.length > 1 && this.#spans[1].at < now - SPAN) this.#spans.shift();
    const marks = this.#spans.map(({ at, state }, index) => {
      const from = Math.max(0, SPAN - (now - at));
      const to = SPAN - (now - (this.#spans[index + 1]?.at ?? now));
      const mark = document.createElementNS(SVG, "rect");
      mark.setAttribute("class", state);
      mark.setAttribute("x", state === "gone" ? from - 150 : from);
      mark.setAttribute("width", state === "gone" ? 300 : Math.max(120, to - from));
      mark.setAttribute("height", 100);
      return mark;
    });
    // Ends are drawn over what follows them.
    marks.sort((a, b) => (a.getAttribute("class") === "gone") - (b.getAttribute("class") === "gone"));
    this.#svg.replaceChildren(...marks);
    this.#svg.setAttribute("aria-label", `${this.#label}: ${this.state}`);
  }
}

/** Tells in the list that a connection has gone, and what it said. */
export function tell(list, who, event) {
  const reason = event.reason;
  if (!reason || !["disconnected", "handshake_failed", "connect_stopped"].includes(event.event)) return;
  list.querySelector(".none")?.remove();
  const entry = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = new Date().toLocaleTimeString();
  const what = event.event === "handshake_failed" ? "failed in the handshake" : event.event.replaceAll("_", " ");
  entry.append(time, `${who}: ${what}, ${reason}`);
  list.prepend(entry);
  while (list.children.length > 40) list.lastElementChild.remove();
}
