/**
 * Which units of a code are active.
 *
 * @typedef {{threshold: number, signed: boolean}} Activity `threshold` is τ; `signed` says whether codes
 *   below zero count, by their magnitude, which they do not in bundles of format 1.
 */

import { formatNumber } from "../base/numbers.js";

/**
 * @param {import("../reading/manifest.js").Manifest} manifest
 * @returns {Activity}
 */
export function findActivity({ format, threshold }) {
  return { threshold, signed: format >= 2 };
}

/**
 * @param {Activity} activity
 * @returns {string} Which codes are active.
 */
export function describeActivity({ threshold, signed }) {
  return `${signed ? "|code|" : "code"} above τ = ${formatNumber(threshold)}`;
}

/**
 * @param {number} value A code.
 * @param {boolean} signed
 * @returns {number} The size by which codes are compared with τ and with each other.
 */
export function rank(value, signed) {
  return signed ? Math.abs(value) : value;
}

/**
 * @param {number} value A code, float32; τ is rounded to float32 as well.
 * @param {Activity} activity
 * @returns {boolean} Whether the unit is active.
 */
export function isActive(value, { threshold, signed }) {
  return rank(value, signed) > Math.fround(threshold);
}
