/**
 * Rows of numbers from CSV, by the rules of `keras-sparse-export encode`.
 *
 * @typedef {{rows: Float32Array, count: number}} Table
 */

export const MAX_BYTES = 32 * 2 ** 20;
export const MAX_ROWS = 10_000;
const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

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
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/);
  const numbered = lines.map((line, index) => ({ line, number: index + 1 }));
  const filled = numbered.filter(({ line }) => line.trim() !== "");
  const body = filled.length > 0 && isHeader(filled[0], size) ? filled.slice(1) : filled;
  if (body.length === 0) {
    throw new CsvError(`Expected rows of ${plural(size, "number")}. Received: none`);
  }
  if (body.length > MAX_ROWS) {
    throw new CsvError(
      `Expected ${MAX_ROWS} rows at most. Received: more, from line ${body[MAX_ROWS].number} on`,
    );
  }
  const rows = new Float32Array(body.length * size);
  body.forEach((each, row) => readRow(each, size, rows, row * size));
  return { rows, count: body.length };
}

function isHeader({ line, number }, size) {
  const found = cells(line, number);
  // One number makes it a row: a bad one is told, but a row taken for names would be lost.
  const names = !found.some((cell) => NUMBER.test(cell)) && (found.length > 1 || size === 1);
  if (names && found.length !== size) throw wrongWidth(found.length, size, line, number);
  return names;
}

function readRow({ line, number }, size, rows, start) {
  const found = cells(line, number);
  if (found.length !== size) throw wrongWidth(found.length, size, line, number);
  found.forEach((cell, column) => {
    const value = NUMBER.test(cell) ? Math.fround(Number(cell)) : NaN;
    if (!Number.isFinite(value)) {
      throw new CsvError(
        `Line ${number}, column ${column + 1}: expected a number. Received: ${quoted(cell)}`,
      );
    }
    rows[start + column] = value;
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
  return new CsvError(`Line ${number}: expected ${plural(size, "value")}. Received: ${found}${hint ?? ""}`);
}

function quoted(text) {
  const short = text.trim();
  if (short === "") return "nothing";
  return `“${short.length > 40 ? `${short.slice(0, 40)}…` : short}”`;
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * Codes as the text of a CSV: a row a line, whole codes, nine digits, no header.
 *
 * @param {Float32Array} codes
 * @param {number} size Numbers in a row.
 * @returns {string}
 */
export function format(codes, size) {
  const lines = [];
  for (let start = 0; start < codes.length; start += size) {
    lines.push(Array.from(codes.subarray(start, start + size), nineDigits).join(","));
  }
  return `${lines.join("\n")}\n`;
}

function nineDigits(value) {
  return String(Number(value.toPrecision(9)));
}
