/**
 * Ranges of numbers, and numbers as text.
 *
 * @typedef {{low: number, high: number}} Range
 */

/**
 * @param {number[]} shape
 * @returns {number} The number of elements.
 */
export function product(shape) {
  return shape.reduce((size, axis) => size * axis, 1);
}

/**
 * @param {Iterable<number>} values
 * @param {Range} [range] The range that the values widen.
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
 * @returns {number} Position of the value in the range, from 0 to 1; 0 if the range is empty.
 */
export function toFraction(value, { low, high }) {
  return (value - low) / (high - low || 1);
}

/**
 * @param {Float32Array | number[]} values
 * @returns {number} The largest absolute value.
 */
export function maxAbs(values) {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

/**
 * @param {number} count
 * @param {string} noun
 * @returns {string}
 */
export function formatCount(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * @param {number} value
 * @returns {string} At most four significant digits.
 */
export function formatNumber(value) {
  return String(Number(value.toPrecision(4)));
}

/**
 * @param {number[]} shape
 * @returns {string} The number of elements, axis by axis.
 */
export function formatShape(shape) {
  return shape.length === 1 ? formatCount(shape[0], "number") : `${shape.join(" × ")} numbers`;
}

/**
 * @param {number[]} least Of the shortest row.
 * @param {number[]} most Of the greatest row.
 * @returns {string} A shape between two: `(3 to 12, 4)`.
 */
export function formatLengths(least, most) {
  return `(${most.map((length, axis) => (least[axis] === length ? length : `${least[axis]} to ${length}`)).join(", ")})`;
}

/**
 * @param {number} error
 * @returns {string}
 */
export function formatError(error) {
  return error === 0 ? "0" : error.toExponential(1);
}
