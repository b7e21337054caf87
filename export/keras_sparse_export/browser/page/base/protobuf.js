/** Reads and writes fields of protobuf messages that onnxruntime-web has read before. */

/**
 * Yields the fields of a message: the number of each, and its bytes, or the value of an integer.
 *
 * @param {Uint8Array} bytes
 * @returns {Generator<[number, any]>}
 */
export function* readFields(bytes) {
  let place = 0;
  const readNumber = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[place++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (place < bytes.length) {
    const key = readNumber();
    const kind = key % 8;
    if (kind === 0) {
      yield [Math.floor(key / 8), readNumber()];
      continue;
    }
    const size = kind === 2 ? readNumber() : { 1: 8, 5: 4 }[kind];
    yield [Math.floor(key / 8), bytes.subarray(place, place + size)];
    place += size;
  }
}

/**
 * Encodes a field of bytes.
 *
 * @param {number} number
 * @param {number[]} content
 * @returns {number[]}
 */
export function encode(number, content) {
  return [...encodeNumber(number * 8 + 2), ...encodeNumber(content.length), ...content];
}

function encodeNumber(value) {
  return value < 128 ? [value] : [(value % 128) + 128, ...encodeNumber(Math.floor(value / 128))];
}
