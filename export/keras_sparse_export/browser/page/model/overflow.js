/**
 * Detects finite rows that overflow float32 inside a graph, as `onnx_file/overflow.py` does.
 *
 * An operator may turn an overflow into an ordinary code: ReLU maps -∞ to 0. So the graph is run
 * again with every intermediate result as an output.
 */

import { encode } from "../base/protobuf.js";
import { readFloats, readGraph } from "./graph.js";
import { createTensors } from "./inputs.js";

const SAFE_MAGNITUDE = 2 ** 44; // rows of smaller values are not examined
const MAX_FLOAT = 3.4028234663852886e38;
const [GRAPH, OUTPUT, NAME] = [7, 12, 1]; // field numbers of onnx.proto
// Infinity is the limit of their exact result.
const UNBOUNDED = new Set(["Acosh", "Atanh", "Cosh", "Exp", "Log", "Reciprocal", "Sinh", "Tan"]);
const SQUARING = new Set([
  "GroupNormalization",
  "InstanceNormalization",
  "LayerNormalization",
  "LpNormalization",
  "MeanVarianceNormalization",
  "ReduceL2",
]);

/**
 * @param {Float32Array} rows
 * @returns {boolean} Whether a value is so large that the rows have to be examined.
 */
export function isLarge(rows) {
  return rows.some((value) => Math.abs(value) > SAFE_MAGNITUDE);
}

/** Runs a graph with all results as outputs. */
export class OverflowChecker {
  /**
   * @param {any} ort onnxruntime-web.
   * @param {Uint8Array} bytes Of an ONNX file that onnxruntime-web has opened.
   * @param {import("./inputs.js").Input[]} inputs
   * @returns {Promise<OverflowChecker>}
   */
  static async open(ort, bytes, inputs) {
    const { nodes, outputs, constants } = readGraph(bytes);
    const added = nodes.flatMap((node) => node.outputs).filter((name) => name && !outputs.includes(name));
    // A message that is appended to another one of its type is merged into it.
    const message = added.flatMap((name) => encode(OUTPUT, encode(NAME, [...new TextEncoder().encode(name)])));
    const tail = encode(GRAPH, message);
    const whole = new Uint8Array(bytes.length + tail.length);
    whole.set(bytes);
    whole.set(tail, bytes.length);
    const session = await ort.InferenceSession.create(whole, {
      executionProviders: ["wasm"],
      graphOptimizationLevel: "disabled",
      logSeverityLevel: 4,
    });
    // A mask of -∞ gives results of -∞ without overflow.
    const infinite = [...constants.keys()].filter((name) => !isFiniteConstant(constants.get(name)));
    const checked = nodes.filter(({ inputs }) => !inputs.some((name) => infinite.includes(name)));
    return new OverflowChecker(ort, session, checked, inputs);
  }

  constructor(ort, session, nodes, inputs) {
    this.ort = ort;
    this.session = session;
    this.nodes = nodes;
    this.inputs = inputs;
  }

  /**
   * @param {Float32Array} row Finite.
   * @returns {Promise<boolean>} Whether a result is not finite where all that it depends on is.
   */
  async overflows(row) {
    const tensors = createTensors(this.ort, this.inputs, row, 1);
    const results = { ...(await this.session.run(tensors)), ...tensors };
    const floats = new Map(
      Object.entries(results)
        .filter(([, { data }]) => data instanceof Float32Array)
        .map(([name, { data }]) => [name, data]),
    );
    const isFinite = (name) => floats.get(name)?.every(Number.isFinite) ?? true;
    return this.nodes.some(({ operator, inputs, outputs }) => {
      const watched = inputs.filter((name) => floats.has(name));
      if (UNBOUNDED.has(operator) || !watched.length || !watched.every(isFinite)) return false;
      if (operator === "Div" && floats.get(inputs[1])?.includes(0)) return false;
      return !outputs.every(isFinite) || (SQUARING.has(operator) && overflowsSquared(floats.get(watched[0])));
    });
  }
}

function overflowsSquared(values) {
  const most = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  return most * most * values.length > MAX_FLOAT;
}

function isFiniteConstant(message) {
  return readFloats(message)?.every(Number.isFinite) ?? true;
}
