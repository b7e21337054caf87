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
import { Encoder } from "../model/encoder.js";
import { OnnxModel } from "../model/onnx_model.js";
import { listInputs } from "../model/inputs.js";
import { BundleError } from "../base/errors.js";
import { admitsGaps, findTarget } from "./consistency.js";
import { readManifest } from "./manifest.js";
import { compareGates, hasJumps } from "./thresholds.js";
import { computeMaxError, computeMaxErrors, computeScoreTolerances, computeTolerances, RELATIVE_TOLERANCE } from "./tolerances.js";
import { formatCount, formatError, maxAbs, product } from "../base/numbers.js";

const GATED = ["encoder.onnx", "encoder.int8.onnx", "score.onnx"];
const MAX_ROUNDING = 1e-3; // most that rounding may move an output, relative to the largest of all
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
  for (const name of GATED.filter((name) => manifest.thresholds && files.has(name))) {
    report(compareGates(name, files.get(name), manifest));
  }
  const golden = new GoldenFiles(manifest, files);
  await compare(models, golden, manifest, report);
  await models.int8?.session.release();
  return {
    manifest,
    encoder: new Encoder(manifest, models.encoder, models.decoder, models.scorer),
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
  const score = { name: "score", type: "float32", shape: [] };
  const openModel = (name, given, values, more = false) =>
    files.has(name) ? OnnxModel.open(ort, name, files.get(name), given, values, more) : null;
  return {
    encoder: await openModel("encoder.onnx", inputs, outputs),
    decoder: await openModel("decoder.onnx", [code], [xHat]),
    scorer: await openModel("score.onnx", inputs, [code, score], true),
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

async function compare({ encoder, decoder, scorer, int8 }, golden, manifest, report) {
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
  const examine = hasJumps(manifest) ? (name, { code }) => requireSameUnits(golden, name, code) : () => {};
  const codes = { code: { expected: golden.code, allowed } };
  report(await compareOutputs("encoder.onnx", encoder, golden.x, codes, golden.rows, examine));
  if (manifest.top_k !== null) report(await compareTopK(encoder, golden));
  const target = findTarget(manifest);
  const width = target.shape.at(-1);
  if (decoder !== null) {
    const rows = golden.read("golden_x_hat.f32");
    const columns = computeTolerances(rows, width, golden.read(target.name));
    const outputs = { x_hat: { expected: rows, allowed: widen(columns, "decoder", rows, manifest) } };
    report(await compareOutputs("decoder.onnx", decoder, golden.code, outputs, golden.rows));
  }
  if (scorer !== null) {
    const scores = golden.read("golden_score.f32");
    const tolerances = computeScoreTolerances(scores, golden.read(target.name), width, manifest.scale);
    const outputs = { ...codes, score: { expected: scores, allowed: widen(tolerances, "score", scores, manifest) } };
    report(await compareOutputs("score.onnx", scorer, golden.x, outputs, golden.rows, examine));
  }
  if (int8 !== null) report(await compareInt8(int8, golden));
}

/** Tolerances, and at least the rounding of the file in the manifest, where that has one. */
function widen(tolerances, name, outputs, { rounding }) {
  const least = Math.min(rounding?.[name] ?? 0, MAX_ROUNDING * maxAbs(outputs));
  return tolerances.map((allowed) => Math.max(allowed, least));
}

/** Raises if other units are active than in the golden codes: golden rows lie away from every threshold. */
function requireSameUnits({ code, units, manifest }, name, codes) {
  const place = codes.findIndex((value, index) => (value !== 0) !== (code[index] !== 0));
  if (place < 0) return;
  const row = Math.floor(place / product(manifest.output.shape));
  throw new BundleError(
    `Expected \`${name}\` to activate the units of the golden codes. Received: another state of unit ` +
      `${place % units} in golden row ${row}`,
    name,
  );
}

/**
 * Compares batches of 1, 2 and all golden rows, and reports the number nearest to its tolerance.
 *
 * @param {string} name Of the file.
 * @param {OnnxModel} model
 * @param {Float32Array} rows
 * @param {{[output: string]: {expected: Float32Array, allowed: number[]}}} outputs For all rows, and what each unit, or
 *   the score of each row, may differ by.
 * @param {number} count Rows.
 * @param {(name: string, results: import("../model/onnx_model.js").Results) => void} [examine] Called with the results
 *   of each batch.
 */
async function compareOutputs(name, model, rows, outputs, count, examine = () => {}) {
  let nearest = { error: 0, allowed: Object.values(outputs)[0].allowed[0] };
  for (const size of new Set([1, 2, count].map((size) => Math.min(size, count)))) {
    const results = await model.run(rows.subarray(0, (size * rows.length) / count), size);
    examine(name, results);
    for (const [output, { expected, allowed }] of Object.entries(outputs)) {
      const wanted = expected.subarray(0, (size * expected.length) / count);
      computeMaxErrors(wanted, results[output], allowed.length).forEach((error, unit) => {
        requireNear(name, error, allowed[unit]);
        if (error / allowed[unit] > nearest.error / nearest.allowed) nearest = { error, allowed: allowed[unit] };
      });
    }
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
