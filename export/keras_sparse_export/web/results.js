/**
 * What the page shows of rows and their codes.
 *
 * @typedef {{rows: Float32Array, codes: Float32Array, count: number, source: string,
 *   golden: string}} Batch
 * @typedef {{row: Float32Array, mean: Float32Array, active: Uint8Array, count: number, range: Range,
 *   units: {unit: number, value: number}[], images: Float32Array[], back: Float32Array | null}} Look
 *   `mean` is the code, or its mean over positions; `range` is that of the active units in it, and 0.
 * @typedef {import("./numbers.js").Range} Range
 */

import { activeCount, activeUnits, largest, meanOverPositions, meanSquaredError, unitImages } from "./codes.js";
import { brief, counted, extent, shareOf } from "./numbers.js";
import { byId, element, say } from "./page.js";
import { codeColumns, drawChange, drawCode, drawLines, drawPicture, pictureSize } from "./picture.js";

const SHOWN_UNITS = 12;
const PAGE_ROWS = 20;
const PAGE_UNITS = 8;

/**
 * Everything there is to show of a row.
 *
 * @param {import("./encoder.js").Encoder} encoder
 * @param {Float32Array} row
 * @param {Float32Array} code
 * @returns {Promise<Look>}
 */
export async function look(encoder, row, code) {
  const mean = meanOverPositions(code, encoder.units);
  const active = activeUnits(code, encoder.units, encoder.threshold);
  const units = largest(mean, active, SHOWN_UNITS);
  const pictures = encoder.decoder !== null && pictureSize(encoder.inputShape) !== null;
  return {
    row,
    mean,
    active,
    count: activeCount(code, encoder.units, encoder.threshold),
    range: extent(mean.filter((_, unit) => active[unit])),
    units,
    images: pictures ? await unitImages(encoder, units) : [],
    back: encoder.decoder === null ? null : await encoder.decode(code),
  };
}

/**
 * @param {import("./encoder.js").Encoder} encoder
 * @param {Look} found
 * @param {string} title What the row is, as "Row 3 of 16".
 * @param {Range | null} range Of real rows; null for the row's own.
 */
export function showLook(encoder, found, title, range) {
  const { threshold, units, positions } = encoder;
  const each = positions > 1 ? ` per position, on average over ${positions}` : "";
  say("active", `${brief(found.count)} of ${counted(units, "unit")} active${each}: codes above τ = ${brief(threshold)}`);
  say("row-caption", title);
  showRow(encoder, found, range ?? extent(found.row));
  drawCode(byId("whole"), found);
  const what = positions > 1 ? "The code, as the mean over positions" : "The code";
  const idle = positions > 1 ? "active at no position" : "not active";
  label(
    "whole",
    `${what}: ${units} cells, ${codeColumns(units)} in a line, unit 0 first. ` +
      `The stronger the colour, the larger the code; units that are ${idle} are grey.`,
  );
  showUnits(encoder, found);
}

function label(id, text) {
  byId(id).setAttribute("aria-label", text);
  say(`${id}-caption`, text);
}

function showRow(encoder, { row, back }, range) {
  const size = pictureSize(encoder.inputShape);
  const text = byId("row-caption").textContent;
  byId("pictures").className = size === null ? "lines" : "";
  byId("back-figure").hidden = back === null || size === null;
  const error = back && `mean squared error ${brief(meanSquaredError(row, back))}`;
  if (size === null) {
    drawLines(byId("row"), back === null ? [row] : [row, back]);
    label("row", back === null ? `${text}, as a line` : `${text}, and its reconstruction as a broader line: ${error}`);
    return;
  }
  drawPicture(byId("row"), row, size, range);
  byId("row").setAttribute("aria-label", `${text}, as a picture of ${size.rows} × ${size.columns} cells`);
  if (back === null) return;
  drawPicture(byId("back"), back, size, range);
  label("back", `Reconstruction: ${error}`);
}

function showUnits(encoder, { units, images, range }) {
  const positions = encoder.positions > 1 ? "Of units active at any position; codes are means over all. " : "";
  const pictures = images.length
    ? "Below each is what it adds to the reconstruction, on a scale of its own: orange for more, blue for less."
    : "";
  say("units-note", units.length ? positions + pictures : "No unit is active for this row.");
  byId("units").replaceChildren(
    ...units.map(({ unit, value }, index) => {
      const item = unitItem(unit, value, shareOf(value, range));
      if (images[index]) item.append(unitPicture(encoder, unit, images[index]));
      return item;
    }),
  );
}

function unitItem(unit, value, share) {
  const name = element(
    "div",
    { className: "name" },
    element("span", { textContent: `Unit ${unit}` }),
    element("b", { textContent: value.toPrecision(4) }),
  );
  const bar = element("div", { className: "bar" });
  bar.style.width = `${Math.max(2, 100 * share)}%`;
  return element("li", {}, name, bar);
}

function unitPicture(encoder, unit, image) {
  const canvas = element("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `What unit ${unit} adds to the reconstruction`);
  drawChange(canvas, image, pictureSize(encoder.inputShape));
  return canvas;
}

/**
 * A page of the table of all rows.
 *
 * @param {import("./encoder.js").Encoder} encoder
 * @param {Batch} batch
 * @param {number} current The row that is shown above.
 * @param {number} page From 0.
 * @param {(row: number) => void} choose Called for a row that is asked for.
 */
export function showTable(encoder, batch, current, page, choose) {
  const first = page * PAGE_ROWS;
  const last = Math.min(first + PAGE_ROWS, batch.count);
  const of = encoder.positions > 1 ? " Largest codes are of units active at any position, as means over all." : "";
  const all = counted(batch.count, "row");
  const paged = batch.count > PAGE_ROWS;
  say("table-caption", `${paged ? `Rows ${first + 1} to ${last} of ${batch.count.toLocaleString("en")}` : all}.${of}`);
  byId("table-pager").hidden = !paged;
  replaceRows(
    byId("table"),
    Array.from({ length: last - first }, (_, place) => tableRow(encoder, batch, first + place, current, choose)),
  );
}

/** Rows in place of others; a button that had the focus hands it to the one in its place. */
function replaceRows(table, rows) {
  const place = [...table.rows].findIndex((row) => row.contains(document.activeElement));
  table.replaceChildren(...rows);
  rows[place]?.querySelector("button").focus({ preventScroll: true });
}

/**
 * @param {number} count Rows.
 * @returns {number} Pages of the table.
 */
export function tablePages(count) {
  return Math.ceil(count / PAGE_ROWS);
}

/**
 * @param {number} row
 * @returns {number} The page of the table that holds it.
 */
export function tablePage(row) {
  return Math.floor(row / PAGE_ROWS);
}

function tableRow(encoder, { codes }, row, current, choose) {
  const code = codes.subarray(row * encoder.codeSize, (row + 1) * encoder.codeSize);
  const active = activeUnits(code, encoder.units, encoder.threshold);
  const units = largest(meanOverPositions(code, encoder.units), active, PAGE_UNITS);
  const button = element("button", { type: "button", textContent: String(row + 1) });
  button.setAttribute("aria-label", `Show row ${row + 1}`);
  button.addEventListener("click", () => choose(row));
  const text = units.map(({ unit, value }) => `${unit}:\u00a0${value.toPrecision(3)}`).join(" · ");
  const line = element(
    "tr",
    {},
    element("td", {}, button),
    element("td", { textContent: brief(activeCount(code, encoder.units, encoder.threshold)) }),
    element("td", { textContent: text || "none" }),
  );
  if (row === current) line.setAttribute("aria-current", "true");
  return line;
}
