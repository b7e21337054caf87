/**
 * Numbers: how many they are, how far they reach, and how they are written. Needs no document.
 *
 * @typedef {{low: number, high: number}} Range
 */

/**
 * @param {number[]} shape
 * @returns {number} How many numbers.
 */
export function product(shape) {
  return shape.reduce((size, axis) => size * axis, 1);
}

/**
 * @param {Iterable<number>} values
 * @param {Range} [range] What is widened by them.
 * @returns {Range}
 */
export function extent(values, { low, high } = { low: 0, high: 0 }) {
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

/**
 * @param {number} value
 * @param {Range} range
 * @returns {number} Where it lies between the ends, 0 to 1; 0 where they are one.
 */
export function shareOf(value, { low, high }) {
  return (value - low) / (high - low || 1);
}

/**
 * @param {Float32Array} values
 * @param {number} [least] What is returned where all are smaller.
 * @returns {number} The largest without its sign.
 */
export function largestOf(values, least = 0) {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), least);
}

/**
 * @param {number} count
 * @param {string} noun
 * @returns {string}
 */
export function counted(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * @param {number} value
 * @returns {string} Four digits, as short as they go.
 */
export function brief(value) {
  return String(Number(value.toPrecision(4)));
}

/**
 * @param {number[]} shape
 * @returns {string} How many numbers, axis by axis.
 */
export function shapeText(shape) {
  return shape.length === 1 ? counted(shape[0], "number") : `${shape.join(" × ")} numbers`;
}

/**
 * @param {number} error
 * @returns {string}
 */
export function errorText(error) {
  return error === 0 ? "0" : error.toExponential(1);
}
