/**
 * Draws pictures, codes and lines on canvases, in the colours of the style sheet.
 *
 * @typedef {{rows: number, columns: number}} Size
 * @typedef {[number, number, number]} Colour
 * @typedef {import("../base/numbers.js").Range} Range
 */

import { extent, maxAbs, toFraction } from "../base/numbers.js";

/**
 * @param {import("../model/encoder.js").Encoder} encoder
 * @param {number[]} [shape] Of one row.
 * @returns {Size | null} Of rows that are pictures; null for others, such as windows of a signal.
 */
export function findPicture({ cut, inputShape }, shape = inputShape) {
  return cut === null ? findSquare(shape) : null;
}

function findSquare(shape) {
  const axes = shape.length === 3 && shape[2] === 1 ? shape.slice(0, 2) : shape;
  const side = [8, 28].find((side) =>
    axes.length === 1 ? axes[0] === side * side : axes.length === 2 && axes.every((axis) => axis === side),
  );
  return side === undefined ? null : { rows: side, columns: side };
}

/**
 * Draws a row as a picture, from the colour of paper (`low`) to the colour of ink (`high`), gaps in grey.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array} row
 * @param {Size} size
 * @param {Range} range
 */
export function drawPicture(canvas, row, size, range) {
  const [paper, ink] = [readColour("--picture-low"), readColour("--picture-high")];
  const gap = readColour("--cell");
  paint(canvas, size, row, (value) => (Number.isNaN(value) ? gap : mix(paper, ink, toFraction(value, range))));
}

/**
 * Draws what a unit adds to a picture: one colour for more, another for less, scaled to the largest.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array} change
 * @param {Size} size
 */
export function drawChange(canvas, change, size) {
  const most = maxAbs(change) || 1;
  const [none, more, less] = ["--picture-none", "--more", "--less"].map(readColour);
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
 * Draws a code, one cell per unit: codes further from 0 in stronger colours, inactive units in grey.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {{mean: Float32Array, active: Uint8Array, range: Range}} details
 */
export function drawCode(canvas, { mean, active, range }) {
  const columns = countColumns(mean.length);
  const cell = Math.max(3, Math.min(40, Math.floor(960 / columns)));
  const gap = cell > 6 ? Math.max(1, Math.round(cell / 12)) : 0;
  canvas.width = columns * cell - gap;
  canvas.height = Math.ceil(mean.length / columns) * cell - gap;
  const context = canvas.getContext("2d");
  const [idle, faint, full] = ["--cell", "--code-low", "--code-high"].map(readColour);
  mean.forEach((value, unit) => {
    const fill = active[unit] ? mix(faint, full, toFraction(Math.abs(value), range)) : idle;
    context.fillStyle = `rgb(${fill.join(" ")})`;
    const [row, column] = [Math.floor(unit / columns), unit % columns];
    context.fillRect(column * cell, row * cell, cell - gap, cell - gap);
  });
}

/**
 * Counts the cells per line of `drawCode`, so that a code is wider than high.
 *
 * @param {number} units
 * @returns {number}
 */
export function countColumns(units) {
  return units <= 16 ? units : 8 * Math.ceil(Math.sqrt(2 * units) / 8);
}

/**
 * Draws rows that are not pictures as lines on common axes.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array[]} rows The first is drawn last, on top.
 */
export function drawLines(canvas, rows) {
  canvas.width = 960;
  canvas.height = 240;
  const context = canvas.getContext("2d");
  const range = rows.reduce((widest, row) => extent(row, widest), extent([]));
  const y = (value) => 232 - 224 * toFraction(value, range);
  const styles = [["--line-row", 3], ["--line-back", 6]];
  rows.map((row, index) => [row, styles[index]]).reverse().forEach(([row, [name, width]]) => {
    context.strokeStyle = `rgb(${readColour(name).join(" ")})`;
    context.lineWidth = width;
    context.lineJoin = "round";
    context.beginPath();
    const step = 944 / Math.max(1, row.length - 1);
    row.forEach((value, place) => context.lineTo(8 + place * step, y(value)));
    context.stroke();
  });
}

/**
 * @param {string} name
 * @returns {string} A colour of the style sheet, `#rrggbb`, for the current light or dark mode.
 */
export function readStyle(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function readColour(name) {
  const hex = readStyle(name);
  return [1, 3, 5].map((place) => Number.parseInt(hex.slice(place, place + 2), 16));
}

function mix(from, to, fraction) {
  const weight = Math.min(1, Math.max(0, fraction));
  return from.map((value, channel) => Math.round(value + weight * (to[channel] - value)));
}
