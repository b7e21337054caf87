/**
 * Connects the sources of rows: text, files, golden rows and drawing.
 *
 * @typedef {import("./workspace.js").Workspace} Workspace
 * @typedef {import("./workspace.js").Entry} Entry
 * @typedef {import("../base/numbers.js").Range} Range
 */

import { CsvError, findSize, formatStep, MAX_BYTES, parse } from "../base/csv.js";
import { Ink, Pad } from "./pad.js";
import { extent, formatCount, formatNumber } from "../base/numbers.js";
import { byId, createElement, setText } from "./dom.js";
import { findPictureSize } from "./picture.js";
import { coalesce } from "../base/latest.js";

/**
 * Finds the range of golden rows if they are real pictures.
 *
 * @param {import("../reading/verification.js").Golden} golden
 * @param {number[]} shape Of one row.
 * @returns {Range | null}
 */
export function findGoldenRange({ kind, rows }, shape) {
  if (kind !== "real" || findPictureSize(shape) === null) return null;
  const range = extent(rows, { low: Infinity, high: -Infinity });
  return range.low < range.high ? range : null;
}

/**
 * Connects the text area, the file input and dropped files.
 *
 * @param {{sizes: import("../model/inputs.js").Sizes, columns: string[] | null, categories: Map<string, string[]>}} form
 *   Of the encoder's rows.
 * @param {Workspace} workspace
 */
export function offerCsv(form, workspace) {
  const names = form.columns === null ? "" : "; with names above them, columns may come in any order";
  const gaps = form.gaps ? "; an empty cell is a gap" : "";
  setText("text-label", `Rows of ${formatSizes(form.sizes)}, one per line${names}${gaps}`);
  byId("csv").open = matchMedia("(min-width: 56rem)").matches || byId("draw").hidden;
  byId("encode").addEventListener("click", () => workspace.enter(() => read(byId("text").value, form, "the text")));
  byId("file").addEventListener("change", ({ target }) => {
    enterFile(target.files, form, workspace);
    target.value = ""; // so that the same file can be chosen again
  });
  offerDrop(form, workspace);
}

function formatSizes({ least, most, step }) {
  const numbers = formatCount(most, "number");
  return least === most ? numbers : `${least} to ${numbers}${formatStep(step)}, all of one length`;
}

function offerDrop(form, workspace) {
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) document.body.classList.remove("dropping");
  });
  addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    document.body.classList.remove("dropping");
    enterFile(event.dataTransfer.files, form, workspace);
  });
}

function enterFile([...files], form, workspace) {
  if (files.length > 0) workspace.enter(() => readFile(files, form));
}

async function readFile(files, form) {
  if (files.length > 1) throw new CsvError(`Expected one file. Received: ${files.length}`);
  const [file] = files;
  if (file.size > MAX_BYTES) throw new CsvError(`Expected a file of 32 MiB at most. Received: ${file.name}, larger`);
  const text = await file.text().catch(() => {
    throw new CsvError(`Expected a file. Received: ${file.name}, which cannot be read`);
  });
  return read(text, form, file.name);
}

function read(text, { sizes, columns, categories, gaps }, source) {
  const { rows, count } = parse(text, findSize(text, sizes), columns, gaps, categories);
  return { rows, count, source: `${formatCount(count, "row")} of ${source}` };
}

/**
 * Connects the golden rows, one or all.
 *
 * @param {import("../reading/verification.js").Golden} golden
 * @param {number} size
 * @param {Workspace} workspace
 */
export function offerGolden({ kind, rows }, size, workspace) {
  const count = rows.length / size;
  byId("examples").hidden = count === 0;
  if (count === 0) return;
  const from = kind === "real" ? "taken from the sample given at export" : "synthetic: random numbers";
  setText("golden-kind", `${formatCount(count, "golden row")} in the bundle, ${from}.`);
  const select = byId("golden");
  select.replaceChildren(
    createElement("option", { textContent: "–", value: "", hidden: true }),
    ...Array.from({ length: count }, (_, row) => createElement("option", { textContent: String(row + 1), value: row })),
  );
  select.addEventListener("change", () => workspace.enter(() => createGoldenEntry(rows, size, Number(select.value))));
  byId("golden-all").addEventListener("click", () => workspace.enter(() => ({ rows, count, source: "The golden rows" })));
}

/**
 * @param {Float32Array} rows
 * @param {number} size
 * @param {number} row
 * @returns {Entry}
 */
export function createGoldenEntry(rows, size, row) {
  const source = `Golden row ${row + 1}`;
  return { rows: rows.slice(row * size, (row + 1) * size), count: 1, source, golden: String(row) };
}

/**
 * Connects the control of the L0 if the bundle is calibrated for lower ones.
 *
 * @param {Workspace} workspace
 */
export function offerL0(workspace) {
  const levels = workspace.encoder.calibration?.l0 ?? [];
  byId("sparsity").hidden = levels.length < 2;
  if (levels.length < 2) return;
  const [most, least] = [levels[0], levels.at(-1)];
  const slider = byId("l0");
  Object.assign(slider, { min: least, max: most, step: "any", value: most });
  const show = () => {
    const own = Number(slider.value) === Number(slider.max);
    workspace.encoder.lowerL0(own ? null : Math.min(most, Math.max(least, Number(slider.value))));
    setText("l0-value", `${formatNumber(Number(slider.value))}${own ? ", the bundle's own" : ""}`);
  };
  show();
  slider.addEventListener("input", () => {
    show();
    workspace.again();
  });
}

/**
 * Creates the drawing pad if rows are pictures.
 *
 * @param {number[]} shape
 * @param {Range | null} range Range of real rows; null for 0 to 1.
 * @param {Workspace} workspace
 * @returns {Pad | null}
 */
export function offerPad(shape, range, workspace) {
  const size = findPictureSize(shape);
  byId("draw").hidden = size === null;
  if (size === null) return null;
  const whole = workspace.encoder.inputs[0].whole ?? null;
  const { low, high } = range ?? { low: whole?.[0] ?? 0, high: whole?.[1] ?? 1 };
  setText("draw-title", `Draw on ${size.rows} × ${size.columns} cells`);
  setText("draw-range", `Cell values run from ${formatNumber(low)} to ${formatNumber(high)}.`);
  const ink = new Ink(size, { low, high });
  const readCells = () => (whole === null ? ink.cells.slice() : ink.cells.map(Math.round));
  const changed = follow(workspace, () => ({ rows: readCells(), count: 1, source: "The drawing" }));
  const pad = new Pad(byId("pad"), ink, changed, (text) => setText("draw-status", text));
  byId("clear").addEventListener("click", () => {
    pad.clear();
    changed();
  });
  return pad;
}

/**
 * Enters a changing row again and again, as fast as it is encoded.
 *
 * All changes count as one entry, so that a change does not discard the row being encoded. The entry
 * ends when something else is entered.
 */
function follow(workspace, read) {
  let current = () => false;
  const enter = coalesce(() => workspace.enter(read, current));
  return () => {
    if (!current()) current = workspace.begin();
    enter();
  };
}
