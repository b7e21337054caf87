/**
 * What no schema can say of a manifest: whether its parts agree.
 *
 * @typedef {import("./manifest.js").Manifest} Manifest
 */

import { BundleError } from "./errors.js";
import { product } from "./numbers.js";

const MAX_ROW_VALUES = 2 ** 24;
const MAX_BYTES = 512 * 2 ** 20; // of all files; a page holds them in memory together
const PER_UNIT = [
  ...["mean_activation", "activation_std", "activation_skewness"],
  ...["active_share", "active_std", "active_skewness"],
];
const PER_BATCH_SIZE = ["thresholds", "spread_weights", "total_weights"];

/**
 * @param {Manifest} manifest As its schema has it.
 * @throws {BundleError} If the parts do not agree.
 */
export function requireConsistent(manifest) {
  const { input, output, files, parity, top_k: top, statistics } = manifest;
  const units = output.shape.at(-1);
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
  expect(top === null || top.k <= units, "the number of units at most", "top_k.k");
  if (statistics !== null) requireStatistics(statistics, units);
  requireInt8(manifest);
}

function requireStatistics(statistics, units) {
  for (const name of PER_UNIT) {
    expect(statistics[name].length === units, `${units} numbers`, `statistics.${name}`);
  }
  if (statistics.drift === null) return;
  const sizes = statistics.drift.batch_sizes;
  const grow = sizes.every((size, place) => place === 0 || sizes[place - 1] < size);
  const few = 2 * sizes.at(-1) <= statistics.rows;
  expect(grow && few, "sizes that grow, to half the rows", "statistics.drift.batch_sizes");
  for (const name of PER_BATCH_SIZE) {
    const many = statistics.drift[name].length;
    expect(many === sizes.length, `${sizes.length} numbers`, `statistics.drift.${name}`);
  }
}

function requireInt8({ int8, files, golden }) {
  const kept = int8 !== null && int8.kept;
  expect(Object.hasOwn(files, "encoder.int8.onnx") === kept, "`encoder.int8.onnx` as in `files`", "int8");
  if (!kept) return;
  expect(Object.hasOwn(int8.report, int8.method ?? ""), "a method in the report", "int8.method");
  const known = typeof int8.golden_tolerance === "number";
  expect(known || golden.rows === 0, "a number", "int8.golden_tolerance");
}

function expect(holds, expected, place) {
  if (holds) return;
  throw new BundleError(
    `Expected ${expected} as \`${place}\` in \`manifest.json\`. Received: something else`,
    "manifest.json",
  );
}

/** Of each golden file that a bundle has: its shape, the rows first. */
function goldenShapes({ input, output, golden: { rows }, files, top_k: top }) {
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
