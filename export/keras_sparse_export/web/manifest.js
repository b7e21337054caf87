/**
 * The manifest of a bundle: read with bounds, and held to its format, its schema and itself.
 *
 * export/README.md, "What a reader checks", is what this follows.
 *
 * @typedef {{[key: string]: any}} Manifest
 */

import { BundleError } from "./errors.js";
import { fault } from "./schema.js";

const FORMAT = 1;
const MANIFEST = "manifest.json";
const MAX_MANIFEST_BYTES = 16 * 2 ** 20;
const MAX_ROW_VALUES = 2 ** 24;
const MAX_BYTES = 512 * 2 ** 20; // of all files; a page holds them in memory together

/**
 * @param {import("./bundle.js").Source} source
 * @param {import("./schema.js").Schema} schema Of `manifest.schema.json`.
 * @returns {Promise<Manifest>}
 * @throws {BundleError} If there is none, or none that this page may trust.
 */
export async function readManifest(source, schema) {
  const manifest = await parsedManifest(source);
  const found = manifest?.format;
  if (found !== FORMAT) {
    throw new BundleError(
      `Expected a bundle of format ${FORMAT}. Received: format ${JSON.stringify(found)?.slice(0, 80)}. ` +
        "Remedy: the page of a version of keras-sparse-export that knows it",
      MANIFEST,
    );
  }
  const wrong = fault(manifest, schema);
  if (wrong !== null) throw new BundleError(`${wrong}, in \`${MANIFEST}\``, MANIFEST);
  requireConsistent(manifest);
  return manifest;
}

/**
 * What lies there as a manifest, checked for nothing but being JSON.
 *
 * @param {import("./bundle.js").Source} source
 * @returns {Promise<any>}
 */
export async function parsedManifest(source) {
  const bytes = await source.read(MANIFEST, MAX_MANIFEST_BYTES);
  if (bytes === null) {
    throw new BundleError(`Expected a bundle, a folder with a ${MANIFEST}. Received: none`, MANIFEST);
  }
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new BundleError(`Expected \`${MANIFEST}\` of 16 MiB at most. Received: more`, MANIFEST);
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new BundleError(`Expected JSON in \`${MANIFEST}\`. Received: something else`, MANIFEST);
  }
}

/** What no schema can say: whether the parts of a manifest agree. */
function requireConsistent(manifest) {
  const { input, output, files, parity, top_k: top } = manifest;
  const total = Object.values(files).reduce((sum, { size }) => sum + size, 0);
  expect(product(input.shape) <= MAX_ROW_VALUES, "2²⁴ numbers at most", "input.shape");
  expect(product(output.shape) <= MAX_ROW_VALUES, "2²⁴ numbers at most", "output.shape");
  expect(total <= MAX_BYTES, "512 MiB at most, all together", "files");
  for (const [name, shape] of Object.entries(goldenShapes(manifest))) {
    const size = 4 * product(shape);
    expect(Object.hasOwn(files, name) && files[name].size === size, `${size} bytes`, `files.${name}`);
  }
  const decodes = Object.hasOwn(files, "decoder.onnx");
  expect(Object.hasOwn(parity, "decoder") === decodes, "`decoder` as in `files`", "parity");
  expect(top === null || top.k <= output.shape.at(-1), "the number of units at most", "top_k.k");
  requireInt8(manifest);
}

function requireInt8({ int8, files, golden }) {
  const kept = int8 !== null && int8.kept;
  expect(Object.hasOwn(files, "encoder.int8.onnx") === kept, "`encoder.int8.onnx` as in `files`", "int8");
  if (!kept) return;
  const known = typeof int8.golden_tolerance === "number";
  expect(known || golden.rows === 0, "a number", "int8.golden_tolerance");
}

function expect(holds, expected, place) {
  if (holds) return;
  throw new BundleError(
    `Expected ${expected} as \`${place}\` in \`${MANIFEST}\`. Received: something else`,
    MANIFEST,
  );
}

/**
 * Of each golden file that a bundle has: its shape, the rows first.
 *
 * @param {Manifest} manifest
 * @returns {{[name: string]: number[]}}
 */
export function goldenShapes({ input, output, golden: { rows }, files, top_k: top }) {
  if (rows === 0) return {};
  const [x, code] = [input.shape, output.shape].map((shape) => [rows, ...shape]);
  const shapes = { "golden_x.f32": x, "golden_code.f32": code };
  if (Object.hasOwn(files, "decoder.onnx")) shapes["golden_x_hat.f32"] = x;
  if (Object.hasOwn(files, "encoder.int8.onnx")) shapes["golden_code.int8.f32"] = code;
  if (top !== null) {
    const best = [...code.slice(0, -1), top.k];
    Object.assign(shapes, { "golden_values.f32": best, "golden_indices.i32": best });
  }
  return shapes;
}

/**
 * @param {number[]} shape
 * @returns {number} How many numbers.
 */
export function product(shape) {
  return shape.reduce((size, axis) => size * axis, 1);
}
