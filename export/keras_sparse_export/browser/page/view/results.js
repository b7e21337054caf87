/**
 * Shows rows, their codes and their reconstructions.
 *
 * @typedef {{rows: Float32Array, codes: Float32Array, scores: Float32Array | null, count: number, source: string, golden: string,
 *   errors: {mean: number, largest: number, place: number}[] | null}} Batch `errors` is null without a decoder,
 *   `scores` without scores.
 * @typedef {{row: Float32Array, mean: Float32Array, active: Uint8Array, count: number, range: Range,
 *   units: {unit: number, value: number}[], images: Float32Array[], reconstruction: Float32Array | null,
 *   positions: number, score: number | null}} RowDetails `mean` is the code, or its mean over positions; `range` is that of the magnitudes of its active units and 0.
 * @typedef {import("../base/numbers.js").Range} Range
 */

import { describeActivity } from "../model/activity.js";
import { averagePositions, computeErrors, countActive, decodeUnits, findActive, scaleRow, selectLargest, summarizeErrors } from "../model/codes.js";
import { describeVerdict, isAlarm } from "../model/scores.js";
import { extent, formatCount, formatNumber, toFraction } from "../base/numbers.js";
import { byId, createElement, setText } from "./dom.js";
import { countColumns, drawChange, drawCode, drawLines, drawPicture, findPicture } from "./picture.js";

const SHOWN_UNITS = 12;
const PAGE_ROWS = 20;
const PAGE_UNITS = 8;

/**
 * Computes everything that is shown about a row.
 *
 * @param {import("../model/encoder.js").Encoder} encoder
 * @param {Float32Array} row
 * @param {Float32Array} code
 * @param {number | null} score
 * @returns {Promise<RowDetails>}
 */
export async function describeRow(encoder, row, code, score) {
  const mean = averagePositions(code, encoder.units);
  const active = findActive(code, encoder.units, encoder.activity);
  const units = selectLargest(mean, active, SHOWN_UNITS);
  const pictures = encoder.decoder !== null && findPicture(encoder) !== null;
  return {
    row,
    mean,
    active,
    count: countActive(code, encoder.units, encoder.activity),
    range: extent(mean.filter((_, unit) => active[unit]).map(Math.abs)),
    units,
    positions: code.length / encoder.units,
    score,
    images: pictures ? await decodeUnits(encoder, units) : [],
    reconstruction: encoder.decoder === null ? null : await encoder.decode(code),
  };
}

/**
 * @param {import("../model/encoder.js").Encoder} encoder
 * @param {RowDetails} details
 * @param {string} title Name of the row, such as "Row 3 of 16".
 * @param {Range | null} range Range of real rows; null for the range of the row.
 */
export function showDetails(encoder, details, title, range) {
  const { activity, units } = encoder;
  const { positions } = details;
  const perPosition = positions > 1 ? ` per position, on average over ${positions}` : "";
  setText("active", `${formatNumber(details.count)} of ${formatCount(units, "unit")} active${perPosition}: ${describeActivity(activity)}`);
  showVerdict(details.score, encoder.alarm);
  setText("row-caption", title);
  showRow(encoder, details, range ?? extent(details.row));
  drawCode(byId("whole"), details);
  const name = positions > 1 ? "The code, as the mean over positions" : "The code";
  const inactive = positions > 1 ? "units that are active at no position" : "inactive units";
  label(
    "whole",
    `${name}: ${units} cells, ${countColumns(units)} per line, unit 0 first. ` +
      `A stronger colour means a code further from 0; ${inactive} are grey.`,
  );
  showUnits(encoder, details);
}

function showVerdict(score, alarm) {
  setText("verdict", score === null ? "" : describeVerdict(score, alarm));
  byId("verdict").classList.toggle("alarm", score !== null && isAlarm(score, alarm));
}

function label(id, text) {
  byId(id).setAttribute("aria-label", text);
  setText(`${id}-caption`, text);
}

function showRow(encoder, { row, reconstruction }, range) {
  const size = findPicture(encoder, encoder.findRowShape(row.length));
  const text = byId("row-caption").textContent;
  byId("pictures").className = size === null ? "lines" : "";
  byId("back-figure").hidden = reconstruction === null || size === null;
  const error = reconstruction && describeErrors(encoder, summarizeErrors(computeErrors(row, reconstruction, encoder.scale)));
  if (size === null) {
    const { offset, scale } = encoder;
    const drawn = reconstruction === null ? [row] : [row, reconstruction];
    drawLines(byId("row"), drawn.map((values) => scaleRow(values, offset, scale)));
    const lines = reconstruction === null ? "as a line" : `and its reconstruction as a wider line: ${error}`;
    label("row", `${text}${scale === null ? "" : ", scaled"}, ${lines}`);
    return;
  }
  drawPicture(byId("row"), row, size, range);
  byId("row").setAttribute("aria-label", `${text}, as a picture of ${size.rows} × ${size.columns} cells`);
  if (reconstruction === null) return;
  drawPicture(byId("back"), reconstruction, size, range);
  label("back", `Reconstruction: ${error}`);
}

/** Tells the error of a row in the space of the loss, and the column where it is largest. */
function describeErrors(encoder, { mean, largest, place }) {
  const text = `mean squared error ${formatNumber(mean)}${encoder.scaled ? "" : " in raw units"}`;
  const name = nameColumn(encoder, place);
  return name === null ? text : `${text}; the largest, ${formatNumber(largest)}, in column ${name}`;
}

/** Names a column of a row; null for pictures and rows of several axes. */
function nameColumn(encoder, place) {
  const { columns, inputShape } = encoder;
  if (inputShape.length > 1 || findPicture(encoder) !== null) return null;
  return columns === null ? String(place) : `“${columns[place]}”`;
}

function showUnits(encoder, { units, images, range, positions }) {
  const averaged = positions > 1 ? "Units active at any position; codes are means over all positions. " : "";
  const pictures = images.length
    ? "Below each unit: its contribution to the reconstruction, on its own scale (orange adds, blue subtracts)."
    : "";
  setText("units-note", units.length ? averaged + pictures : "No unit is active for this row.");
  byId("units").replaceChildren(
    ...units.map(({ unit, value }, index) => {
      const item = createUnitItem(unit, value, toFraction(Math.abs(value), range));
      if (images[index]) item.append(createUnitPicture(encoder, unit, images[index]));
      return item;
    }),
  );
}

function createUnitItem(unit, value, fraction) {
  const name = createElement(
    "div",
    { className: "name" },
    createElement("span", { textContent: `Unit ${unit}` }),
    createElement("b", { textContent: value.toPrecision(4) }),
  );
  const bar = createElement("div", { className: "bar" });
  bar.style.width = `${Math.max(2, 100 * fraction)}%`;
  return createElement("li", {}, name, bar);
}

function createUnitPicture(encoder, unit, image) {
  const canvas = createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Contribution of unit ${unit} to the reconstruction`);
  drawChange(canvas, image, findPicture(encoder));
  return canvas;
}

/**
 * Shows a page of the table of all rows.
 *
 * @param {import("../model/encoder.js").Encoder} encoder
 * @param {Batch} batch
 * @param {number} current The row shown above.
 * @param {number} page From 0.
 * @param {(row: number) => void} choose Called with a row that was clicked.
 */
export function showTable(encoder, batch, current, page, choose) {
  const first = page * PAGE_ROWS;
  const last = Math.min(first + PAGE_ROWS, batch.count);
  const averaged = batch.codes.length > batch.count * encoder.units;
  const note = averaged ? " Largest codes: units active at any position, as means over all positions." : "";
  const all = formatCount(batch.count, "row");
  const paged = batch.count > PAGE_ROWS;
  setText("table-caption", `${paged ? `Rows ${first + 1} to ${last} of ${batch.count.toLocaleString("en")}` : all}.${note}`);
  byId("table-pager").hidden = !paged;
  byId("table-error").hidden = batch.errors === null;
  byId("table-score").hidden = batch.scores === null;
  replaceRows(
    byId("table"),
    Array.from({ length: last - first }, (_, place) => createTableRow(encoder, batch, first + place, current, choose)),
  );
}

/** Replaces rows; the focus moves to the button in the same place. */
function replaceRows(table, rows) {
  const place = [...table.rows].findIndex((row) => row.contains(document.activeElement));
  table.replaceChildren(...rows);
  rows[place]?.querySelector("button").focus({ preventScroll: true });
}

/**
 * @param {number} count Rows.
 * @returns {number} Number of pages of the table.
 */
export function countTablePages(count) {
  return Math.ceil(count / PAGE_ROWS);
}

/**
 * @param {number} row
 * @returns {number} The page of the table with this row.
 */
export function findTablePage(row) {
  return Math.floor(row / PAGE_ROWS);
}

function createTableRow(encoder, { codes, scores, errors, count }, row, current, choose) {
  const size = codes.length / count;
  const code = codes.subarray(row * size, (row + 1) * size);
  const active = findActive(code, encoder.units, encoder.activity);
  const units = selectLargest(averagePositions(code, encoder.units), active, PAGE_UNITS);
  const button = createElement("button", { type: "button", textContent: String(row + 1) });
  button.setAttribute("aria-label", `Show row ${row + 1}`);
  button.addEventListener("click", () => choose(row));
  const text = units.map(({ unit, value }) => `${unit}:\u00a0${value.toPrecision(3)}`).join(" · ");
  const line = createElement(
    "tr",
    {},
    createElement("td", {}, button),
    createElement("td", { textContent: formatNumber(countActive(code, encoder.units, encoder.activity)) }),
  );
  if (scores !== null) line.append(createScoreCell(scores[row], encoder.alarm));
  line.append(createElement("td", { textContent: text || "none" }));
  if (errors !== null) line.append(createElement("td", { textContent: formatErrors(encoder, errors[row]) }));
  if (row === current) line.setAttribute("aria-current", "true");
  return line;
}

function createScoreCell(score, alarm) {
  const raised = isAlarm(score, alarm);
  return createElement("td", { textContent: `${formatNumber(score)}${raised ? ", alarm" : ""}`, className: raised ? "score alarm" : "score" });
}

function formatErrors(encoder, { mean, place }) {
  const name = nameColumn(encoder, place);
  return formatNumber(mean) + (name === null ? "" : `, most in column ${name}`);
}
