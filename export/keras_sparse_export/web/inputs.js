/**
 * Where rows come from: a text, a file, the golden rows, a drawing.
 *
 * @typedef {(rows: Float32Array, count: number, source: string, golden?: string) => Promise<void>}
 *   Take Called with rows to encode, what they are, and which golden row that is.
 */

import { CsvError, MAX_BYTES, parse } from "./csv.js";
import { Ink, Pad } from "./digit.js";
import { brief, byId, counted, element, say } from "./page.js";
import { pictureSize } from "./picture.js";

/**
 * The range of golden rows that are real; 0 to 1 else.
 *
 * @param {import("./verification.js").Golden} golden
 * @returns {{low: number, high: number}}
 */
export function rangeOf({ kind, rows }) {
  const [low, high] = rows.reduce(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
  return kind === "real" && low < high ? { low, high } : { low: 0, high: 1 };
}

/**
 * Text areas, files and drops.
 *
 * @param {number} size Numbers in a row.
 * @param {Take} take
 */
export function offerCsv(size, take) {
  say("text-label", `Rows of ${counted(size, "number")}, one a line`);
  byId("csv").open = matchMedia("(min-width: 56rem)").matches || byId("draw").hidden;
  byId("encode").addEventListener("click", () =>
    attempt(() => read(byId("text").value, size, take, "the text")),
  );
  byId("file").addEventListener("change", async ({ target }) => {
    await attempt(() => readFile(target.files, size, take));
    target.value = ""; // so that the same file can be chosen again
  });
  offerDrop(size, take);
}

function offerDrop(size, take) {
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
    attempt(() => readFile(event.dataTransfer.files, size, take));
  });
}

async function readFile(files, size, take) {
  if (files.length === 0) return;
  if (files.length > 1) throw new CsvError(`Expected one file. Received: ${files.length}`);
  const [file] = files;
  if (file.size > MAX_BYTES) throw new CsvError(`Expected a file of 32 MiB at most. Received: ${file.name}, larger`);
  const text = await file.text().catch(() => {
    throw new CsvError(`Expected a file. Received: ${file.name}, which cannot be read`);
  });
  await read(text, size, take, file.name);
}

async function read(text, size, take, source) {
  const { rows, count } = parse(text, size);
  await take(rows, count, `${counted(count, "row")} of ${source}`);
}

/** Does what may fail, and says why it did; what was shown before stays. */
async function attempt(work) {
  say("error", "");
  try {
    await work();
  } catch (error) {
    say("error", error instanceof CsvError ? `${error.message}.` : `Expected codes. Received: ${error}.`);
  }
}

/**
 * The golden rows, one or all.
 *
 * @param {import("./verification.js").Golden} golden
 * @param {number} size
 * @param {Take} take
 */
export function offerGolden({ kind, rows }, size, take) {
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
  select.addEventListener("change", () =>
    attempt(() => takeGolden(rows, size, Number(select.value), take)),
  );
  byId("golden-all").addEventListener("click", () => attempt(() => take(rows, count, "The golden rows")));
}

/**
 * @param {Float32Array} rows
 * @param {number} size
 * @param {number} row
 * @param {Take} take
 */
export function takeGolden(rows, size, row, take) {
  return take(rows.slice(row * size, (row + 1) * size), 1, `Golden row ${row + 1}`, String(row));
}

/**
 * A pad to draw on, where rows are pictures.
 *
 * @param {number[]} shape
 * @param {{low: number, high: number}} range
 * @param {Take} take
 * @returns {Pad | null}
 */
export function offerPad(shape, range, take) {
  const size = pictureSize(shape);
  byId("draw").hidden = size === null;
  if (size === null) return null;
  say("draw-title", `Draw on ${size.rows} × ${size.columns} cells`);
  say("draw-range", `Cells run from ${brief(range.low)} to ${brief(range.high)}.`);
  const ink = new Ink(size, range);
  const show = latest(() => take(ink.cells.slice(), 1, "The drawing"));
  const changed = () => attempt(show);
  const pad = new Pad(byId("pad"), ink, changed, (text) => say("draw-said", text));
  byId("clear").addEventListener("click", () => {
    pad.clear();
    changed();
  });
  return pad;
}

/** A job that is asked for again while it runs starts once more, however often that was. */
function latest(job) {
  let running = null;
  let again = false;
  const run = async () => {
    do {
      again = false;
      await job();
    } while (again);
  };
  return () => {
    again = running !== null;
    running ??= run().finally(() => (running = null));
    return running;
  };
}
