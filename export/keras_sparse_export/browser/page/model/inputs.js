/**
 * The inputs of an encoder, and how a row of several inputs is one list of numbers.
 *
 * A row holds the numbers of all inputs, one input after another, as in `io/inputs.py`.
 *
 * @typedef {{name: string, type: string, shape: number[], whole?: [number, number] | null}} Input
 */

import { RowError } from "../base/errors.js";
import { product } from "../base/numbers.js";

/**
 * @param {import("../reading/manifest.js").Manifest} manifest
 * @returns {Input[]}
 */
export function listInputs({ input, inputs }) {
  const entries = inputs ?? [{ name: input.name, shape: input.shape, whole: null }];
  return entries.map(({ name, shape, whole }) => ({ name, type: "float32", shape, whole }));
}

/**
 * Creates the tensors of rows by the names of inputs.
 *
 * @param {any} ort onnxruntime-web.
 * @param {Input[]} inputs
 * @param {Float32Array} rows
 * @param {number} count
 * @returns {{[name: string]: any}}
 */
export function createTensors(ort, inputs, rows, count) {
  const parts = inputs.length === 1 ? [rows] : splitRows(inputs, rows, count);
  return Object.fromEntries(
    inputs.map(({ name, shape }, place) => [name, new ort.Tensor("float32", parts[place], [count, ...shape])]),
  );
}

/**
 * @param {Input[]} inputs
 * @param {Float32Array} rows
 * @throws {RowError} If an input that takes whole numbers is given another, or one out of its range.
 */
export function requireWhole(inputs, rows) {
  if (inputs.every(({ whole }) => !whole)) return;
  const count = rows.length / inputs.reduce((sum, { shape }) => sum + product(shape), 0);
  splitRows(inputs, rows, count).forEach((values, place) => {
    const { name, whole } = inputs[place];
    if (!whole) return;
    const [least, most] = whole;
    const bad = values.findIndex((value) => !(value >= least && value <= most && Number.isInteger(value)));
    if (bad < 0) return;
    const where = inputs.length > 1 ? ` in the input ${name}` : "";
    throw new RowError(
      `Expected whole numbers from ${least} to ${most}${where}. Received: ${values[bad]} in row ` +
        `${1 + Math.floor((bad * count) / values.length)}`,
    );
  });
}

function splitRows(inputs, rows, count) {
  const width = rows.length / count;
  let start = 0;
  return inputs.map(({ shape }) => {
    const size = product(shape);
    const part = new Float32Array(count * size);
    for (let row = 0; row < count; row += 1) {
      part.set(rows.subarray(row * width + start, row * width + start + size), row * size);
    }
    start += size;
    return part;
  });
}
