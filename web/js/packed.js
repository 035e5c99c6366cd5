// Messages, many in one array of bytes: a number of parts for each, a length before each part, both of 32 bits, lowest byte first.

const text = new TextEncoder();

/** The bytes of a part: text as UTF-8, bytes as they are. */
export function bytes(part) {
  if (typeof part === "string") return text.encode(part);
  if (part instanceof Uint8Array) return part;
  if (part instanceof ArrayBuffer) return new Uint8Array(part);
  if (ArrayBuffer.isView(part)) return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
  throw new TypeError("a part of a message is a string, an ArrayBuffer or a view of one");
}

/** The parts of a message: a list, or the one that it is. */
export const parts = (message) => (Array.isArray(message) ? message : [message]).map(bytes);

/** Messages, each a list of bytes, in one array. */
export function pack(messages) {
  let length = 0;
  for (const message of messages) {
    length += 4 + 4 * message.length;
    for (const part of message) length += part.length;
  }
  const packed = new Uint8Array(length);
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const message of messages) {
    view.setUint32(at, message.length, true);
    at += 4;
    for (const part of message) {
      view.setUint32(at, part.length, true);
      packed.set(part, at + 4);
      at += 4 + part.length;
    }
  }
  return packed;
}

/** The messages, whose parts are views of `packed`. */
export function unpack(packed) {
  const { buffer } = packed;
  const view = new DataView(buffer);
  const messages = [];
  const { length } = packed;
  for (let at = 0; at < length; ) {
    const count = view.getUint32(at, true);
    at += 4;
    const message = new Array(count);
    for (let part = 0; part < count; part++) {
      const length = view.getUint32(at, true);
      at += 4;
      message[part] = new Uint8Array(buffer, at, length);
      at += length;
    }
    messages.push(message);
  }
  return messages;
}
