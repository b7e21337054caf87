/**
 * Reads rows of numbers from CSV by the rules of `keras-sparse-export encode`, and writes codes.
 *
 * @typedef {{rows: Float32Array, count: number}} Table
 * @typedef {{line: string, number: number}} Line Counted from 1.
 */

import { formatCount } from "./numbers.js";

export const MAX_BYTES = 32 * 2 ** 20;
export const MAX_ROWS = 10_000;
// The numbers that Python's float accepts: digits may be separated by single underscores. No two parts
// of a pattern match the same text, so that matching takes time linear in the length of a cell.
const DIGITS = "\\d+(_\\d+)*";
const NUMBER = new RegExp(`^\\s*[+-]?(${DIGITS}(\\.(${DIGITS})?)?|\\.${DIGITS})(e[+-]?${DIGITS})?\\s*$`, "i");
const NAMED = /^\s*[+-]?(nan|inf(inity)?)\s*$/i;

/** Text without valid rows for this encoder. The message names the line. */
export class CsvError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "CsvError";
  }
}

/**
 * Parses the rows of a text.
 *
 * Blank lines are skipped. The first line is a header if it has several words and no number.
 *
 * @param {string} text
 * @param {number} size Numbers in a row.
 * @returns {Table}
 * @throws {CsvError} If there are no rows, or a line is not a row. The message names the line, counted from 1.
 */
export function parse(text, size) {
  if (text.length > MAX_BYTES) throw new CsvError("Expected 32 MiB of text at most. Received: more");
  const rows = [];
  let first = true;
  for (const line of readLines(text.replace(/^\ufeff/, ""))) {
    if (rows.length === MAX_ROWS) {
      throw new CsvError(`Expected ${formatCount(MAX_ROWS, "row")} at most. Received: more, from line ${line.number} on`);
    }
    if (!first || !isHeader(line, size)) rows.push(parseRow(line, size));
    first = false;
  }
  if (rows.length === 0) throw new CsvError(`Expected rows of ${formatCount(size, "number")}. Received: none`);
  return { rows: joinRows(rows, size), count: rows.length };
}

/**
 * Yields the lines that are not blank. A text may have millions of lines of which few are read.
 *
 * @param {string} text
 * @returns {Generator<Line>}
 */
function* readLines(text) {
  let number = 1;
  let end = 0;
  for (const { 0: line, index } of text.matchAll(/[^\r\n]+/g)) {
    number += text.slice(end, index).replaceAll("\r\n", "\n").length; // only line ends lie between lines
    end = index + line.length;
    if (line.trim() !== "") yield { line, number };
  }
}

function joinRows(rows, size) {
  const values = new Float32Array(rows.length * size);
  rows.forEach((row, index) => values.set(row, index * size));
  return values;
}

function isHeader({ line, number }, size) {
  const cells = splitCells(line, number);
  // One number makes a line a row: a bad row is reported, but a row read as a header would be lost.
  const header = !cells.some(isNumber) && (cells.length > 1 || size === 1);
  if (header && cells.length !== size) throw widthError(cells.length, size, line, number);
  return header;
}

function isNumber(cell) {
  return NUMBER.test(cell) || NAMED.test(cell);
}

function parseRow({ line, number }, size) {
  const cells = splitCells(line, number);
  if (cells.length !== size) throw widthError(cells.length, size, line, number);
  return Float32Array.from(cells, (cell, column) => {
    const value = NUMBER.test(cell) ? Math.fround(Number(cell.replaceAll("_", ""))) : NaN;
    if (Number.isFinite(value)) return value;
    throw new CsvError(`Line ${number}, column ${column + 1}: expected a number. Received: ${quote(cell)}`);
  });
}

/** Splits a line into cells. A quoted cell may contain commas, and quotes that are doubled. */
function splitCells(line, number) {
  if (/[\0\ufffd]/.test(line)) {
    throw new CsvError(`Line ${number}: expected text. Received: binary data; this is not a CSV file`);
  }
  if (!line.includes('"')) return line.split(",");
  const cells = [];
  const cell = /,(?:\s*"([^"]*(?:""[^"]*)*)"\s*|([^",]*))(?=,|$)/y;
  const text = `,${line}`;
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (match === null) {
      throw new CsvError(`Line ${number}: expected balanced quotes. Received: ${quote(line)}`);
    }
    cells.push(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'));
  }
  return cells;
}

function widthError(width, size, line, number) {
  const other = width === 1 && size > 1 ? [";", "\t"].find((mark) => line.includes(mark)) : undefined;
  const hint = other && `. Remedy: commas between numbers, in place of ${other === ";" ? "semicolons" : "tabs"}`;
  return new CsvError(`Line ${number}: expected ${formatCount(size, "value")}. Received: ${width}${hint ?? ""}`);
}

function quote(text) {
  const short = text.trim();
  if (short === "") return "nothing";
  return `“${short.length > 40 ? `${short.slice(0, 40)}…` : short}”`;
}

/**
 * Formats codes as CSV: one row per line, all units, nine digits, no header.
 *
 * @param {Float32Array} codes
 * @param {number} size Numbers in a row.
 * @returns {string[]} Lines: browsers limit the length of a single string.
 */
export function format(codes, size) {
  const lines = [];
  for (let start = 0; start < codes.length; start += size) {
    lines.push(`${Array.from(codes.subarray(start, start + size), toNineDigits).join(",")}\n`);
  }
  return lines;
}

function toNineDigits(value) {
  return String(Number(value.toPrecision(9)));
}
