/**
 * Reads arrays of numbers from .npy files, without anything that a file could run.
 *
 * @typedef {{shape: number[], values: Float32Array}} NpyArray Numbers in C order, rounded to float32.
 */

import { RowError } from "./errors.js";
import { product } from "./numbers.js";

const MAGIC = "\x93NUMPY";
const HEADER = /^\{'descr': '([<|=]?)(\w+)', 'fortran_order': (True|False), 'shape': \(([\d, ]*)\),? *\}\s*$/;
const TYPES = {
  f4: Float32Array,
  f8: Float64Array,
  b1: Uint8Array,
  ...{ i1: Int8Array, i2: Int16Array, i4: Int32Array, i8: BigInt64Array },
  ...{ u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, u8: BigUint64Array },
};

/**
 * @param {Uint8Array} bytes Of the file.
 * @param {string} name Of the file, for messages.
 * @returns {NpyArray}
 * @throws {RowError} If it is no .npy of numbers, or is cut off.
 */
export function readNpy(bytes, name) {
  const fail = (expected, received, remedy) => {
    throw new RowError(`Expected ${expected} in ${name}. Received: ${received}. Remedy: ${remedy}`);
  };
  const { header, start } = readHeader(bytes, fail);
  const [, , type, fortran, sizes] = HEADER.exec(header) ?? fail("an array of numbers", "another one", "np.save of an array of floats");
  const Numbers = TYPES[type] ?? fail("numbers of 64 bits at most", type, "array.astype(np.float32)");
  const shape = (sizes.match(/\d+/g) ?? []).map(Number);
  if (fortran === "True" && shape.length > 1) fail("an array in C order", "Fortran order", "np.ascontiguousarray(array)");
  const size = product(shape) * Numbers.BYTES_PER_ELEMENT;
  if (bytes.length - start !== size) fail(`${size} bytes of numbers`, bytes.length - start, "save the array again");
  const numbers = new Numbers(bytes.slice(start).buffer); // a copy: numbers start at multiples of their size
  return { shape, values: Float32Array.from(numbers, Number) };
}

function readHeader(bytes, fail) {
  if (String.fromCharCode(...bytes.subarray(0, 6)) !== MAGIC || bytes.length < 12) {
    fail("a .npy file", "another file", "np.save of an array of floats");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const first = bytes[6] === 1 ? 10 : 12; // later versions have longer headers
  const length = bytes[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  return { header: new TextDecoder().decode(bytes.subarray(first, first + length)), start: first + length };
}
