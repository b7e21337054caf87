/**
 * Pictures on canvases, in the colours of the style sheet.
 *
 * @typedef {{rows: number, columns: number}} Size
 * @typedef {[number, number, number]} Colour
 * @typedef {import("./numbers.js").Range} Range
 */

import { extent, largestOf, shareOf } from "./numbers.js";

/**
 * The size of rows that are pictures; null where they are none.
 *
 * @param {number[]} shape Of one row.
 * @returns {Size | null}
 */
export function pictureSize(shape) {
  const axes = shape.length === 3 && shape[2] === 1 ? shape.slice(0, 2) : shape;
  const side = [8, 28].find((each) =>
    axes.length === 1 ? axes[0] === each * each : axes.length === 2 && axes.every((axis) => axis === each),
  );
  return side === undefined ? null : { rows: side, columns: side };
}

/**
 * A row as a picture, from the colour of the paper (`low`) to that of ink (`high`).
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array} row
 * @param {Size} size
 * @param {Range} range
 */
export function drawPicture(canvas, row, size, range) {
  const [paper, ink] = [colour("--picture-low"), colour("--picture-high")];
  paint(canvas, size, row, (value) => mix(paper, ink, shareOf(value, range)));
}

/**
 * What a unit adds to a picture: one colour for more, another for less; the most has it in full.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array} change
 * @param {Size} size
 */
export function drawChange(canvas, change, size) {
  const most = largestOf(change) || 1;
  const [none, more, less] = ["--picture-none", "--more", "--less"].map(colour);
  paint(canvas, size, change, (value) => mix(none, value > 0 ? more : less, Math.abs(value) / most));
}

function paint(canvas, { rows, columns }, values, colourOf) {
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  values.forEach((value, place) => image.data.set([...colourOf(value), 255], 4 * place));
  context.putImageData(image, 0, 0);
}

/**
 * A whole code, a cell a unit: the stronger, the deeper; units that are not active all alike.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {{mean: Float32Array, active: Uint8Array, range: Range}} found
 */
export function drawCode(canvas, { mean, active, range }) {
  const columns = codeColumns(mean.length);
  const cell = Math.max(3, Math.min(40, Math.floor(960 / columns)));
  const gap = cell > 6 ? Math.max(1, Math.round(cell / 12)) : 0;
  canvas.width = columns * cell - gap;
  canvas.height = Math.ceil(mean.length / columns) * cell - gap;
  const context = canvas.getContext("2d");
  const [idle, faint, full] = ["--cell", "--code-low", "--code-high"].map(colour);
  mean.forEach((value, unit) => {
    const fill = active[unit] ? mix(faint, full, shareOf(value, range)) : idle;
    context.fillStyle = `rgb(${fill.join(" ")})`;
    const [row, column] = [Math.floor(unit / columns), unit % columns];
    context.fillRect(column * cell, row * cell, cell - gap, cell - gap);
  });
}

/**
 * Cells in a line of `drawCode`: a code is wider than it is high.
 *
 * @param {number} units
 * @returns {number}
 */
export function codeColumns(units) {
  return units <= 16 ? units : 8 * Math.ceil(Math.sqrt(2 * units) / 8);
}

/**
 * Rows that are no pictures, as lines on common axes.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array[]} rows The first is drawn last, above all others.
 */
export function drawLines(canvas, rows) {
  canvas.width = 960;
  canvas.height = 240;
  const context = canvas.getContext("2d");
  const range = rows.reduce((widest, row) => extent(row, widest), extent([]));
  const y = (value) => 232 - 224 * shareOf(value, range);
  const styles = [["--line-row", 3], ["--line-back", 6]];
  rows.map((row, index) => [row, styles[index]]).reverse().forEach(([row, [name, width]]) => {
    context.strokeStyle = `rgb(${colour(name).join(" ")})`;
    context.lineWidth = width;
    context.lineJoin = "round";
    context.beginPath();
    const step = 944 / Math.max(1, row.length - 1);
    row.forEach((value, place) => context.lineTo(8 + place * step, y(value)));
    context.stroke();
  });
}

/** A colour of the style sheet, `#rrggbb`, as it is in light or dark. */
function colour(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((place) => Number.parseInt(hex.slice(place, place + 2), 16));
}

function mix(from, to, share) {
  const part = Math.min(1, Math.max(0, share));
  return from.map((value, place) => Math.round(value + part * (to[place] - value)));
}
