/**
 * Checks what a schema cannot express: whether the parts of a manifest agree.
 *
 * @typedef {import("./manifest.js").Manifest} Manifest
 */

import { BundleError } from "../base/errors.js";
import { product } from "../base/numbers.js";
import { hasJumps } from "./thresholds.js";

const MAX_ROW_VALUES = 2 ** 24;
const MAX_BYTES = 512 * 2 ** 20; // of all files, which the page holds in memory together
const OUTPUTS = ["code", "values", "indices"]; // names that no input has
const PER_UNIT = [
  ...["mean_activation", "activation_std", "activation_skewness"],
  ...["active_share", "active_std", "active_skewness"],
];
const PER_BATCH_SIZE = ["thresholds", "spread_weights", "total_weights"];

/**
 * @param {Manifest} manifest
 * @returns {boolean} Whether rows may have gaps, which are NaN.
 */
export function admitsGaps({ requires = [] }) {
  return requires.includes("missing");
}

/**
 * @param {Manifest} manifest
 * @returns {{name: string, shape: number[]}} What the decoder reconstructs of a row, and its golden file: the row, or
 *   the features that a front end makes of it.
 */
export function findTarget({ input, features }) {
  if (features === undefined) return { name: "golden_x.f32", shape: input.shape };
  return { name: "golden_features.f32", shape: features.shape };
}

/**
 * @param {Manifest} manifest Valid under its schema.
 * @throws {BundleError} If the parts do not agree.
 */
export function requireConsistent(manifest) {
  const { input, output, files, parity, top_k: top, statistics } = manifest;
  const units = output.shape.at(-1);
  expect(manifest.format !== 1 || !Object.hasOwn(manifest, "requires"), "no such key in format 1", "requires");
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
  if (statistics !== null) requireStatistics(statistics, units, input.shape);
  const named = Object.hasOwn(manifest, "missing");
  expect(named === admitsGaps(manifest), "a key of the feature `missing`, present with it alone", "missing");
  requireInputs(manifest);
  requireLengths(manifest);
  requireColumns(manifest);
  requireFeaturesOfRows(manifest);
  requireScaling(manifest);
  requireCategories(manifest);
  requireThresholds(manifest, units);
  requireInt8(manifest);
  requireVariants(manifest);
  requireScore(manifest);
  requireWindows(manifest);
  requireInt8Score(manifest);
  requireRounding(manifest);
}

function requireStatistics(statistics, units, shape) {
  for (const name of PER_UNIT) {
    expect(statistics[name].length === units, `${units} numbers`, `statistics.${name}`);
  }
  for (const [name, { length }] of Object.entries(statistics.columns ?? {})) {
    expect(shape.length === 1 && length === shape[0], "one number for each of a row", `statistics.columns.${name}`);
  }
  if (statistics.drift === null) return;
  const sizes = statistics.drift.batch_sizes;
  const increasing = sizes.every((size, place) => place === 0 || sizes[place - 1] < size);
  const few = 2 * sizes.at(-1) <= statistics.rows;
  expect(increasing && few, "increasing sizes, up to half the rows", "statistics.drift.batch_sizes");
  for (const name of PER_BATCH_SIZE) {
    const { length } = statistics.drift[name];
    expect(length === sizes.length, `${sizes.length} numbers`, `statistics.drift.${name}`);
  }
}

function requireInputs({ inputs, input, requires }) {
  const required = requires?.includes("inputs") ?? false;
  expect((inputs !== undefined) === required, "a key of the feature `inputs`, present with it alone", "inputs");
  if (!required) return;
  const names = [...OUTPUTS, ...inputs.map(({ name }) => name)];
  expect(new Set(names).size === names.length, "different names, other than those of outputs", "inputs");
  const ordered = inputs.every(({ whole }) => whole === null || whole[0] <= whole[1]);
  expect(ordered, "ranges of whole numbers, the least first", "inputs");
  const size = inputs.reduce((sum, { shape }) => sum + product(shape), 0);
  expect(size <= MAX_ROW_VALUES, "2²⁴ numbers at most", "inputs");
  const shape = inputs.length === 1 ? inputs[0].shape : [size];
  const equal = shape.length === input.shape.length && shape.every((length, axis) => length === input.shape[axis]);
  expect(equal, `[${shape.join(", ")}]`, "input.shape");
}

function requireLengths({ lengths, input, inputs, columns, requires, files }) {
  const required = requires?.includes("lengths") ?? false;
  expect((lengths !== undefined) === required, "a key of the feature `lengths`, present with it alone", "lengths");
  if (!required) return;
  const { least } = lengths;
  const { shape } = input;
  const within = least.length === shape.length && least.every((length, axis) => length <= shape[axis]);
  const shorter = within && least.some((length, axis) => length < shape[axis]);
  expect(shorter, `a shape within [${shape.join(", ")}], shorter along some axis`, "lengths.least");
  const alone = (inputs === undefined || inputs.length === 1) && columns === undefined;
  expect(alone, "one input, without names of columns", "lengths");
  for (const file of ["decoder.onnx", "score.onnx", "encoder.tflite"]) {
    expect(!Object.hasOwn(files, file), `no \`${file}\` with the feature \`lengths\``, "files");
  }
}

function requireColumns({ columns, input, requires }) {
  const required = requires?.includes("columns") ?? false;
  expect((columns !== undefined) === required, "a key of the feature `columns`, present with it alone", "columns");
  if (!required) return;
  const { shape } = input;
  expect(shape.length === 1 && columns.length === shape[0], "one name for each number of a row", "columns");
  expect(new Set(columns).size === columns.length, "different names", "columns");
}

function requireFeaturesOfRows({ features, requires, files }) {
  const required = requires?.includes("features") ?? false;
  expect((features !== undefined) === required, "a key of the feature `features`, present with it alone", "features");
  if (!required) return;
  expect(product(features.shape) <= MAX_ROW_VALUES, "2²⁴ numbers at most", "features.shape");
  const used = Object.hasOwn(files, "decoder.onnx") || Object.hasOwn(files, "score.onnx");
  expect(used, "`decoder.onnx` or `score.onnx` with the feature `features`", "files");
  expect(!requires.includes("missing"), "no feature `missing` with the feature `features`", "requires");
}

function requireScaling(manifest) {
  const { offset, scale } = manifest;
  const together = Object.hasOwn(manifest, "offset") === Object.hasOwn(manifest, "scale");
  expect(together && (offset === null) === (scale === null), "as `offset`", "scale");
  if (!scale) return;
  const width = findTarget(manifest).shape.at(-1);
  expect(offset.length === width, `${width} numbers, one per column`, "offset");
  expect(scale.length === width, `${width} numbers, one per column`, "scale");
}

function requireCategories({ categories, columns, requires }) {
  const required = requires?.includes("categories") ?? false;
  const expected = "a key of the feature `categories`, present with it alone";
  expect((categories !== undefined) === required, expected, "categories");
  const known = new Set(columns ?? []);
  for (const [name, words] of Object.entries(categories ?? {})) {
    const wide = words.map((word) => `${name}=${word}`);
    const holds = !known.has(name) && wide.every((column) => known.has(column)) && new Set(wide).size === wide.length;
    expect(holds, "columns of 0 and 1 in `columns`, and none of the same name", "categories");
  }
}

function requireThresholds(manifest, units) {
  const { thresholds, calibration } = manifest;
  for (const name of ["thresholds", "calibration"]) {
    const present = Object.hasOwn(manifest, name);
    expect(present === hasJumps(manifest), "a key of the feature `thresholds`, present with it alone", name);
  }
  (thresholds ?? []).forEach(({ pass, operator, values }, index) => {
    const place = `thresholds[${index}]`;
    expect(pass === index + 1, String(index + 1), `${place}.pass`);
    const one = values.length === 1;
    expect(one || (operator === "Greater" && values.length === units), "one number, or one per unit", `${place}.values`);
    expect(values.every((value) => Math.fround(value) === value), "numbers of float32", `${place}.values`);
  });
  if (!calibration) return;
  expect(thresholds !== null, "null without thresholds", "calibration");
  requireCurve(calibration, thresholds.at(-1).values, units);
}

/** Checks the L0 at each of the thresholds, the lowest of which is that of the file. */
function requireCurve({ l0, threshold }, values, units) {
  const falls = l0.every((level, place) => (place === 0 ? level <= units : level < l0[place - 1]));
  expect(falls, "numbers that fall, from the number of units at most", "calibration.l0");
  const lowest = values.reduce((least, value) => Math.min(least, value), Infinity);
  const rises = threshold.every((value, place) => (place === 0 ? value >= lowest : value > threshold[place - 1]));
  const expected = `${l0.length} numbers that rise, from the threshold of the file`;
  expect(rises && threshold.length === l0.length, expected, "calibration.threshold");
}

function requireInt8({ int8, files, golden }) {
  const kept = int8 !== null && int8.kept;
  expect(Object.hasOwn(files, "encoder.int8.onnx") === kept, "`encoder.int8.onnx` as in `files`", "int8");
  if (!kept) return;
  expect(Object.hasOwn(int8.report, int8.method ?? ""), "a method in the report", "int8.method");
  const known = typeof int8.golden_tolerance === "number";
  expect(known || golden.rows === 0, "a number", "int8.golden_tolerance");
}

function requireVariants({ variants, requires, files }) {
  const required = requires?.includes("variants") ?? false;
  expect((variants !== undefined) === required, "a key of the feature `variants`, present with it alone", "variants");
  const named = (form) => Object.hasOwn(variants ?? {}, form);
  const listed = (file) => Object.hasOwn(files, file);
  expect(listed("encoder.float16.onnx") === named("float16"), "`encoder.float16.onnx` as in `files`", "variants");
  expect(listed("encoder.tflite") === named("litert"), "`encoder.tflite` as in `files`", "variants");
  const known = requires?.includes("litert") ?? false;
  expect(named("litert") === known, "a key of the feature `litert`, present with it alone", "variants.litert");
}

function requireScore(manifest) {
  const { score, requires, files, parity, inputs } = manifest;
  const required = requires?.includes("score") ?? false;
  expect((score !== undefined) === required, "a key of the feature `score`, present with it alone", "score");
  expect(Object.hasOwn(files, "score.onnx") === required, "`score.onnx` with the feature `score` alone", "files");
  expect(Object.hasOwn(parity, "score") === required, "`score` as in `files`", "parity");
  if (!required) return;
  expect(inputs === undefined || inputs.length === 1, "one input", "inputs");
  expect(Object.hasOwn(manifest, "scale"), "a scale, or null, with the feature `score`", "scale");
  if (score.alarm !== null) requireAlarm(score.alarm);
}

/** The page does not run `score.int8.onnx` either. */
function requireInt8Score({ int8, requires, files, golden }) {
  const has = Object.hasOwn(files, "score.int8.onnx");
  const kept = (requires?.includes("score") ?? false) && (int8?.kept ?? false);
  const expected = "a key beside `score.int8.onnx`, of an int8 that is kept, with the feature `score`";
  expect((int8?.score !== undefined) === has && (kept || !has), expected, "int8.score");
  if (!has) return;
  const { report, golden_tolerance: tolerance, alarm } = int8.score;
  expect(Object.hasOwn(report, int8.method), "the method of int8", "int8.score.report");
  expect(tolerance !== null || golden.rows === 0, "a number", "int8.score.golden_tolerance");
  if (alarm !== null) requireAlarm(alarm, "int8.score.alarm");
}

/** Whether rounding is stated of files that the bundle compares with Keras. */
function requireRounding({ rounding, requires, parity, features }) {
  const required = requires?.includes("rounding") ?? false;
  expect((rounding !== undefined) === required, "a key of the feature `rounding`, present with it alone", "rounding");
  const names = new Set(Object.keys(parity));
  if (features !== undefined && names.has("score")) names.add("features");
  const known = Object.keys(rounding ?? {}).every((name) => names.has(name));
  expect(known, "files that `parity` has, and `features` beside scores of these", "rounding");
}

function requireAlarm({ false_alarm_rate: rate, unit, units, rows, estimate }, place = "score.alarm") {
  expect(rate < 1, "less than 1", `${place}.false_alarm_rate`);
  expect(unit === "row" ? units === rows : units <= rows, "as many as `rows` or fewer", `${place}.units`);
  const shown = units >= 1 / rate - 1 - 1e-6;
  expect((estimate === null) === shown, "null if there are 1/α − 1 units, and only then", `${place}.estimate`);
  for (const name of estimate === null ? [] : ["thresholds", "rates"]) {
    const [low, high] = estimate[name];
    expect(low <= high, "the least first", `${place}.estimate.${name}`);
  }
}

function requireWindows({ windows, input, inputs, requires }) {
  const required = requires?.includes("windows") ?? false;
  expect((windows !== undefined) === required, "a key of the feature `windows`, present with it alone", "windows");
  if (!required) return;
  expect(inputs === undefined || inputs.length === 1, "one input", "inputs");
  const { window, channels } = windows;
  const shape = channels === 1 ? [window] : [window, channels];
  const equal = shape.length === input.shape.length && shape.every((length, axis) => length === input.shape[axis]);
  expect(equal, `[${shape.join(", ")}]`, "input.shape");
}

function expect(holds, expected, place) {
  if (holds) return;
  throw new BundleError(
    `Expected ${expected} as \`${place}\` in \`manifest.json\`. Received: something else`,
    "manifest.json",
  );
}

/** The shape of each golden file that the bundle has, rows first. */
function goldenShapes(manifest) {
  const { input, output, golden, files, top_k: top } = manifest;
  const { rows } = golden;
  if (rows === 0) return {};
  const target = findTarget(manifest);
  const reconstructed = [rows, ...target.shape];
  const [x, code] = [input.shape, output.shape].map((shape) => [rows, ...shape]);
  const shapes = { "golden_x.f32": x, "golden_code.f32": code, [target.name]: reconstructed };
  if (Object.hasOwn(files, "decoder.onnx")) shapes["golden_x_hat.f32"] = reconstructed;
  if (Object.hasOwn(files, "score.onnx")) shapes["golden_score.f32"] = [rows];
  if (Object.hasOwn(files, "score.int8.onnx")) shapes["golden_score.int8.f32"] = [rows];
  if (Object.hasOwn(files, "encoder.int8.onnx")) shapes["golden_code.int8.f32"] = code;
  if (Object.hasOwn(files, "encoder.float16.onnx")) shapes["golden_code.float16.f32"] = code;
  if (top !== null) {
    const best = [...code.slice(0, -1), top.k];
    Object.assign(shapes, { "golden_values.f32": best, "golden_indices.i32": best });
  }
  return shapes;
}
