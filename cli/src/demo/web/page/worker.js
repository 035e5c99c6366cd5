// A second peer of the page, in a thread of its own. Put to sleep it hears nothing and answers nothing, as a tab does that the
// browser has frozen: what becomes of its connection then is the same.

import { Sub } from "/bowline/index.js";

const sub = new Sub(`ws://${location.host}/worker`, { reconnectMs: [200, 3000], heartbeatMs: 5000, lingerMs: 0, subscribe: [""] });

(async () => {
  for await (const event of sub.events) postMessage(event);
})();
sub.onMessages(() => {});

addEventListener("message", () => {
  const request = new XMLHttpRequest();
  // The thread stands still until the answer is there, and that takes its time.
  request.open("GET", "/nap", false);
  try {
    request.send();
  } catch {
    // Nobody is there; that wakes as well.
  }
  postMessage({ event: "awake" });
});
