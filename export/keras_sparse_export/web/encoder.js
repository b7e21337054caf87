/**
 * ONNX files in onnxruntime-web: rows in, codes out, and back.
 *
 * @typedef {{name: string, type: string, shape: number[]}} Value A shape is that of one row.
 * @typedef {{[name: string]: Float32Array | Int32Array}} Results
 */

import { BundleError } from "./errors.js";
import { product } from "./numbers.js";
import { pause } from "./turns.js";

const CHUNK_VALUES = 2 ** 18; // of a row and its code: few enough that a page stays awake

/** One ONNX file, opened and held to the inputs and outputs it should have. */
export class Half {
  /**
   * @param {any} ort onnxruntime-web.
   * @param {string} name Of the file.
   * @param {Uint8Array} bytes
   * @param {Value} input
   * @param {Value[]} outputs
   * @returns {Promise<Half>}
   */
  static async open(ort, name, bytes, input, outputs) {
    let session;
    try {
      session = await ort.InferenceSession.create(bytes, {
        executionProviders: ["wasm"],
        logSeverityLevel: 3,
      });
    } catch (error) {
      throw failed(name, "load", error);
    }
    requireValues(name, "inputs", session.inputMetadata, [input]);
    requireValues(name, "outputs", session.outputMetadata, outputs);
    return new Half(ort, name, session, input, outputs[0].name);
  }

  constructor(ort, name, session, input, output) {
    this.ort = ort;
    this.name = name;
    this.session = session;
    this.input = input;
    this.output = output;
    this.idle = Promise.resolve();
  }

  /**
   * All outputs for so many rows, in one go.
   *
   * @param {Float32Array} rows
   * @param {number} count
   * @returns {Promise<Results>}
   */
  run(rows, count) {
    const tensor = new this.ort.Tensor("float32", rows, [count, ...this.input.shape]);
    // One call at a time: a session refuses a second while one runs.
    const results = this.idle.then(() => this.session.run({ [this.input.name]: tensor }));
    this.idle = results.catch(() => {});
    return results.then(
      (found) => Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data])),
      (error) => {
        throw failed(this.name, "run", error);
      },
    );
  }

  /**
   * The first output for so many rows.
   *
   * @param {Float32Array} rows
   * @param {number} count
   * @returns {Promise<Float32Array>}
   * @throws {BundleError} If not all of it is finite.
   */
  async first(rows, count) {
    const values = (await this.run(rows, count))[this.output];
    if (values.every(Number.isFinite)) return values;
    throw new BundleError(
      `Expected finite numbers of \`${this.name}\`. Received: NaN or infinity; the numbers it was given ` +
        "may be too large",
      this.name,
    );
  }
}

function failed(file, what, error) {
  const reason = String(error?.message ?? error).split("\n")[0].slice(0, 200);
  return new BundleError(`Expected \`${file}\` to ${what} in onnxruntime-web. Received: an error (${reason})`, file);
}

function requireValues(file, kind, found, wanted) {
  const said = (values) => values.map(({ name, type, shape }) => `${name} ${type} [${shape}]`).join(", ");
  const rows = found.map(({ name, type, shape }) => ({ name, type, shape: shape?.slice(1) }));
  if (said(rows) !== said(wanted)) {
    throw new BundleError(
      `Expected the ${kind} of \`${file}\` as in the manifest, ${said(wanted)} behind the batch. ` +
        `Received: ${said(rows)}`,
      file,
    );
  }
}

/** The encoder of a bundle, and its decoder where it has one. */
export class Encoder {
  /**
   * @param {import("./manifest.js").Manifest} manifest
   * @param {Half} encoder
   * @param {Half | null} decoder
   */
  constructor(manifest, encoder, decoder) {
    this.inputShape = manifest.input.shape;
    this.inputSize = product(this.inputShape);
    this.codeSize = product(manifest.output.shape);
    this.chunkRows = Math.max(1, Math.floor(CHUNK_VALUES / Math.max(this.inputSize, this.codeSize)));
    this.units = manifest.output.shape.at(-1);
    this.positions = this.codeSize / this.units;
    this.threshold = manifest.threshold;
    this.encoder = encoder;
    this.decoder = decoder;
  }

  /**
   * Codes of rows.
   *
   * @param {Float32Array} rows
   * @param {(done: number) => boolean | void} [progress] Told how many rows are done, after each chunk;
   *   if it returns false, that is the end.
   * @returns {Promise<Float32Array | null>} `null` if it was ended.
   */
  async encode(rows, progress = () => {}) {
    const count = rows.length / this.inputSize;
    const codes = new Float32Array(count * this.codeSize);
    for (let start = 0; start < count; start += this.chunkRows) {
      const end = Math.min(start + this.chunkRows, count);
      const part = rows.subarray(start * this.inputSize, end * this.inputSize);
      codes.set(await this.encoder.first(part, end - start), start * this.codeSize);
      if (progress(end) === false) return null;
      await pause();
    }
    return codes;
  }

  /**
   * The code of one row, without delay.
   *
   * @param {Float32Array} row
   * @returns {Promise<Float32Array>}
   */
  async encodeRow(row) {
    return this.encoder.first(row, 1);
  }

  /**
   * Rows from codes.
   *
   * @param {Float32Array} codes
   * @returns {Promise<Float32Array>}
   */
  async decode(codes) {
    return this.decoder.first(codes, codes.length / this.codeSize);
  }
}
