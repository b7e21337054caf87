/**
 * Runs one ONNX file in onnxruntime-web.
 *
 * @typedef {{name: string, type: string, shape: number[]}} Value `shape` is the shape of one row.
 * @typedef {{[name: string]: Float32Array | Int32Array}} Results
 */

import { BundleError } from "../base/errors.js";
import { createTensors, nameDimensions } from "./inputs.js";
import { isLarge, OverflowChecker } from "./overflow.js";

/** An ONNX file that was opened, with the inputs and outputs of the manifest. */
export class OnnxModel {
  /**
   * @param {any} ort onnxruntime-web.
   * @param {string} name Of the file.
   * @param {Uint8Array} bytes
   * @param {import("./inputs.js").Input[]} inputs
   * @param {Value[]} outputs
   * @param {boolean} [more] Whether the file may have further outputs, which are not read.
   * @returns {Promise<OnnxModel>}
   */
  static async open(ort, name, bytes, inputs, outputs, more = false) {
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
    const results = more ? selectNamed(outputMetadata, outputs) : outputMetadata;
    requireValues(name, "inputs", inputMetadata, named);
    requireValues(name, "outputs", results, free ? keepNames(outputs, results) : outputs);
    const model = new OnnxModel(ort, name, session, inputs, outputs.map((output) => output.name));
    model.openChecker = () => OverflowChecker.open(ort, bytes, inputs);
    return model;
  }

  constructor(ort, name, session, inputs, outputs) {
    this.ort = ort;
    this.name = name;
    this.session = session;
    this.inputs = inputs;
    this.outputs = outputs; // their names
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
    const results = this.idle.then(() => this.session.run(tensors, this.outputs));
    this.idle = results.catch(() => {});
    return results.then(
      (outputs) => Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data])),
      (error) => {
        throw runtimeError(this.name, "run", error);
      },
    );
  }

  /**
   * Computes all outputs for `count` rows.
   *
   * @param {Float32Array} rows
   * @param {number} count
   * @returns {Promise<Results>}
   * @throws {BundleError} If one is not finite, or overflows on the way.
   */
  async compute(rows, count) {
    const results = await this.run(rows, count);
    const finite = this.outputs.every((name) => results[name].every(Number.isFinite));
    if (finite && !(await this.overflows(rows, count))) return results;
    throw new BundleError(
      `Expected finite numbers of \`${this.name}\`. Received: NaN or infinity; the ` +
        "input may be too large",
      this.name,
    );
  }

  /** Computes the first output, as `compute` does. */
  async first(rows, count) {
    return (await this.compute(rows, count))[this.outputs[0]];
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

/** Of the outputs of a file, those with the names that are wanted, in this order. */
function selectNamed(metadata, outputs) {
  return outputs.flatMap(({ name }) => metadata.filter((each) => each.name === name));
}
