/**
 * A lower L0 than the bundle's own, by a higher threshold of the last gate.
 *
 * A gate turns z into z where z > θ, and into 0 elsewhere, and θ is 0 or more. So the code with a higher
 * threshold is the code itself, with 0 where it is that threshold or less.
 *
 * @typedef {{l0: number[], threshold: number[]}} Calibration L0 falls, and thresholds rise.
 */

/**
 * @param {Calibration} calibration
 * @param {number} l0 Between the last and the first L0 of the calibration.
 * @returns {number} The threshold with that L0, linear between two points; a float32.
 */
export function findThreshold({ l0: levels, threshold }, l0) {
  const next = Math.max(1, levels.findIndex((level) => level <= l0));
  if (levels.length === 1 || l0 >= levels[0]) return Math.fround(threshold[0]);
  const slope = (threshold[next - 1] - threshold[next]) / (levels[next - 1] - levels[next]);
  return Math.fround(slope * (l0 - levels[next]) + threshold[next]);
}

/**
 * @param {Float32Array} codes Changed in place.
 * @param {number} threshold
 * @returns {Float32Array} The codes, with 0 where they are the threshold or less.
 */
export function cut(codes, threshold) {
  codes.forEach((value, place) => {
    if (!(value > threshold)) codes[place] = 0;
  });
  return codes;
}
