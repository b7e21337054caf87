/**
 * Opens a bundle: nothing is handed on before files and answers are what its manifest says.
 *
 * export/README.md, "How answers are verified", is what this follows.
 *
 * @typedef {{kind: "real" | "synthetic" | "none", rows: Float32Array}} Golden
 * @typedef {{manifest: import("./manifest.js").Manifest, encoder: Encoder, golden: Golden}} Opened
 */

import { readFiles } from "./bundle.js";
import { Encoder, Half } from "./encoder.js";
import { BundleError } from "./errors.js";
import { readManifest } from "./manifest.js";
import { counted, errorText, largestOf } from "./numbers.js";

const INT8_SHARE = 0.1; // of the largest code: far more than a tie rounded the other way changes

/**
 * @param {import("./bundle.js").Source} source
 * @param {import("./schema.js").Schema} schema Of `manifest.schema.json`.
 * @param {() => Promise<any>} loadRuntime Gives onnxruntime-web.
 * @param {(line: string) => void} [report] Told what has passed, in a sentence.
 * @param {(text: string) => void} [progress] Told what is being done.
 * @returns {Promise<Opened>}
 * @throws {BundleError} At the first thing that is wrong.
 */
export async function openBundle(source, schema, loadRuntime, report = () => {}, progress = () => {}) {
  const manifest = await readManifest(source, schema);
  report("The manifest is of format 1 and as its schema has it.");
  progress("Loading onnxruntime …");
  const ort = await loadRuntime();
  report(requireRuntime(manifest, ort.env.versions.web ?? ort.env.versions.common));
  const files = await readFiles(source, manifest, (done, all) =>
    progress(`Reading the bundle, file ${done + 1} of ${all} …`),
  );
  report(`${files.size} of ${files.size} files are whole: size and SHA-256 agree.`);
  progress("Comparing answers …");
  const halves = await open(ort, manifest, files);
  const golden = new GoldenFiles(manifest, files);
  await compare(halves, golden, manifest, report);
  await halves.int8?.session.release();
  return {
    manifest,
    encoder: new Encoder(manifest, halves.encoder, halves.decoder),
    golden: { kind: manifest.golden.kind, rows: golden.x },
  };
}

function requireRuntime({ min_onnxruntime: oldest }, version) {
  const [here, needed] = [version, oldest].map((text) => text.match(/^\d+(\.\d+)*/)[0].split(".").map(Number));
  const place = needed.findIndex((number, index) => number !== (here[index] ?? 0));
  if (place >= 0 && (here[place] ?? 0) < needed[place]) {
    throw new BundleError(
      `Expected onnxruntime ${oldest} or newer for this bundle. Received: onnxruntime-web ${version}. ` +
        "Remedy: a newer runtime/, or an export with a lower `opset`",
    );
  }
  return `onnxruntime-web ${version} is new enough: ${oldest} is asked for.`;
}

async function open(ort, manifest, files) {
  const x = { name: "x", type: "float32", shape: manifest.input.shape };
  const code = { name: "code", type: "float32", shape: manifest.output.shape };
  const outputs = [code, ...topKOutputs(manifest)];
  const half = (name, input, values) =>
    files.has(name) ? Half.open(ort, name, files.get(name), input, values) : null;
  return {
    encoder: await half("encoder.onnx", x, outputs),
    decoder: await half("decoder.onnx", code, [{ ...x, name: "x_hat" }]),
    int8: await half("encoder.int8.onnx", x, outputs),
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

/** The golden rows and answers of a bundle. */
class GoldenFiles {
  constructor(manifest, files) {
    this.manifest = manifest;
    this.files = files;
    this.rows = manifest.golden.rows;
    this.x = this.rows === 0 ? new Float32Array() : this.read("golden_x.f32");
    this.code = this.rows === 0 ? new Float32Array() : this.read("golden_code.f32");
  }

  /** Numbers of a file. They are little-endian, as the memory of WebAssembly is. */
  read(name) {
    const Numbers = name.endsWith(".i32") ? Int32Array : Float32Array;
    const values = new Numbers(this.files.get(name).slice().buffer);
    if (!values.every(Number.isFinite)) {
      throw new BundleError(`Expected finite numbers in \`${name}\`. Received: NaN or infinity`, name);
    }
    return values;
  }
}

async function compare({ encoder, decoder, int8 }, golden, manifest, report) {
  if (golden.rows === 0) {
    report("There are no golden rows: answers were not compared.");
    return;
  }
  report(await agreement("encoder.onnx", encoder, golden.x, golden.code, golden.rows));
  if (manifest.top_k !== null) report(await largestCodes(encoder, golden));
  if (decoder !== null) {
    const rows = golden.read("golden_x_hat.f32");
    report(await agreement("decoder.onnx", decoder, golden.code, rows, golden.rows));
  }
  if (int8 !== null) report(await int8Codes(int8, golden));
}

/** Batches of 1, 2 and all golden rows, always the first ones; the one nearest to its tolerance. */
async function agreement(name, half, rows, expected, count) {
  const found = [];
  for (const size of new Set([1, 2, count].map((each) => Math.min(each, count)))) {
    const wanted = expected.subarray(0, (size * expected.length) / count);
    const results = await half.run(rows.subarray(0, (size * rows.length) / count), size);
    const [error, allowed] = [maxError(wanted, results[half.output]), tolerance(wanted)];
    requireNear(name, error, allowed);
    found.push({ error, allowed });
  }
  found.sort((a, b) => b.error / b.allowed - a.error / a.allowed);
  return agreed(name, found[0].error, found[0].allowed, count);
}

/** One row at a time, as the golden codes were computed: a batch may share a scale. */
async function int8Codes(half, golden) {
  const name = "encoder.int8.onnx";
  const expected = golden.read("golden_code.int8.f32");
  const [input, output] = [golden.x.length / golden.rows, expected.length / golden.rows];
  let error = 0;
  for (let row = 0; row < golden.rows; row += 1) {
    const { code } = await half.run(golden.x.subarray(row * input, (row + 1) * input), 1);
    error = Math.max(error, maxError(expected.subarray(row * output, (row + 1) * output), code));
  }
  const allowed = golden.manifest.int8.golden_tolerance;
  const most = tolerance(expected) + INT8_SHARE * largestOf(expected);
  if (allowed > most) {
    throw new BundleError(
      `Expected an \`int8.golden_tolerance\` of ${errorText(most)} at most. Received: ${errorText(allowed)}, with ` +
        "which any answer would pass",
      "manifest.json",
    );
  }
  requireNear(name, error, allowed);
  return agreed(name, error, allowed, golden.rows);
}

function requireNear(name, error, allowed) {
  if (Number.isFinite(error) && error <= allowed) return;
  throw new BundleError(
    `Expected \`${name}\` to give the golden answers within ${allowed.toExponential(2)}. Received: ` +
      `a difference of ${error.toExponential(2)}`,
    name,
  );
}

function agreed(name, error, allowed, count) {
  return `${name} answers as it should on ${counted(count, "golden row")}: largest difference ${errorText(error)}, allowed ${errorText(allowed)}.`;
}

async function largestCodes(encoder, golden) {
  const { k } = golden.manifest.top_k;
  const wanted = { values: golden.read("golden_values.f32"), indices: golden.read("golden_indices.i32") };
  const found = await encoder.run(golden.x, golden.rows);
  if (!sameLargest(golden.code, golden.manifest.output.shape.at(-1), k, wanted, found)) {
    throw new BundleError(
      "Expected `encoder.onnx` to give the golden values and indices of its " +
        `${k} largest codes. Received: others`,
      "encoder.onnx",
    );
  }
  return `The ${k} largest codes of each golden row are the golden ones.`;
}

/**
 * Whether values and places are those of golden codes, though this machine may round.
 *
 * Golden values are the golden codes at the golden places. Values found may differ by the
 * tolerance. Where codes all but tie, other places may come first: the golden code at a place found
 * must be within twice the tolerance of the golden value.
 *
 * @param {Float32Array} code
 * @param {number} units
 * @param {number} k
 * @param {{values: Float32Array, indices: Int32Array}} golden
 * @param {{values: Float32Array, indices: Int32Array}} found
 * @returns {boolean}
 */
export function sameLargest(code, units, k, golden, found) {
  const allowed = tolerance(code);
  if (!distinct(golden.indices, units, k) || !distinct(found.indices, units, k)) return false;
  const at = (indices) => indices.map((unit, place) => Math.floor(place / k) * units + unit);
  const codesAt = (indices) => Float32Array.from(at(indices), (place) => code[place]);
  return (
    maxError(codesAt(golden.indices), golden.values) === 0 &&
    maxError(golden.values, found.values) <= allowed &&
    maxError(golden.values, codesAt(found.indices)) <= 2 * allowed
  );
}

/** Whether places lie within the units, and none comes twice in a row. */
function distinct(indices, units, k) {
  if (!indices.every((unit) => unit >= 0 && unit < units)) return false;
  for (let start = 0; start < indices.length; start += k) {
    if (new Set(indices.subarray(start, start + k)).size !== k) return false;
  }
  return true;
}

function tolerance(expected) {
  return 1e-5 * largestOf(expected, 1);
}

/** Largest |Δ|; infinite where there are other numbers of them, or one is not finite. */
function maxError(expected, actual) {
  if (expected.length !== actual?.length) return Infinity;
  let largest = 0;
  for (let place = 0; place < expected.length; place += 1) {
    const error = Math.abs(actual[place] - expected[place]);
    if (!Number.isFinite(error)) return Infinity;
    largest = Math.max(largest, error);
  }
  return largest;
}
