/**
 * The inputs of an encoder, and how a row of several inputs is one list of numbers.
 *
 * A row holds the numbers of all inputs, one input after another, as in `io/inputs.py`.
 *
 * @typedef {{name: string, type: string, shape: number[], least?: number[], whole?: [number, number] | null}} Input
 *   `least` is the shape of the shortest row, if rows may be shorter than `shape`.
 * @typedef {{least: number, most: number, step: number}} Sizes How many numbers a row may have: a multiple of `step`.
 */

import { RowError } from "../base/errors.js";
import { product } from "../base/numbers.js";

/**
 * @param {import("../reading/manifest.js").Manifest} manifest
 * @returns {Input[]}
 */
export function listInputs({ input, inputs, lengths }) {
  const entries = inputs ?? [{ name: input.name, shape: input.shape, whole: null }];
  return entries.map(({ name, shape, whole }) => ({ name, type: "float32", shape, least: lengths?.least, whole }));
}

/**
 * Lists the dimensions of a row in an ONNX file: names of axes along which rows may be shorter.
 *
 * @param {Input} input
 * @returns {(number | string)[]}
 */
export function nameDimensions({ shape, least = shape }) {
  return shape.map((most, axis) => (least[axis] === most ? most : `length_${axis + 1}`));
}

/**
 * Finds how many numbers a row may have, so that their number tells the shape: rows may be shorter along one axis.
 * Along several axes, the greatest shape is the only one that numbers without a shape have.
 *
 * @param {Input[]} inputs
 * @returns {Sizes}
 */
export function findSizes(inputs) {
  const most = inputs.reduce((sum, { shape }) => sum + product(shape), 0);
  const axis = findFreeAxis(inputs[0]);
  if (axis === null) return { least: most, most, step: most };
  return { least: product(inputs[0].least), most, step: most / inputs[0].shape[axis] };
}

/**
 * @param {Input} input
 * @param {number} size Numbers of a row, one of `findSizes`.
 * @returns {number[]} Shape of the row.
 */
export function findRowShape(input, size) {
  const most = product(input.shape);
  const free = findFreeAxis(input);
  return input.shape.map((length, axis) => (axis === free ? (length * size) / most : length));
}

/** The axis along which rows may be shorter; null if there is none, or more than one. */
function findFreeAxis({ shape, least = shape }) {
  const free = [...shape.keys()].filter((axis) => least[axis] < shape[axis]);
  return free.length === 1 ? free[0] : null;
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
  const parts = splitRows(inputs, rows, count);
  return Object.fromEntries(
    inputs.map((input, place) => {
      const shape = findRowShape(input, parts[place].length / count);
      return [input.name, new ort.Tensor("float32", parts[place], [count, ...shape])];
    }),
  );
}

/**
 * @param {Input[]} inputs
 * @param {Float32Array} rows
 * @param {number} count
 * @throws {RowError} If an input that takes whole numbers is given another, or one out of its range.
 */
export function requireWhole(inputs, rows, count) {
  if (inputs.every(({ whole }) => !whole)) return;
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
  if (inputs.length === 1) return [rows];
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
