/** Compares the gates of an encoder with those that its manifest lists. */

import { BundleError } from "../base/errors.js";
import { findGates } from "../model/gates.js";
import { formatCount } from "../base/numbers.js";

const SHOWN = 4; // thresholds of a gate that an error shows

/**
 * @param {import("./manifest.js").Manifest} manifest
 * @returns {boolean} Whether codes jump from zero, at a threshold or by their rank in a row.
 */
export function hasJumps({ requires = [] }) {
  return requires.includes("thresholds");
}

/**
 * @param {string} name Of the file.
 * @param {Uint8Array} bytes
 * @param {import("./manifest.js").Manifest} manifest With thresholds.
 * @returns {string} A sentence about the comparison.
 * @throws {BundleError} If a threshold differs, to the bit, or the number of gates, or their order.
 */
export function compareGates(name, bytes, { thresholds }) {
  const gates = selectGates(name, findGates(bytes));
  const listed = thresholds.map(({ operator, values }) => ({ operator, values: Float32Array.from(values) }));
  const same = ({ operator, values }, gate) =>
    operator === gate?.operator &&
    values.length === gate.values.length &&
    values.every((value, unit) => Object.is(value, gate.values[unit]));
  if (gates.length !== listed.length || !listed.every((gate, place) => same(gate, gates[place]))) {
    throw new BundleError(
      `Expected \`${name}\` with the gates of the manifest, ${describe(listed)}. Received: ${describe(gates)}`,
      name,
    );
  }
  if (!gates.every(({ givesCode }, place) => givesCode === (place === gates.length - 1))) {
    throw new BundleError(
      `Expected \`${name}\` to take its code from the last gate. Received: another operator after it`,
      name,
    );
  }
  return `${name}: ${formatCount(gates.length, "gate")} with exactly the thresholds of the manifest.`;
}

/** The gates of an encoder; in a file of scores others may follow, in the decoder. */
function selectGates(name, gates) {
  const last = gates.findLastIndex(({ givesCode }) => givesCode);
  return name === "score.onnx" && last >= 0 ? gates.slice(0, last + 1) : gates;
}

function describe(gates) {
  const texts = gates.map(({ operator, values }) => {
    const numbers = Array.from(values.subarray(0, SHOWN), String);
    return `${operator} above ${[...numbers, ...(values.length > SHOWN ? ["…"] : [])].join(", ")}`;
  });
  return texts.join(" and ") || "none";
}
