/**
 * Finds the gates of a graph, where a value jumps from zero when it exceeds a threshold θ.
 *
 * `ThresholdedRelu(z)` has one θ for all units. `Where(Greater(z, θ), z, 0)` may have one for each unit.
 *
 * @typedef {{operator: "ThresholdedRelu" | "Greater", values: Float32Array, givesCode: boolean}} Gate
 *   `values` are θ, one number or one per unit; `givesCode` says whether its result is the code.
 */

import { readFloatAttribute, readFloats, readGraph } from "./graph.js";

const CODE = "code"; // the output; a file of scores has others beside it
const DEFAULT_ALPHA = 1;
// They may follow the last gate, as they change no number.
const REARRANGING = new Set(["Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"]);

/**
 * @param {Uint8Array} bytes Of an ONNX file that onnxruntime-web has opened.
 * @returns {Gate[]} In the order of the nodes.
 */
export function findGates(bytes) {
  const { nodes, constants } = readGraph(bytes);
  const source = findSource(nodes, CODE);
  /** @type {Map<string, {z: string, values: Float32Array}>} */
  const masks = new Map();
  /** @type {Gate[]} */
  const gates = [];
  for (const node of nodes) {
    const [a, b, c] = node.inputs;
    const add = (operator, values) => gates.push({ operator, values, givesCode: node.outputs.includes(source) });
    if (node.operator === "ThresholdedRelu") {
      add("ThresholdedRelu", Float32Array.of(readFloatAttribute(node, "alpha", DEFAULT_ALPHA)));
    } else if (node.operator === "Greater") {
      const values = readFloats(constants.get(b));
      if (values !== null) masks.set(node.outputs[0], { z: a, values });
    } else if (node.operator === "Where" && masks.get(a)?.z === b) {
      const zeros = readFloats(constants.get(c));
      if (zeros?.every((value) => value === 0)) add("Greater", masks.get(a).values);
    }
  }
  return gates;
}

/** The result that an output takes its numbers from. */
function findSource(nodes, output) {
  const producers = new Map(nodes.map((node) => [node.outputs[0], node]));
  let name = output;
  while (REARRANGING.has(producers.get(name)?.operator)) name = producers.get(name).inputs[0];
  return name;
}
