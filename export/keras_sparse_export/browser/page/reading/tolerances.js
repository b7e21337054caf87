/** How far outputs may be from the golden ones: "How outputs are verified" in export/README.md. */

import { maxAbs } from "../base/numbers.js";

export const RELATIVE_TOLERANCE = 1e-5;
const ROUNDING = 2 ** -19; // of float32 by several layers, relative to the terms of their sums
const NOISE = 1e-2; // rounding above this fraction of the largest output is a difference
const CANCELLATION = 2 ** 12; // terms of a column that is zero in the rows, relative to its outputs
const SMALLEST = 2 ** -149; // of float32, the tolerance of outputs that are all zero

/**
 * The largest |Δ| allowed for each unit of a code, or column of a reconstruction.
 *
 * @param {Float32Array} outputs The units are the last axis.
 * @param {number} units
 * @param {Float32Array} [targets] The rows that reconstructions stand for.
 * @returns {number[]} Of each unit: 1e-5 of half its range, and at least the rounding of float32.
 */
export function computeTolerances(outputs, units, targets) {
  const largest = maxAbs(outputs);
  return Array.from({ length: units }, (_, unit) => {
    const { low, high } = extentOfUnit(outputs, units, unit);
    const cancelling = Math.max(CANCELLATION * Math.max(-low, high), 1);
    const column = targets ? extentOfUnit(targets, units, unit) : { low: -largest, high: largest };
    const own = Math.max(-column.low, column.high); // below 0 for gaps alone
    const terms = Math.min(own > 0 ? own : cancelling, largest);
    const rounding = Math.min(ROUNDING * Math.max(1, terms), NOISE * terms);
    return Math.max((RELATIVE_TOLERANCE * (high - low)) / 2, rounding, SMALLEST);
  });
}

/**
 * The largest |Δ| allowed for the score of each row, as `score_tolerance` in `runtime/reconstruction.py`.
 *
 * The root of a score s is a distance, which moves by δ at most: `1e-5 s + 2 δ √s + δ²`. δ is the root mean square
 * of the tolerances of the columns, over the entries of a row.
 *
 * @param {Float32Array} scores
 * @param {Float32Array} rows NaN in gaps.
 * @param {number} width Columns: the length of the last axis of a row.
 * @param {number[] | null} scale Of each column; null for 1.
 * @returns {number[]}
 */
export function computeScoreTolerances(scores, rows, width, scale) {
  const scaled = Float64Array.from(rows, (value, place) => value / (scale === null ? 1 : scale[place % width]));
  const columns = Array.from({ length: width }, (_, column) => {
    const { low, high } = extentOfUnit(scaled, width, column);
    const most = Math.max(-low, high);
    return Math.max((RELATIVE_TOLERANCE * (high - low)) / 2, Math.min(ROUNDING * Math.max(most, 1), NOISE * most));
  });
  const size = rows.length / scores.length;
  return Array.from(scores, (score, row) => {
    const squares = columnsOfRow(scaled, size, row, width).map((column) => columns[column] ** 2);
    const move = Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
    return Math.max(RELATIVE_TOLERANCE * score + 2 * move * Math.sqrt(score) + move ** 2, SMALLEST);
  });
}

/** The columns of the entries that a row has. */
function columnsOfRow(rows, size, row, width) {
  const places = Array.from({ length: size }, (_, place) => row * size + place);
  return places.filter((place) => !Number.isNaN(rows[place])).map((place) => place % width);
}

function extentOfUnit(values, units, unit) {
  let [low, high] = [Infinity, -Infinity];
  for (let place = unit; place < values.length; place += units) {
    if (Number.isNaN(values[place])) continue; // a gap
    low = Math.min(low, values[place]);
    high = Math.max(high, values[place]);
  }
  return { low, high };
}

/** The largest |Δ| of each unit; infinite if the lengths differ or a number is not finite. */
export function computeMaxErrors(expected, actual, units) {
  if (expected.length !== actual?.length) return Array(units).fill(Infinity);
  const largest = Array(units).fill(0);
  for (let place = 0; place < expected.length; place += 1) {
    const error = Math.abs(actual[place] - expected[place]);
    const unit = place % units;
    largest[unit] = Number.isFinite(error) ? Math.max(largest[unit], error) : Infinity;
  }
  return largest;
}

/** The largest |Δ|; infinite if the lengths differ or a number is not finite. */
export function computeMaxError(expected, actual) {
  return computeMaxErrors(expected, actual, 1)[0];
}
