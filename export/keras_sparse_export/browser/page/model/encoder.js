/**
 * Encodes, scores and decodes rows.
 *
 * @typedef {import("./onnx_model.js").OnnxModel} OnnxModel
 * @typedef {{codes: Float32Array, scores: Float32Array | null}} Encoded `scores` has one number for each row;
 *   null for a bundle without scores.
 */

import { BundleError } from "../base/errors.js";
import { product } from "../base/numbers.js";
import { pause } from "../base/latest.js";
import { findActivity } from "./activity.js";
import { computeErrors, summarizeErrors } from "./codes.js";
import { cut, findThreshold } from "./sparsity.js";
import { findRowShape, findSizes, listInputs, requireWhole } from "./inputs.js";

const CHUNK_VALUES = 2 ** 18; // in a chunk of rows and their codes: small enough to keep the page responsive

/** The encoder of a bundle, with its decoder and its scores if it has some. */
export class Encoder {
  /**
   * @param {import("../reading/manifest.js").Manifest} manifest
   * @param {OnnxModel} encoder
   * @param {OnnxModel | null} decoder Left out if it reconstructs features: the page shows rows.
   * @param {OnnxModel | null} [scorer] Gives code and score of a row in one run.
   */
  constructor(manifest, encoder, decoder, scorer = null) {
    this.inputs = listInputs(manifest);
    this.inputShape = manifest.input.shape;
    this.inputSize = product(this.inputShape); // of the greatest rows, if some may be shorter
    this.sizes = findSizes(this.inputs);
    this.columns = manifest.columns ?? null;
    const ofRows = manifest.features === undefined; // else scaling and decoder are those of a front end's features
    this.offset = (ofRows && manifest.offset) || null;
    this.scale = (ofRows && manifest.scale) || null;
    this.scaled = manifest.scale !== undefined; // whether errors are in the space of the loss
    this.categories = new Map(Object.entries(manifest.categories ?? {}));
    this.codeSize = product(manifest.output.shape);
    this.chunkRows = Math.max(1, Math.floor(CHUNK_VALUES / Math.max(this.inputSize, this.codeSize)));
    this.units = manifest.output.shape.at(-1);
    this.positions = this.codeSize / this.units;
    this.ownActivity = this.activity = findActivity(manifest);
    this.calibration = manifest.calibration ?? null;
    this.gaps = Object.hasOwn(manifest, "missing"); // whether rows may have some, which are NaN
    this.raised = null;
    this.encoder = encoder;
    this.decoder = ofRows ? decoder : null;
    this.scorer = scorer;
    this.alarm = manifest.score?.alarm ?? null;
    this.cut = manifest.windows ?? null; // how a recording is cut into rows
  }

  /**
   * Lowers the mean number of active units from now on; null for the bundle's own.
   *
   * @param {number | null} l0 Within the calibration of the bundle.
   */
  lowerL0(l0) {
    this.raised = l0 === null ? null : findThreshold(this.calibration, l0);
    const threshold = Math.max(this.ownActivity.threshold, this.raised ?? -Infinity);
    this.activity = { ...this.ownActivity, threshold };
  }

  /**
   * Encodes rows in chunks, and scores them if the bundle has scores.
   *
   * @param {Float32Array} rows All of one length.
   * @param {(done: number) => boolean | void} [progress] Called after each chunk with the number
   *   of rows done; returning false cancels.
   * @param {number} [size] Numbers in a row, one of `sizes`.
   * @returns {Promise<Encoded | null>} Of shorter rows codes of perhaps fewer positions; `null` if cancelled.
   */
  async encode(rows, progress = () => {}, size = this.inputSize) {
    const count = rows.length / size;
    const { raised } = this;
    const scores = this.scorer === null ? null : new Float32Array(count);
    let codes = null;
    for (let start = 0; start < count; start += this.chunkRows) {
      const end = Math.min(start + this.chunkRows, count);
      const part = await this.#encodePart(rows.subarray(start * size, end * size), end - start, raised);
      const codeSize = part.codes.length / (end - start);
      codes ??= new Float32Array(count * codeSize);
      codes.set(part.codes, start * codeSize);
      scores?.set(part.scores, start);
      if (progress(end) === false) return null;
      await pause();
    }
    return { codes, scores };
  }

  /**
   * Encodes one row, and scores it if the bundle has scores, without yielding to events.
   *
   * @param {Float32Array} row
   * @returns {Promise<Encoded>}
   */
  async encodeRow(row) {
    return this.#encodePart(row, 1, this.raised);
  }

  /**
   * Decodes codes in chunks and summarizes the errors of each row.
   *
   * @param {Float32Array} rows
   * @param {Float32Array} codes Their codes.
   * @param {(done: number) => boolean | void} [progress] As in `encode`.
   * @returns {Promise<{mean: number, largest: number, place: number}[] | null>} `null` if cancelled.
   */
  async measureErrors(rows, codes, progress = () => {}) {
    const count = rows.length / this.inputSize;
    const summaries = [];
    for (let start = 0; start < count; start += this.chunkRows) {
      const end = Math.min(start + this.chunkRows, count);
      const decoded = await this.decode(codes.subarray(start * this.codeSize, end * this.codeSize));
      for (let row = start; row < end; row += 1) {
        const part = (values, first) => values.subarray((row - first) * this.inputSize, (row - first + 1) * this.inputSize);
        summaries.push(summarizeErrors(computeErrors(part(rows, 0), part(decoded, start), this.scale)));
      }
      if (progress(end) === false) return null;
      await pause();
    }
    return summaries;
  }

  async #encodePart(rows, count, raised) {
    requireWhole(this.inputs, rows, count);
    const model = this.scorer ?? this.encoder;
    const { code: codes, score: scores = null } = await model.compute(rows, count);
    const size = codes.length / count;
    if (size > this.codeSize || size % this.units !== 0) {
      throw new BundleError(
        `Expected codes of ${this.codeSize} numbers at most from \`${model.name}\`, ${this.units} at each ` +
          `position. Received: ${size}`,
        model.name,
      );
    }
    return { codes: raised === null ? codes : cut(codes, raised), scores };
  }

  /**
   * @param {number} size Numbers in a row.
   * @returns {number[]} Shape of the row.
   */
  findRowShape(size) {
    return this.inputs.length === 1 ? findRowShape(this.inputs[0], size) : this.inputShape;
  }

  /**
   * Decodes codes.
   *
   * @param {Float32Array} codes
   * @returns {Promise<Float32Array>}
   */
  async decode(codes) {
    return this.decoder.first(codes, codes.length / this.codeSize);
  }
}
