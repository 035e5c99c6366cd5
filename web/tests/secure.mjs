// What passes by wss://, and what is told where the certificate is not trusted. In Node trust is settled before it starts: there
// `secure.mjs ENDPOINT ECHO` is a process of its own, which ends without a word if all is well, and tells the reason if not.

import { equal, heard, ok, texts, within } from "./checks.mjs";

/** A large message there and back, and a call. */
export async function talk({ Client, Dealer }, { endpoint, echo }) {
  const dealer = new Dealer(echo);
  const large = Uint8Array.from({ length: 1_000_000 }, (_, at) => at % 251);
  await dealer.sendMany([["one", "two"], [large]]);
  equal(texts([await within(dealer.recv(), "the first")]), [["one", "two"]]);
  const [[back]] = [await within(dealer.recv(), "the second")];
  ok(back.length === large.length && back.every((byte, at) => byte === at % 251), "every byte");
  await dealer.close();
  const client = new Client(endpoint);
  equal(await within(client.call("Pages.add", [20, 22]), "a call"), 42);
  await client.close();
}

/** Why there is no connection. */
export async function refusal({ Dealer }, { echo }) {
  const dealer = new Dealer({ reconnectMs: 20, maxAttempts: 2, lingerMs: 0 });
  await dealer.ready;
  const { events } = dealer;
  const first = events.next();
  dealer.connect(echo);
  await first;
  const { reason } = await heard(events, "connect_retried");
  await dealer.close();
  return reason;
}

if (typeof process !== "undefined" && process.argv[1].endsWith("secure.mjs")) {
  const [, , endpoint, echo] = process.argv;
  const bowline = await import("../pkg/index.js");
  if (process.env.NODE_EXTRA_CA_CERTS) await talk(bowline, { endpoint, echo });
  else console.log(await refusal(bowline, { echo }));
}
