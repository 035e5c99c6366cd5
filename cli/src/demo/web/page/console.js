// Calls by hand: what a server offers, as it says itself.

const HIDDEN = ["bowline.health", "bowline.reflection"];
const EXAMPLES = {
  "Toys.add": "[20, 22]",
  "Toys.countdown": "[10]",
  "Toys.total": "[]",
  "Toys.shout": "[]",
  "Toys.ask": '["Who is there?"]',
  "Control.cut": '["ticks"]',
  "Control.stall": '["echo", 5]',
  "Control.restart": '["ticks"]',
  "Control.pace": "[20]",
};

export class Console {
  #client;
  #methods = new Map();
  #of = (id) => document.getElementById(id);
  #abort;

  constructor(client) {
    this.#client = client;
    const form = this.#of("console");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#call();
    });
    this.#of("cancel").addEventListener("click", () => this.#abort?.abort());
    this.#of("method").addEventListener("change", () => this.#show());
  }

  /** Asks the server what it has. */
  async list() {
    const services = await this.#client.call("bowline.reflection.services", []);
    const select = this.#of("method");
    const chosen = select.value;
    this.#methods.clear();
    select.replaceChildren();
    for (const service of services.filter(({ name }) => !HIDDEN.includes(name)).reverse()) {
      const group = document.createElement("optgroup");
      group.label = service.docs ? `${service.name}: ${service.docs}` : service.name;
      for (const method of service.methods) {
        const name = `${service.name}.${method.name}`;
        this.#methods.set(name, method);
        group.append(new Option(`${name}${method.signature}`, name));
      }
      select.append(group);
    }
    if (this.#methods.has(chosen)) select.value = chosen;
    else this.#show();
  }

  #show() {
    const name = this.#of("method").value;
    const method = this.#methods.get(name);
    if (!method) return;
    this.#of("docs").textContent = method.docs;
    this.#of("args").value = EXAMPLES[name] ?? "[]";
    this.#of("items-row").hidden = !["ClientStream", "Bidirectional"].includes(method.kind);
    this.#of("items").value = name === "Toys.shout" ? '"aye"\n"haul away"' : "1\n2\n3";
  }

  #print(text, isFailure) {
    const log = this.#of("answers");
    const line = document.createElement("div");
    line.textContent = text;
    if (isFailure) line.className = "failed";
    log.append(line);
    while (log.children.length > 200) log.firstElementChild.remove();
    log.scrollTop = log.scrollHeight;
  }

  /** Says what happened without being asked. */
  note(text) {
    this.#print(text);
  }

  async #call() {
    const name = this.#of("method").value;
    const kind = this.#methods.get(name)?.kind;
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    const cancel = this.#of("cancel");
    cancel.disabled = false;
    try {
      const args = JSON.parse(this.#of("args").value);
      const items = this.#of("items").value.split("\n").filter((line) => line.trim()).map((line) => JSON.parse(line));
      const deadline = this.#of("deadline").valueAsNumber;
      const options = { signal: abort.signal, ...(deadline > 0 ? { deadline } : {}) };
      this.#print(`> ${name} ${JSON.stringify(args)}`);
      const began = performance.now();
      const took = () => `${(performance.now() - began).toFixed(1)} ms`;
      if (kind === "Unary") this.#print(`${JSON.stringify(await this.#client.call(name, args, options))}   ${took()}`);
      else if (kind === "OneWay") await this.#client.notify(name, args, options);
      else if (kind === "ClientStream") {
        this.#print(`${JSON.stringify(await this.#client.upload(name, args, items, options))}   ${took()}`);
      } else {
        const stream =
          kind === "ServerStream"
            ? this.#client.stream(name, args, options)
            : this.#client.exchange(name, args, items, options);
        for await (const item of stream) this.#print(JSON.stringify(item));
        this.#print(`end   ${took()}`);
      }
    } catch (error) {
      this.#print(describe(error), true);
    } finally {
      if (this.#abort === abort) cancel.disabled = true;
    }
  }
}

/** An error in a line: what it is, and whether the call may have been executed. */
export function describe(error) {
  const outcome = error.outcome ? ` (${error.outcome})` : "";
  const details = error.details == null ? "" : ` ${JSON.stringify(error.details)}`;
  return `${error.name}: ${error.message}${details}${outcome}`;
}
