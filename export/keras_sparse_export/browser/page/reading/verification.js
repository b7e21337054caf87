/**
 * Opens a bundle after verifying its files and outputs.
 *
 * Follows "How outputs are verified" in export/README.md.
 *
 * @typedef {{kind: "real" | "synthetic" | "none", rows: Float32Array}} Golden
 * @typedef {{manifest: import("./manifest.js").Manifest, encoder: Encoder, golden: Golden}} Opened
 */

import { readFiles } from "./files.js";
import { findActivity, rank } from "../model/activity.js";
import { Encoder, OnnxModel } from "../model/encoder.js";
import { listInputs } from "../model/inputs.js";
import { BundleError } from "../base/errors.js";
import { admitsGaps, findTarget } from "./consistency.js";
import { readManifest } from "./manifest.js";
import { compareGates, hasJumps } from "./thresholds.js";
import { formatCount, formatError, maxAbs, product } from "../base/numbers.js";

const ENCODERS = ["encoder.onnx", "encoder.int8.onnx"];
const RELATIVE_TOLERANCE = 1e-5;
const ROUNDING = 2 ** -19; // of float32 by several layers, relative to the terms of their sums
const NOISE = 1e-2; // rounding above this fraction of the largest output is a difference
const CANCELLATION = 2 ** 12; // terms of a column that is zero in the rows, relative to its outputs
const MAX_ROUNDING = 1e-3; // most that rounding may move an output, relative to the largest of all
const SMALLEST = 2 ** -149; // of float32, the tolerance of outputs that are all zero
const INT8_FRACTION = 0.1; // fraction of the largest code, far above the effect of a tie that is rounded the other way

/**
 * Verifies a bundle and opens it.
 *
 * @param {import("./files.js").Source} source
 * @param {() => Promise<any>} loadRuntime Loads onnxruntime-web.
 * @param {(line: string) => void} [report] Called with a sentence for each check that passed.
 * @param {(text: string) => void} [progress] Called with the current step.
 * @returns {Promise<Opened>}
 * @throws {BundleError} At the first check that fails.
 */
export async function openBundle(source, loadRuntime, report = () => {}, progress = () => {}) {
  const manifest = await readManifest(source);
  report(`The manifest is valid and of format ${manifest.format}.`);
  progress("Loading onnxruntime …");
  const ort = await loadRuntime();
  report(requireRuntime(manifest, ort.env.versions.web ?? ort.env.versions.common));
  const files = await readFiles(source, manifest, (done, all) =>
    progress(`Reading the bundle, file ${done + 1} of ${all} …`),
  );
  report(`${files.size} of ${files.size} files are intact: size and SHA-256 match.`);
  progress("Comparing outputs …");
  const models = await openModels(ort, manifest, files);
  for (const name of ENCODERS.filter((name) => manifest.thresholds && files.has(name))) {
    report(compareGates(name, files.get(name), manifest));
  }
  const golden = new GoldenFiles(manifest, files);
  await compare(models, golden, manifest, report);
  await models.int8?.session.release();
  return {
    manifest,
    encoder: new Encoder(manifest, models.encoder, models.decoder),
    golden: { kind: manifest.golden.kind, rows: golden.x },
  };
}

function requireRuntime({ min_onnxruntime: oldest }, version) {
  const [here, needed] = [version, oldest].map((text) => text.match(/^\d+(\.\d+)*/)[0].split(".").map(Number));
  const place = needed.findIndex((number, index) => number !== (here[index] ?? 0));
  if (place >= 0 && (here[place] ?? 0) < needed[place]) {
    throw new BundleError(
      `Expected onnxruntime ${oldest} or newer for this bundle. Received: onnxruntime-web ${version}. ` +
        "Remedy: use a newer runtime/, or export with a lower `opset`",
    );
  }
  return `onnxruntime-web ${version} is recent enough: the bundle needs ${oldest}.`;
}

async function openModels(ort, manifest, files) {
  const inputs = listInputs(manifest);
  const code = { name: "code", type: "float32", shape: manifest.output.shape };
  const outputs = [code, ...topKOutputs(manifest)];
  const xHat = { name: "x_hat", type: "float32", shape: findTarget(manifest).shape };
  const openModel = (name, given, values) =>
    files.has(name) ? OnnxModel.open(ort, name, files.get(name), given, values) : null;
  return {
    encoder: await openModel("encoder.onnx", inputs, outputs),
    decoder: await openModel("decoder.onnx", [code], [xHat]),
    int8: await openModel("encoder.int8.onnx", inputs, outputs),
  };
}

function topKOutputs({ top_k: entry, output }) {
  if (entry === null) return [];
  const shape = [...output.shape.slice(0, -1), entry.k];
  return [
    { name: "values", type: "float32", shape },
    { name: "indices", type: "int32", shape },
  ];
}

/** The golden rows and outputs of a bundle. */
class GoldenFiles {
  constructor(manifest, files) {
    this.manifest = manifest;
    this.files = files;
    this.rows = manifest.golden.rows;
    this.x = this.rows === 0 ? new Float32Array() : this.read("golden_x.f32");
    this.code = this.rows === 0 ? new Float32Array() : this.read("golden_code.f32");
    this.units = manifest.output.shape.at(-1);
  }

  /** Reads the numbers of a file. They are little-endian, as WebAssembly's memory is. */
  read(name) {
    const Numbers = name.endsWith(".i32") ? Int32Array : Float32Array;
    const values = new Numbers(new Uint8Array(this.files.get(name)).buffer);
    const gaps = name === "golden_x.f32" && admitsGaps(this.manifest);
    if (!values.every((value) => Number.isFinite(value) || (gaps && Number.isNaN(value)))) {
      throw new BundleError(`Expected finite numbers in \`${name}\`. Received: NaN or infinity`, name);
    }
    return values;
  }
}

async function compare({ encoder, decoder, int8 }, golden, manifest, report) {
  if (golden.rows === 0) {
    report("The bundle has no golden rows: outputs were not compared.");
    return;
  }
  if (manifest.format > 1 && maxAbs(golden.code) === 0) {
    throw new BundleError(
      "Expected golden codes that are not all zero in `golden_code.f32`. Received: zeros, which an encoder without " +
        "weights would give",
      "golden_code.f32",
    );
  }
  const allowed = widen(computeTolerances(golden.code, golden.units), "encoder", golden.code, manifest);
  const examine = hasJumps(manifest) ? (codes) => requireSameUnits(golden, codes) : () => {};
  report(await compareOutputs("encoder.onnx", encoder, golden.x, golden.code, allowed, golden.rows, examine));
  if (manifest.top_k !== null) report(await compareTopK(encoder, golden));
  if (decoder !== null) {
    const rows = golden.read("golden_x_hat.f32");
    const target = findTarget(manifest);
    const columns = computeTolerances(rows, target.shape.at(-1), golden.read(target.name));
    const allowed = widen(columns, "decoder", rows, manifest);
    report(await compareOutputs("decoder.onnx", decoder, golden.code, rows, allowed, golden.rows));
  }
  if (int8 !== null) report(await compareInt8(int8, golden));
}

/** Tolerances, and at least the rounding of the file in the manifest, where that has one. */
function widen(tolerances, name, outputs, { rounding }) {
  const least = Math.min(rounding?.[name] ?? 0, MAX_ROUNDING * maxAbs(outputs));
  return tolerances.map((allowed) => Math.max(allowed, least));
}

/** Raises if other units are active than in the golden codes: golden rows lie away from every threshold. */
function requireSameUnits({ code, units, manifest }, codes) {
  const place = codes.findIndex((value, index) => (value !== 0) !== (code[index] !== 0));
  if (place < 0) return;
  const row = Math.floor(place / product(manifest.output.shape));
  throw new BundleError(
    "Expected `encoder.onnx` to activate the units of the golden codes. Received: another state of unit " +
      `${place % units} in golden row ${row}`,
    "encoder.onnx",
  );
}

/**
 * Compares batches of 1, 2 and all golden rows, and reports the unit nearest to its tolerance.
 *
 * `examine` is called with the outputs of each batch.
 */
async function compareOutputs(name, model, rows, expected, allowed, count, examine = (outputs) => {}) {
  let nearest = { error: 0, allowed: allowed[0] };
  for (const size of new Set([1, 2, count].map((size) => Math.min(size, count)))) {
    const wanted = expected.subarray(0, (size * expected.length) / count);
    const results = await model.run(rows.subarray(0, (size * rows.length) / count), size);
    examine(results[model.output]);
    computeMaxErrors(wanted, results[model.output], allowed.length).forEach((error, unit) => {
      requireNear(name, error, allowed[unit]);
      if (error / allowed[unit] > nearest.error / nearest.allowed) nearest = { error, allowed: allowed[unit] };
    });
  }
  return formatAgreement(name, nearest.error, nearest.allowed, count);
}

/** Compares int8 codes row by row, as the golden codes were computed: a batch may share a scale. */
async function compareInt8(model, golden) {
  const name = "encoder.int8.onnx";
  const expected = golden.read("golden_code.int8.f32");
  const [input, output] = [golden.x.length / golden.rows, expected.length / golden.rows];
  let error = 0;
  for (let row = 0; row < golden.rows; row += 1) {
    const { code } = await model.run(golden.x.subarray(row * input, (row + 1) * input), 1);
    error = Math.max(error, computeMaxError(expected.subarray(row * output, (row + 1) * output), code));
  }
  const allowed = golden.manifest.int8.golden_tolerance;
  const most = computeLargestInt8Tolerance(expected, golden.units, golden.manifest.format);
  if (allowed > most) {
    throw new BundleError(
      `Expected an \`int8.golden_tolerance\` of ${formatError(most)} at most. Received: ${formatError(allowed)}, with ` +
        "which any output would pass",
      "manifest.json",
    );
  }
  requireNear(name, error, allowed);
  return formatAgreement(name, error, allowed, golden.rows);
}

/** The largest tolerance that a manifest of that format may state for int8 codes. */
export function computeLargestInt8Tolerance(codes, units, format) {
  const largest = maxAbs(codes);
  const rounding = maxAbs(computeTolerances(codes, units));
  const least = format === 1 ? RELATIVE_TOLERANCE * Math.max(1, largest) : 0; // allowed to the smallest codes
  return Math.max(rounding, least) + INT8_FRACTION * largest;
}

function requireNear(name, error, allowed) {
  if (Number.isFinite(error) && error <= allowed) return;
  throw new BundleError(
    `Expected \`${name}\` to give the golden outputs within ${allowed.toExponential(2)}. Received: ` +
      `a difference of ${error.toExponential(2)}`,
    name,
  );
}

function formatAgreement(name, error, allowed, count) {
  return `${name}: outputs match ${formatCount(count, "golden row")}; largest difference ${formatError(error)}, allowed ${formatError(allowed)}.`;
}

async function compareTopK(encoder, golden) {
  const { k } = golden.manifest.top_k;
  const wanted = { values: golden.read("golden_values.f32"), indices: golden.read("golden_indices.i32") };
  const actual = await encoder.run(golden.x, golden.rows);
  const { signed } = findActivity(golden.manifest);
  if (!haveSameTopK(golden.code, golden.manifest.output.shape.at(-1), k, wanted, actual, signed)) {
    throw new BundleError(
      "Expected `encoder.onnx` to give the golden values and indices of its " +
        `${k} largest codes. Received: others`,
      "encoder.onnx",
    );
  }
  return `The ${k} largest codes of each golden row match.`;
}

/**
 * Whether the largest codes and their indices match the golden ones, up to rounding.
 *
 * Golden values must be the golden codes at the golden indices, and actual values those at the actual
 * indices, within the tolerance. The magnitude of actual values may differ from that of the golden ones
 * by the tolerance: near-ties may swap.
 *
 * @param {Float32Array} code
 * @param {number} units
 * @param {number} k
 * @param {{values: Float32Array, indices: Int32Array}} golden
 * @param {{values: Float32Array, indices: Int32Array}} actual
 * @param {boolean} signed As in `isActive`.
 * @returns {boolean}
 */
export function haveSameTopK(code, units, k, golden, actual, signed) {
  const allowed = maxAbs(computeTolerances(code, units));
  if (!areDistinct(golden.indices, units, k) || !areDistinct(actual.indices, units, k)) return false;
  const at = (indices) => indices.map((unit, place) => Math.floor(place / k) * units + unit);
  const ranks = (values) => values.map((value) => rank(value, signed));
  const codesAt = (indices) => Float32Array.from(at(indices), (place) => code[place]);
  return (
    computeMaxError(codesAt(golden.indices), golden.values) === 0 &&
    computeMaxError(codesAt(actual.indices), actual.values) <= allowed &&
    computeMaxError(ranks(golden.values), ranks(actual.values)) <= allowed
  );
}

/** Whether all indices are units, and no row repeats one. */
function areDistinct(indices, units, k) {
  if (!indices.every((unit) => unit >= 0 && unit < units)) return false;
  for (let start = 0; start < indices.length; start += k) {
    if (new Set(indices.subarray(start, start + k)).size !== k) return false;
  }
  return true;
}

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
function computeMaxErrors(expected, actual, units) {
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
function computeMaxError(expected, actual) {
  return computeMaxErrors(expected, actual, 1)[0];
}
