/**
 * Measures of codes and reconstructions: active units, largest codes, contributions to the reconstruction, errors.
 *
 * @typedef {import("./activity.js").Activity} Activity
 */

import { isActive } from "./activity.js";

/**
 * Averages a code over its positions; a code with one position stays as it is.
 *
 * @param {Float32Array} code
 * @param {number} units
 * @returns {Float32Array}
 */
export function averagePositions(code, units) {
  const positions = code.length / units;
  return Float32Array.from({ length: units }, (_, unit) => {
    let sum = 0;
    for (let place = unit; place < code.length; place += units) sum += code[place];
    return sum / positions;
  });
}

/**
 * Counts the active units of a code, per position.
 *
 * @param {Float32Array} code
 * @param {number} units
 * @param {Activity} activity
 * @returns {number}
 */
export function countActive(code, units, activity) {
  const active = code.reduce((count, value) => count + isActive(value, activity), 0);
  return (active * units) / code.length;
}

/**
 * Marks the active units of a code; with positions, those active at any of them.
 *
 * @param {Float32Array} code
 * @param {number} units
 * @param {Activity} activity
 * @returns {Uint8Array} 1 for active units, 0 for others.
 */
export function findActive(code, units, activity) {
  const active = new Uint8Array(units);
  code.forEach((value, place) => {
    if (isActive(value, activity)) active[place % units] = 1;
  });
  return active;
}

/**
 * Selects the active units with the codes of largest magnitude, the largest first; ties go to the lower unit.
 *
 * @param {Float32Array} code One position, or the mean over all positions.
 * @param {Uint8Array} active
 * @param {number} most
 * @returns {{unit: number, value: number}[]}
 */
export function selectLargest(code, active, most) {
  return Array.from(code, (value, unit) => ({ unit, value }))
    .filter(({ unit }) => active[unit])
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value) || a.unit - b.unit)
    .slice(0, most);
}

/**
 * Computes what each unit adds to the decoded row: `decode(e_j · value) − decode(0)`.
 *
 * With positions, the unit has its value at each of them.
 *
 * @param {import("./encoder.js").Encoder} encoder
 * @param {{unit: number, value: number}[]} units
 * @returns {Promise<Float32Array[]>}
 */
export async function decodeUnits(encoder, units) {
  const codes = new Float32Array((units.length + 1) * encoder.codeSize);
  units.forEach(({ unit, value }, index) => {
    for (let position = 0; position < encoder.positions; position += 1) {
      codes[index * encoder.codeSize + position * encoder.units + unit] = value;
    }
  });
  const rows = await encoder.decode(codes);
  const size = encoder.inputSize;
  const nothing = rows.subarray(units.length * size);
  return units.map((_, index) =>
    rows.slice(index * size, (index + 1) * size).map((value, place) => value - nothing[place]),
  );
}

/**
 * Computes the squared errors of a row in the space of the loss, `((x − x̂) / scale)²`; NaN in gaps.
 *
 * @param {Float32Array} row
 * @param {Float32Array} reconstruction
 * @param {number[] | null} scale Of each column; null for raw units.
 * @returns {Float64Array}
 */
export function computeErrors(row, reconstruction, scale) {
  return Float64Array.from(row, (value, place) => {
    const unit = scale === null ? 1 : scale[place % scale.length];
    return ((value - reconstruction[place]) / unit) ** 2;
  });
}

/**
 * @param {Float64Array} errors Of a row, from `computeErrors`; NaN where there is a gap.
 * @returns {{mean: number, largest: number, place: number}} Mean, and value and place of the largest.
 */
export function summarizeErrors(errors) {
  const known = Array.from(errors, (error, place) => ({ error, place })).filter(({ error }) => !Number.isNaN(error));
  const worst = known.reduce((most, each) => (each.error > most.error ? each : most));
  const sum = known.reduce((total, { error }) => total + error, 0);
  return { mean: sum / known.length, largest: worst.error, place: worst.place };
}

/**
 * @param {Float32Array} row
 * @param {number[] | null} offset Of each column; null for raw units.
 * @param {number[] | null} scale
 * @returns {Float32Array} The row in the space of the loss, `(x − offset) / scale`.
 */
export function scaleRow(row, offset, scale) {
  if (scale === null) return row;
  const width = scale.length;
  return row.map((value, place) => (value - offset[place % width]) / scale[place % width]);
}
