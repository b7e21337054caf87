/**
 * Chooses the numbers at an axis, and the scale of scores.
 *
 * @typedef {{label: string, ticks: number[], toFraction: (score: number) => number}} Scale
 */

import { extent, toFraction } from "../base/numbers.js";

const WIDE = 100; // times the threshold: a score above it would press all others to the ground
const MOST_DECADES = 8;

/**
 * @param {import("../base/numbers.js").Range} range
 * @param {number} most Ticks.
 * @returns {number[]} Multiples of 1, 2 or 5 times a power of ten.
 */
export function findTicks({ low, high }, most) {
  if (!(high > low)) return [low];
  const least = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= least) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, place) => Number(((first + place) * step).toPrecision(12)));
}

/**
 * Scales scores from 0 on, or by their logarithms if some are far above the threshold.
 *
 * @param {Float32Array} scores
 * @param {number} threshold 0 if there is none.
 * @returns {Scale}
 */
export function scaleScores(scores, threshold) {
  const high = Math.max(extent(scores).high, threshold) || 1;
  if (threshold > 0 && high > WIDE * threshold) return scaleLogarithms(scores, threshold, high);
  const range = { low: 0, high: 1.05 * high };
  return { label: "Score", ticks: findTicks(range, 5), toFraction: (score) => toFraction(score, range) };
}

function scaleLogarithms(scores, threshold, high) {
  const least = scores.reduce((low, score) => (score > 0 && score < low ? score : low), threshold);
  const top = Math.ceil(Math.log10(high) + 0.02);
  const bottom = Math.max(Math.floor(Math.log10(least)), top - MOST_DECADES);
  const range = { low: bottom, high: top };
  const between = Math.ceil((top - bottom) / 5);
  const powers = Array.from({ length: top - bottom + 1 }, (_, place) => bottom + place);
  return {
    label: "Score, logarithmic",
    ticks: powers.filter((power) => (power - bottom) % between === 0).map((power) => Number(`1e${power}`)),
    toFraction: (score) => Math.max(0, toFraction(Math.log10(Math.max(score, Number.MIN_VALUE)), range)),
  };
}
