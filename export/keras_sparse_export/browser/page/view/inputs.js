/**
 * Connects the sources of rows: text, files, golden rows and drawing.
 *
 * @typedef {import("./workspace.js").Workspace} Workspace
 * @typedef {import("./workspace.js").Entry} Entry
 * @typedef {import("../base/numbers.js").Range} Range
 */

import { CsvError, findFirst, findSize, formatStep, MAX_BYTES, MAX_ROWS, MAX_SAMPLES, parse } from "../base/csv.js";
import { Ink, Pad } from "./pad.js";
import { readNpy } from "../base/npy.js";
import { extent, formatCount, formatNumber, product } from "../base/numbers.js";
import { RowError } from "../base/errors.js";
import { readWav } from "../signals/wav.js";
import { countTail, Windows } from "../signals/windows.js";
import { byId, createElement, setText } from "./dom.js";
import { findPicture } from "./picture.js";
import { coalesce } from "../base/latest.js";

const MAX_WAV_BYTES = 256 * 2 ** 20;

/**
 * Finds the range of golden rows if they are real pictures.
 *
 * @param {import("../reading/verification.js").Golden} golden
 * @param {import("../model/encoder.js").Encoder} encoder
 * @returns {Range | null}
 */
export function findGoldenRange({ kind, rows }, encoder) {
  if (kind !== "real" || findPicture(encoder) === null) return null;
  const range = extent(rows, { low: Infinity, high: -Infinity });
  return range.low < range.high ? range : null;
}

/**
 * Connects the text area, the file input and dropped files.
 *
 * @param {import("../model/encoder.js").Encoder} form Whose rows they are.
 * @param {Workspace} workspace
 */
export function offerFiles(form, workspace) {
  const names = form.columns === null ? "" : "; with names above them, columns may come in any order";
  const gaps = form.gaps ? "; an empty cell is a gap" : "";
  if (form.cut !== null) {
    setText("csv-title", "CSV or wav");
    setText("csv-note", `${describeRecordings(form.cut)} ${describeCut(form.cut)}`);
    setText("file-label", "Or choose a .wav, .csv or .npy, or drop a file anywhere on this page");
    byId("file").accept += ",.wav,audio/wav";
  }
  setText("text-label", `Rows of ${formatSizes(form.sizes)}, one per line${names}${gaps}`);
  byId("csv").open = matchMedia("(min-width: 56rem)").matches || byId("draw").hidden;
  byId("encode").addEventListener("click", () => workspace.enter(() => read(byId("text").value, form, "the text")));
  byId("file").addEventListener("change", ({ target }) => {
    enterFile(target.files, form, workspace);
    target.value = ""; // so that the same file can be chosen again
  });
  offerDrop(form, workspace);
}

function describeRecordings({ channels, sampling_rate: rate }) {
  const columns = channels === 1 ? "one column" : `${channels} columns, one per channel`;
  const form = rate === null ? "" : ` at ${rate.toLocaleString("en")} samples a second`;
  return `A recording is a .wav of ${formatCount(channels, "channel")}${form}, or a CSV or .npy of ${columns} with a sample in each line.`;
}

function describeCut({ window, hop, sampling_rate: rate }) {
  const lengths = [window, hop].map((samples) => formatCount(samples, "sample") + (rate ? `, ${formatNumber(samples / rate)} s` : ""));
  return `It is cut into windows of ${lengths[0]}, one every ${lengths[1]}.`;
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
  if (/\.wave?$/i.test(file.name)) return readRecording(file, form);
  if (/\.npy$/i.test(file.name)) return readArray(file, form);
  if (file.size > MAX_BYTES) throw new CsvError(`Expected a file of 32 MiB at most. Received: ${file.name}, larger`);
  const text = await file.text().catch(() => {
    throw new CsvError(`Expected a file. Received: ${file.name}, which cannot be read`);
  });
  return read(text, form, file.name);
}

async function readRecording(file, { cut }) {
  if (cut === null) {
    throw new RowError(
      `Expected rows as CSV. Received: ${file.name}, a recording. Remedy: a bundle exported with \`windows\`, which says ` +
        "how to cut it",
    );
  }
  return createRecordingEntry(readWav(await readBytes(file, MAX_WAV_BYTES), file.name), cut, file.name);
}

async function readBytes(file, most) {
  if (file.size > most) throw new RowError(`Expected a file of ${most / 2 ** 20} MiB at most. Received: ${file.name}, larger`);
  const content = await file.arrayBuffer().catch(() => {
    throw new RowError(`Expected a file. Received: ${file.name}, which cannot be read`);
  });
  return new Uint8Array(content);
}

/** Reads rows of a .npy, or the samples of a recording. */
async function readArray(file, { cut, gaps, inputSize }) {
  const { shape, values } = readNpy(await readBytes(file, MAX_BYTES), file.name);
  const [count = 0, ...row] = shape;
  const size = product(row);
  if (cut !== null && size === cut.channels && size !== inputSize) {
    const read = (start, end) => values.subarray(start * size, end * size);
    return createRecordingEntry({ channels: size, rate: null, frames: count, read }, cut, file.name);
  }
  if (count === 0 || size !== inputSize || count > MAX_ROWS) {
    const most = MAX_ROWS.toLocaleString("en");
    throw new RowError(`Expected 1 to ${most} rows of ${formatCount(inputSize, "number")} in ${file.name}. Received: (${shape.join(", ")})`);
  }
  const odd = values.findIndex((value) => !Number.isFinite(value) && !(gaps && Number.isNaN(value)));
  if (odd >= 0) {
    const row = 1 + Math.floor(odd / size);
    throw new RowError(`Expected finite numbers in ${file.name}. Received: ${values[odd]} in row ${row}`);
  }
  return { rows: values, count, source: `${formatCount(count, "row")} of ${file.name}` };
}

function read(text, { sizes, columns, categories, gaps, cut, inputSize }, source) {
  if (cut !== null && cut.channels !== inputSize && findFirst(text)?.width === cut.channels) return readSamples(text, cut, source);
  const { rows, count } = parse(text, findSize(text, sizes), columns, gaps, categories);
  return { rows, count, source: `${formatCount(count, "row")} of ${source}` };
}

/** Reads samples, one in each line. */
function readSamples(text, cut, source) {
  const { channels } = cut;
  const { rows, count } = parse(text, channels, null, false, new Map(), MAX_SAMPLES);
  const read = (start, end) => rows.subarray(start * channels, end * channels);
  return createRecordingEntry({ channels, rate: null, frames: count, read }, cut, source);
}

function createRecordingEntry(recording, cut, name) {
  const rows = new Windows(recording, cut);
  return { rows, count: rows.count, source: describeRecording(recording.frames, rows.count, cut, name), cut };
}

/** Names a recording and its windows, and tells what fills none. */
function describeRecording(frames, count, cut, name) {
  const { sampling_rate: rate } = cut;
  const format = (samples) => formatCount(samples, "sample") + (rate === null ? "" : ` (${formatNumber(samples / rate)} s)`);
  const tail = countTail(frames, cut);
  const rest = tail === 0 ? "" : `; the last ${format(tail)} fill no window`;
  return `${formatCount(count, "window")} of ${name}, ${format(frames)}${rest}`;
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
 * @param {Range | null} range Range of real rows; null for 0 to 1.
 * @param {Workspace} workspace
 * @returns {Pad | null}
 */
export function offerPad(range, workspace) {
  const size = findPicture(workspace.encoder);
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
