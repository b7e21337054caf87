/**
 * Where rows come from: a text, a file, the golden rows, a drawing.
 *
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {import("./desk.js").Entry} Entry
 * @typedef {import("./numbers.js").Range} Range
 */

import { CsvError, MAX_BYTES, parse } from "./csv.js";
import { Ink, Pad } from "./digit.js";
import { brief, counted, extent } from "./numbers.js";
import { byId, element, say } from "./page.js";
import { pictureSize } from "./picture.js";
import { latest } from "./turns.js";

/**
 * The range of golden rows that are real pictures; null of others.
 *
 * @param {import("./verification.js").Golden} golden
 * @param {number[]} shape Of one row.
 * @returns {Range | null}
 */
export function goldenRange({ kind, rows }, shape) {
  if (kind !== "real" || pictureSize(shape) === null) return null;
  const range = extent(rows, { low: Infinity, high: -Infinity });
  return range.low < range.high ? range : null;
}

/**
 * Text areas, files and drops.
 *
 * @param {number} size Numbers in a row.
 * @param {Desk} desk
 */
export function offerCsv(size, desk) {
  say("text-label", `Rows of ${counted(size, "number")}, one a line`);
  byId("csv").open = matchMedia("(min-width: 56rem)").matches || byId("draw").hidden;
  byId("encode").addEventListener("click", () => desk.enter(() => read(byId("text").value, size, "the text")));
  byId("file").addEventListener("change", ({ target }) => {
    enterFile(target.files, size, desk);
    target.value = ""; // so that the same file can be chosen again
  });
  offerDrop(size, desk);
}

function offerDrop(size, desk) {
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
    enterFile(event.dataTransfer.files, size, desk);
  });
}

function enterFile([...files], size, desk) {
  if (files.length > 0) desk.enter(() => readFile(files, size));
}

async function readFile(files, size) {
  if (files.length > 1) throw new CsvError(`Expected one file. Received: ${files.length}`);
  const [file] = files;
  if (file.size > MAX_BYTES) throw new CsvError(`Expected a file of 32 MiB at most. Received: ${file.name}, larger`);
  const text = await file.text().catch(() => {
    throw new CsvError(`Expected a file. Received: ${file.name}, which cannot be read`);
  });
  return read(text, size, file.name);
}

function read(text, size, source) {
  const { rows, count } = parse(text, size);
  return { rows, count, source: `${counted(count, "row")} of ${source}` };
}

/**
 * The golden rows, one or all.
 *
 * @param {import("./verification.js").Golden} golden
 * @param {number} size
 * @param {Desk} desk
 */
export function offerGolden({ kind, rows }, size, desk) {
  const count = rows.length / size;
  byId("examples").hidden = count === 0;
  if (count === 0) return;
  const from = kind === "real" ? "real ones, of the data shown at the export" : "synthetic: random numbers";
  say("golden-kind", `${counted(count, "row")} of the bundle, ${from}.`);
  const select = byId("golden");
  select.replaceChildren(
    element("option", { textContent: "–", value: "", hidden: true }),
    ...Array.from({ length: count }, (_, row) => element("option", { textContent: String(row + 1), value: row })),
  );
  select.addEventListener("change", () => desk.enter(() => goldenEntry(rows, size, Number(select.value))));
  byId("golden-all").addEventListener("click", () => desk.enter(() => ({ rows, count, source: "The golden rows" })));
}

/**
 * @param {Float32Array} rows
 * @param {number} size
 * @param {number} row
 * @returns {Entry}
 */
export function goldenEntry(rows, size, row) {
  const source = `Golden row ${row + 1}`;
  return { rows: rows.slice(row * size, (row + 1) * size), count: 1, source, golden: String(row) };
}

/**
 * A pad to draw on, where rows are pictures.
 *
 * @param {number[]} shape
 * @param {Range | null} range Of real rows; null for 0 to 1.
 * @param {Desk} desk
 * @returns {Pad | null}
 */
export function offerPad(shape, range, desk) {
  const size = pictureSize(shape);
  byId("draw").hidden = size === null;
  if (size === null) return null;
  const { low, high } = range ?? { low: 0, high: 1 };
  say("draw-title", `Draw on ${size.rows} × ${size.columns} cells`);
  say("draw-range", `Cells run from ${brief(low)} to ${brief(high)}.`);
  const ink = new Ink(size, { low, high });
  const changed = follow(desk, () => ({ rows: ink.cells.slice(), count: 1, source: "The drawing" }));
  const pad = new Pad(byId("pad"), ink, changed, (text) => say("draw-said", text));
  byId("clear").addEventListener("click", () => {
    pad.clear();
    changed();
  });
  return pad;
}

/**
 * Enters again and again what goes on changing, as fast as it is encoded.
 *
 * All changes share a turn, so that the next does not throw away the row that is being encoded; it
 * ends when something else is entered.
 */
function follow(desk, give) {
  let current = () => false;
  const enter = latest(() => desk.enter(give, current));
  return () => {
    if (!current()) current = desk.begin();
    enter();
  };
}
