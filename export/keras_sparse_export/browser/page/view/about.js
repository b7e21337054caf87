/** Shows a bundle: its inputs and outputs, its origin and its verification. */

import { extent, formatCount, formatError, formatLengths, formatNumber, formatShape, product } from "../base/numbers.js";
import { describeActivity, findActivity } from "../model/activity.js";
import { byId, createElement, setDefinitions, setText, setTextWithCode } from "./dom.js";

const MISSING_VALUES = {
  mean: "may be in rows; each counts as the mean of its column",
  mask: "may be in rows; the encoder reads which entries there are",
};

/** @param {import("../reading/manifest.js").Manifest} manifest */
export function showBundle(manifest) {
  const { positions, units } = computeSizes(manifest);
  const most = manifest.lengths ? "Up to " : "";
  setText(
    "summary",
    `${most}${describeRow(manifest)} in, ${formatCount(units, "unit")} out` +
      `${positions > 1 ? ` at each of ${most.toLowerCase()}${positions} positions` : ""}. ` +
      "It runs in this page; nothing you enter leaves it.",
  );
  setDefinitions("about", listFacts(manifest));
}

function describeRow({ input, windows }) {
  if (!windows) return formatShape(input.shape);
  const { window, channels } = windows;
  return formatCount(window, "sample") + (channels > 1 ? ` of ${formatCount(channels, "channel")}` : "");
}

function computeSizes({ output: { shape } }) {
  const units = shape.at(-1);
  return { units, positions: product(shape) / units };
}

function listFacts(manifest) {
  const { input, lengths, output, versions, parity, statistics, top_k: top } = manifest;
  const { backend, ...packages } = versions;
  const rows = [
    ["Input", `${formatLengths(lengths?.least ?? input.shape, input.shape)}, raw rows; the encoder scales them`],
    ...(manifest.inputs ?? []).map((each) => describeInput(each, lengths?.least)),
    ["Code", `(${output.shape.join(", ")})`],
    ["Active", describeActivity(findActivity(manifest))],
  ];
  if (manifest.windows) rows.push(["Windows", describeWindows(manifest.windows)]);
  if (manifest.score) rows.push(["Score", manifest.score.alarm?.assumes ?? "of each row, without a threshold"]);
  if (manifest.missing) rows.push(["Gaps", MISSING_VALUES[manifest.missing]]);
  if (manifest.thresholds) rows.push(["Thresholds", manifest.thresholds.map(describeGate).join(", then ")]);
  if (top !== null) rows.push(["Largest codes", `${top.k} as values and indices, ${top.bytes_per_row} bytes per row`]);
  if (statistics !== null) {
    rows.push([
      "Sample",
      `${formatNumber(statistics.l0)} active units per row on average over ${formatCount(statistics.rows, "row")}; ` +
        `${formatCount(statistics.dead_units, "unit")} never active`,
    ]);
  }
  rows.push(
    ["ONNX", `opset ${manifest.opset}, IR ${manifest.ir_version}, by ${manifest.converter}`],
    ["onnxruntime", `${manifest.min_onnxruntime} or newer`],
    ["Parity at export", `largest |Δ| ${formatError(parity.encoder.max_abs_error)} from Keras on ${backend}`],
    ["Versions", Object.entries(packages).map(([name, version]) => `${name} ${version}`).join(", ")],
    ...Object.entries(manifest.files).map(([name, { size }]) => [name, formatBytes(size)]),
  );
  return rows;
}

function describeInput({ name, shape, whole }, least = shape) {
  const numbers = whole === null ? "numbers" : `whole numbers from ${whole[0]} to ${whole[1]}`;
  return [`Input ${name}`, `${formatLengths(least, shape)}, ${numbers}`];
}

function describeWindows({ window, hop, sampling_rate: rate, channels }) {
  const speed = rate === null ? "a rate that is unknown" : `${rate.toLocaleString("en")} a second`;
  return `${formatCount(window, "sample")} of ${formatCount(channels, "channel")}, one every ${formatCount(hop, "sample")}, at ${speed}`;
}

function describeGate({ values }) {
  const { low, high } = extent(values, { low: Infinity, high: -Infinity });
  return low === high ? formatNumber(low) : `${formatNumber(low)} to ${formatNumber(high)}, per unit`;
}

function formatBytes(size) {
  return size < 1024 ? `${size} bytes` : size < 2 ** 20 ? `${formatNumber(size / 1024)} KiB` : `${formatNumber(size / 2 ** 20)} MiB`;
}

/** @param {string} line A check that passed. */
export function addCheck(line) {
  byId("checks").append(createElement("li", { textContent: line }));
}

/** @param {boolean} compared Whether golden rows were compared. */
export function showPassed(compared) {
  byId("trust").className = "passed";
  setText(
    "trust-status",
    compared
      ? "Verified: files are intact and outputs match the golden rows."
      : "Files are intact. The bundle has no golden rows to compare outputs with.",
  );
}

/** @param {Error} error Why the bundle cannot be run. */
export function showFailure(error) {
  byId("trust").className = "failed";
  setText("trust-status", error.file ? `Verification failed: ${error.file}.` : "Verification failed.");
  setTextWithCode("failure", `${error.message}.`);
}
