/** What the page says of a bundle: what it takes and gives, where it comes from, how it was checked. */

import { brief, counted, errorText, product, shapeText } from "./numbers.js";
import { byId, define, element, say, sayWithNames } from "./page.js";

/** @param {import("./manifest.js").Manifest} manifest */
export function showBundle(manifest) {
  const { positions, units } = sizes(manifest);
  say(
    "summary",
    `${shapeText(manifest.input.shape)} in, ${counted(units, "unit")} out` +
      `${positions > 1 ? ` at each of ${positions} positions` : ""}. ` +
      "It runs in this page; nothing you enter leaves it.",
  );
  define("about", facts(manifest));
}

function sizes({ output: { shape } }) {
  const units = shape.at(-1);
  return { units, positions: product(shape) / units };
}

function facts(manifest) {
  const { input, output, threshold, versions, parity, statistics, top_k: top } = manifest;
  const { backend, ...packages } = versions;
  const rows = [
    ["Input", `(${input.shape.join(", ")}), raw rows: scaling is inside`],
    ["Code", `(${output.shape.join(", ")})`],
    ["Active", `where the code exceeds τ = ${brief(threshold)}`],
  ];
  if (top !== null) rows.push(["Largest codes", `${top.k} as values and indices, ${top.bytes_per_row} bytes a row`]);
  if (statistics !== null) {
    rows.push([
      "Of its sample",
      `${brief(statistics.l0)} units active per row over ${counted(statistics.rows, "row")}, ` +
        `${counted(statistics.dead_units, "unit")} never`,
    ]);
  }
  rows.push(
    ["ONNX", `opset ${manifest.opset}, IR ${manifest.ir_version}, by ${manifest.converter}`],
    ["onnxruntime", `${manifest.min_onnxruntime} or newer`],
    ["At the export", `|Δ| ${errorText(parity.encoder.max_abs_error)} from Keras on ${backend}`],
    ["Versions", Object.entries(packages).map(([name, version]) => `${name} ${version}`).join(", ")],
    ...Object.entries(manifest.files).map(([name, { size }]) => [name, bytesText(size)]),
  );
  return rows;
}

function bytesText(size) {
  return size < 1024 ? `${size} bytes` : size < 2 ** 20 ? `${brief(size / 1024)} KiB` : `${brief(size / 2 ** 20)} MiB`;
}

/** @param {string} line What has passed. */
export function addCheck(line) {
  byId("checks").append(element("li", { textContent: line }));
}

/** @param {boolean} compared Whether there were golden rows to compare with. */
export function showPassed(compared) {
  byId("trust").className = "passed";
  say("trust-status", compared ? "Whole, and it answers as it should." : "Whole. Its answers could not be compared.");
}

/** @param {Error} error Why the bundle is not run. */
export function showRefusal(error) {
  byId("trust").className = "failed";
  say("trust-status", error.file ? `Not run, because of ${error.file}.` : "Not run.");
  sayWithNames("refusal", `${error.message}.`);
}
