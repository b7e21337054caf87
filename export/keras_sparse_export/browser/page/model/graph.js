/**
 * Reads the graph of an ONNX file that onnxruntime-web has opened.
 *
 * @typedef {{operator: string, inputs: string[], outputs: string[], attributes: Uint8Array[]}} Node
 * @typedef {{nodes: Node[], outputs: string[], constants: Map<string, Uint8Array>}} Graph
 *   `outputs` are names, and `constants` are messages by name.
 */

import { readFields } from "../base/protobuf.js";

const GRAPH = 7; // field numbers of onnx.proto
const [NODE, INITIALIZER, OUTPUT] = [1, 5, 12]; // of a graph
const [INPUTS, OUTPUTS, OPERATOR, ATTRIBUTE] = [1, 2, 4, 5]; // of a node
const [DATA_TYPE, FLOAT_DATA, NAME, RAW_DATA] = [2, 4, 8, 9]; // of a tensor
const FLOAT = 1;

/**
 * @param {Uint8Array} bytes Of the file.
 * @returns {Graph}
 */
export function readGraph(bytes) {
  /** @type {Graph} */
  const graph = { nodes: [], outputs: [], constants: new Map() };
  for (const [number, value] of readFields(select(bytes, GRAPH)[0])) {
    if (number === NODE) graph.nodes.push(readNode(value));
    if (number === INITIALIZER) graph.constants.set(readText(select(value, NAME)[0]), value);
    if (number === OUTPUT) graph.outputs.push(readText(select(value, 1)[0]));
  }
  return graph;
}

function readNode(message) {
  const fields = [...readFields(message)];
  const collect = (wanted) => fields.filter(([number]) => number === wanted).map(([, part]) => part);
  return {
    inputs: collect(INPUTS).map(readText),
    outputs: collect(OUTPUTS).map(readText),
    operator: readText(collect(OPERATOR)[0]),
    attributes: collect(ATTRIBUTE),
  };
}

/**
 * @param {Node} node
 * @param {string} name
 * @param {number} otherwise The value if the node has no such attribute.
 * @returns {number} An attribute of one float32.
 */
export function readFloatAttribute({ attributes }, name, otherwise) {
  const attribute = attributes.find((message) => readText(select(message, 1)[0]) === name);
  return attribute === undefined ? otherwise : toFloats(select(attribute, 2)[0])[0];
}

/**
 * @param {Uint8Array | undefined} message Of a constant.
 * @returns {Float32Array | null} Its numbers; null if they are not float32.
 */
export function readFloats(message) {
  if (message === undefined || select(message, DATA_TYPE)[0] !== FLOAT) return null;
  const parts = [...select(message, FLOAT_DATA), ...select(message, RAW_DATA)]; // only one of the two kinds
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let place = 0;
  for (const part of parts) {
    bytes.set(part, place);
    place += part.length;
  }
  return toFloats(bytes);
}

/** Little-endian, as WebAssembly's memory is. */
function toFloats(bytes) {
  return new Float32Array(new Uint8Array(bytes).buffer); // a copy: numbers start at multiples of 4 bytes
}

function select(message, wanted) {
  return [...readFields(message)].filter(([number]) => number === wanted).map(([, value]) => value);
}

function readText(bytes) {
  return new TextDecoder().decode(bytes);
}
