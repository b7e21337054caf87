/**
 * Runs encoder and decoder in onnxruntime-web.
 *
 * @typedef {{name: string, type: string, shape: number[]}} Value `shape` is the shape of one row.
 * @typedef {{[name: string]: Float32Array | Int32Array}} Results
 */

import { BundleError } from "../base/errors.js";
import { product } from "../base/numbers.js";
import { pause } from "../base/latest.js";
import { findActivity } from "./activity.js";
import { computeErrors, summarizeErrors } from "./codes.js";
import { cut, findThreshold } from "./sparsity.js";
import { createTensors, findRowShape, findSizes, listInputs, nameDimensions, requireWhole } from "./inputs.js";
import { isLarge, OverflowChecker } from "./overflow.js";

const CHUNK_VALUES = 2 ** 18; // in a chunk of rows and their codes: small enough to keep the page responsive

/** An ONNX file that was opened, with the inputs and outputs of the manifest. */
export class OnnxModel {
  /**
   * @param {any} ort onnxruntime-web.
   * @param {string} name Of the file.
   * @param {Uint8Array} bytes
   * @param {import("./inputs.js").Input[]} inputs
   * @param {Value[]} outputs
   * @returns {Promise<OnnxModel>}
   */
  static async open(ort, name, bytes, inputs, outputs) {
    let session;
    try {
      session = await ort.InferenceSession.create(bytes, {
        executionProviders: ["wasm"],
        logSeverityLevel: 3,
      });
    } catch (error) {
      throw runtimeError(name, "load", error);
    }
    const named = inputs.map((input) => ({ ...input, shape: nameDimensions(input) }));
    const free = inputs.some(({ least }) => least !== undefined);
    const { inputMetadata, outputMetadata } = session;
    requireValues(name, "inputs", inputMetadata, named);
    requireValues(name, "outputs", outputMetadata, free ? keepNames(outputs, outputMetadata) : outputs);
    const model = new OnnxModel(ort, name, session, inputs, outputs[0].name);
    model.openChecker = () => OverflowChecker.open(ort, bytes, inputs);
    return model;
  }

  constructor(ort, name, session, inputs, output) {
    this.ort = ort;
    this.name = name;
    this.session = session;
    this.inputs = inputs;
    this.output = output;
    this.idle = Promise.resolve();
    this.openChecker = null;
    this.checker = null;
  }

  /**
   * Computes all outputs for `count` rows in one call.
   *
   * @param {Float32Array} rows
   * @param {number} count
   * @returns {Promise<Results>}
   */
  run(rows, count) {
    const tensors = createTensors(this.ort, this.inputs, rows, count);
    // One call at a time: a session raises if it is called while it runs.
    const results = this.idle.then(() => this.session.run(tensors));
    this.idle = results.catch(() => {});
    return results.then(
      (outputs) => Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data])),
      (error) => {
        throw runtimeError(this.name, "run", error);
      },
    );
  }

  /**
   * Computes the first output for `count` rows.
   *
   * @param {Float32Array} rows
   * @param {number} count
   * @returns {Promise<Float32Array>}
   * @throws {BundleError} If it is not finite, or overflows on the way.
   */
  async first(rows, count) {
    const values = (await this.run(rows, count))[this.output];
    if (values.every(Number.isFinite) && !(await this.overflows(rows, count))) return values;
    throw new BundleError(
      `Expected finite numbers of \`${this.name}\`. Received: NaN or infinity; the ` +
        "input may be too large",
      this.name,
    );
  }

  /** Examines the large ones of finite rows. */
  async overflows(rows, count) {
    const size = rows.length / count;
    for (let start = 0; start < rows.length; start += size) {
      const row = rows.subarray(start, start + size);
      if (isLarge(row)) {
        const checker = await this.findChecker();
        const found = this.idle.then(() => checker.overflows(row));
        this.idle = found.catch(() => {});
        const overflows = await found.catch((error) => {
          throw runtimeError(this.name, "run", error);
        });
        if (overflows) return true;
      }
    }
    return false;
  }

  /** Opens the checker once; after an error, again at the next large row. */
  findChecker() {
    this.checker ??= this.openChecker().catch((error) => {
      this.checker = null;
      throw runtimeError(this.name, "load", error);
    });
    return this.checker;
  }
}

function runtimeError(file, action, error) {
  const reason = String(error?.message ?? error).split("\n")[0].slice(0, 200);
  return new BundleError(`Expected \`${file}\` to ${action} in onnxruntime-web. Received: an error (${reason})`, file);
}

function requireValues(file, kind, metadata, wanted) {
  const format = (values) => values.map(({ name, type, shape }) => `${name} ${type} [${shape}]`).join(", ");
  const actual = metadata.map(({ name, type, shape }) => ({ name, type, shape: shape?.slice(1) }));
  if (format(actual) !== format(wanted)) {
    throw new BundleError(
      `Expected the ${kind} of \`${file}\` as in the manifest, ${format(wanted)} after the batch axis. ` +
        `Received: ${format(actual)}`,
      file,
    );
  }
}

/** Values with the names of axes in a file, where they depend on the length of a row: golden rows tell their sizes. */
function keepNames(values, metadata) {
  return values.map((value, place) => {
    const named = metadata[place]?.shape?.slice(1) ?? [];
    return { ...value, shape: value.shape.map((size, axis) => (typeof named[axis] === "string" ? named[axis] : size)) };
  });
}

/** The encoder of a bundle, and its decoder if it has one. */
export class Encoder {
  /**
   * @param {import("../reading/manifest.js").Manifest} manifest
   * @param {OnnxModel} encoder
   * @param {OnnxModel | null} decoder Left out if it reconstructs features: the page shows rows.
   */
  constructor(manifest, encoder, decoder) {
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
   * Encodes rows in chunks.
   *
   * @param {Float32Array} rows All of one length.
   * @param {(done: number) => boolean | void} [progress] Called after each chunk with the number
   *   of rows done; returning false cancels.
   * @param {number} [size] Numbers in a row, one of `sizes`.
   * @returns {Promise<Float32Array | null>} Of shorter rows perhaps fewer positions; `null` if cancelled.
   */
  async encode(rows, progress = () => {}, size = this.inputSize) {
    const count = rows.length / size;
    const { raised } = this;
    let codes = null;
    for (let start = 0; start < count; start += this.chunkRows) {
      const end = Math.min(start + this.chunkRows, count);
      const part = await this.#encodePart(rows.subarray(start * size, end * size), end - start, raised);
      const codeSize = part.length / (end - start);
      codes ??= new Float32Array(count * codeSize);
      codes.set(part, start * codeSize);
      if (progress(end) === false) return null;
      await pause();
    }
    return codes;
  }

  /**
   * Encodes one row, without yielding to events.
   *
   * @param {Float32Array} row
   * @returns {Promise<Float32Array>}
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
    const codes = await this.encoder.first(rows, count);
    const size = codes.length / count;
    if (size > this.codeSize || size % this.units !== 0) {
      throw new BundleError(
        `Expected codes of ${this.codeSize} numbers at most from \`${this.encoder.name}\`, ${this.units} at each ` +
          `position. Received: ${size}`,
        this.encoder.name,
      );
    }
    return raised === null ? codes : cut(codes, raised);
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
