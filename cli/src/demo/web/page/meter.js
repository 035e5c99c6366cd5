// How much comes, second by second; and how much goes there and back.

const SECONDS = 60;

export class Meter {
  #count = 0;
  #rates = [];
  #figure;
  #path;
  #since = performance.now();

  constructor(figure, plot) {
    this.#figure = figure;
    plot.innerHTML = `<svg viewBox="0 0 ${SECONDS - 1} 100" preserveAspectRatio="none" role="img" aria-label="ticks a second, the last minute"><path d=""/></svg>`;
    this.#path = plot.querySelector("path");
  }

  add(messages) {
    this.#count += messages;
  }

  second() {
    const now = performance.now();
    const rate = (this.#count * 1000) / (now - this.#since);
    [this.#count, this.#since] = [0, now];
    this.#rates.push(rate);
    if (this.#rates.length > SECONDS) this.#rates.shift();
    this.#figure.value = Math.round(rate).toLocaleString("en");
    const most = Math.max(...this.#rates, 1);
    const left = SECONDS - this.#rates.length;
    const points = this.#rates.map((rate, index) => `${left + index},${(98 - (96 * rate) / most).toFixed(2)}`);
    this.#path.setAttribute("d", points.length > 1 ? `M${points.join("L")}` : "");
  }
}

/** Sends messages there and back, many at a time, and says what came of it. */
export class Echo {
  #dealer;
  #back = () => {};

  constructor(dealer) {
    this.#dealer = dealer;
    dealer.onMessages((batch) => this.#back(batch.length));
  }

  async run(bytes, milliseconds = 2000) {
    const message = new Uint8Array(bytes);
    const window = bytes > 1024 ? 32 : 1000;
    const began = performance.now();
    let [sent, back, last] = [window, 0, began];
    const done = new Promise((resolve) => {
      this.#back = (messages) => {
        back += messages;
        last = performance.now();
        if (last - began < milliseconds) {
          sent += messages;
          return this.#dealer.sendMany(Array(messages).fill(message));
        }
        if (back >= sent) resolve();
      };
      // What was on its way when a connection went does not come back.
      const patience = setInterval(() => {
        if (performance.now() - Math.max(last, began + milliseconds) < 1000) return;
        clearInterval(patience);
        resolve();
      }, 200);
    });
    await this.#dealer.sendMany(Array(window).fill(message));
    await done;
    this.#back = () => {};
    const seconds = Math.max(last - began, 1) / 1000;
    const megabytes = (2 * back * bytes) / seconds / 1e6;
    const lost = sent > back ? `, ${(sent - back).toLocaleString("en")} lost` : "";
    const rate = Math.round(back / seconds).toLocaleString("en");
    return `${rate} a second there and back, ${megabytes.toFixed(megabytes < 10 ? 1 : 0)} MB/s${lost}`;
  }
}
