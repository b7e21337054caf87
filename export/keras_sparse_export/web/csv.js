/**
 * Rows of numbers from CSV, by the rules of `keras-sparse-export encode`.
 *
 * @typedef {{rows: Float32Array, count: number}} Table
 * @typedef {{line: string, number: number}} Line Counted from 1.
 */

import { counted } from "./numbers.js";

export const MAX_BYTES = 32 * 2 ** 20;
export const MAX_ROWS = 10_000;
// What Python's float takes: digits may have single underscores between them. No two parts of a
// pattern fit the same text, so that a long cell takes no longer than its length.
const DIGITS = "\\d+(_\\d+)*";
const NUMBER = new RegExp(`^\\s*[+-]?(${DIGITS}(\\.(${DIGITS})?)?|\\.${DIGITS})(e[+-]?${DIGITS})?\\s*$`, "i");
const NAMED = /^\s*[+-]?(nan|inf(inity)?)\s*$/i;

/** Text that holds no rows for this encoder; the line at fault is named. */
export class CsvError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "CsvError";
  }
}

/**
 * Rows of a text.
 *
 * Blank lines are left out. The first line is a header if it holds several words and no number.
 *
 * @param {string} text
 * @param {number} size Numbers in a row.
 * @returns {Table}
 * @throws {CsvError} If there are none, or a line is no row; it is named, counted from 1.
 */
export function parse(text, size) {
  if (text.length > MAX_BYTES) throw new CsvError("Expected 32 MiB of text at most. Received: more");
  const found = [];
  let first = true;
  for (const each of filledLines(text.replace(/^\ufeff/, ""))) {
    if (found.length === MAX_ROWS) {
      throw new CsvError(`Expected ${counted(MAX_ROWS, "row")} at most. Received: more, from line ${each.number} on`);
    }
    if (!first || !isHeader(each, size)) found.push(readRow(each, size));
    first = false;
  }
  if (found.length === 0) throw new CsvError(`Expected rows of ${counted(size, "number")}. Received: none`);
  return { rows: joined(found, size), count: found.length };
}

/**
 * Lines that are not blank, one at a time: a text may have millions, of which few are read.
 *
 * @param {string} text
 * @returns {Generator<Line>}
 */
function* filledLines(text) {
  let number = 1;
  let end = 0;
  for (const { 0: line, index } of text.matchAll(/[^\r\n]+/g)) {
    number += text.slice(end, index).replaceAll("\r\n", "\n").length; // between lines are their ends alone
    end = index + line.length;
    if (line.trim() !== "") yield { line, number };
  }
}

function joined(found, size) {
  const rows = new Float32Array(found.length * size);
  found.forEach((row, place) => rows.set(row, place * size));
  return rows;
}

function isHeader({ line, number }, size) {
  const found = cells(line, number);
  // One number makes it a row: a bad one is told, but a row taken for names would be lost.
  const names = !found.some(isNumber) && (found.length > 1 || size === 1);
  if (names && found.length !== size) throw wrongWidth(found.length, size, line, number);
  return names;
}

function isNumber(cell) {
  return NUMBER.test(cell) || NAMED.test(cell);
}

function readRow({ line, number }, size) {
  const found = cells(line, number);
  if (found.length !== size) throw wrongWidth(found.length, size, line, number);
  return Float32Array.from(found, (cell, column) => {
    const value = NUMBER.test(cell) ? Math.fround(Number(cell.replaceAll("_", ""))) : NaN;
    if (Number.isFinite(value)) return value;
    throw new CsvError(`Line ${number}, column ${column + 1}: expected a number. Received: ${quoted(cell)}`);
  });
}

/** The cells of a line; a quoted one may hold commas, and a quote written twice. */
function cells(line, number) {
  if (/[\0\ufffd]/.test(line)) {
    throw new CsvError(`Line ${number}: expected text. Received: bytes that are none; this is no CSV`);
  }
  if (!line.includes('"')) return line.split(",");
  const found = [];
  const cell = /,(?:\s*"([^"]*(?:""[^"]*)*)"\s*|([^",]*))(?=,|$)/y;
  const text = `,${line}`;
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (match === null) {
      throw new CsvError(`Line ${number}: expected quotes that come in pairs. Received: ${quoted(line)}`);
    }
    found.push(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'));
  }
  return found;
}

function wrongWidth(found, size, line, number) {
  const other = found === 1 && size > 1 ? [";", "\t"].find((mark) => line.includes(mark)) : undefined;
  const hint = other && `. Remedy: commas between numbers, in place of ${other === ";" ? "semicolons" : "tabs"}`;
  return new CsvError(`Line ${number}: expected ${counted(size, "value")}. Received: ${found}${hint ?? ""}`);
}

function quoted(text) {
  const short = text.trim();
  if (short === "") return "nothing";
  return `“${short.length > 40 ? `${short.slice(0, 40)}…` : short}”`;
}

/**
 * Codes as the lines of a CSV: a row a line, whole codes, nine digits, no header.
 *
 * @param {Float32Array} codes
 * @param {number} size Numbers in a row.
 * @returns {string[]} Not one text: browsers bound the length of those.
 */
export function format(codes, size) {
  const lines = [];
  for (let start = 0; start < codes.length; start += size) {
    lines.push(`${Array.from(codes.subarray(start, start + size), nineDigits).join(",")}\n`);
  }
  return lines;
}

function nineDigits(value) {
  return String(Number(value.toPrecision(9)));
}
