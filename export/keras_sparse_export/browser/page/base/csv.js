/**
 * Reads rows of numbers from CSV by the rules of `keras-sparse-export encode`, and writes codes.
 *
 * @typedef {{rows: Float32Array, count: number}} Table
 * @typedef {{line: string, number: number}} Line Counted from 1.
 * @typedef {{delimiter: string, decimal: string}} Form
 */

import { formatCount } from "./numbers.js";

export const MAX_BYTES = 32 * 2 ** 20;
export const MAX_ROWS = 10_000;
export const MAX_SAMPLES = 500_000; // of a recording
const COMPARED = 100; // lines that the first one is compared with
const DELIMITERS = [",", ";", "\t"];
// A cell behind each delimiter, perhaps in quotes with spaces around them.
const QUOTED = Object.fromEntries(
  DELIMITERS.map((mark) => [mark, new RegExp(`${mark}(?: *"([^"]*(?:""[^"]*)*)" *|([^"${mark}]*))(?=${mark}|$)`, "y")]),
);
const MAX_SHOWN = 5; // names in a message
// The numbers that Python's float accepts: digits may be separated by single underscores. No two parts
// of a pattern match the same text, so that matching takes time linear in the length of a cell.
const DIGITS = "\\d+(_\\d+)*";
const NUMBER = new RegExp(`^\\s*[+-]?(${DIGITS}(\\.(${DIGITS})?)?|\\.${DIGITS})(e[+-]?${DIGITS})?\\s*$`, "i");
const NAMED = /^\s*[+-]?(nan|inf(inity)?)\s*$/i;
const SCALE = 8; // columns of a scale, such as wavelengths; of random numbers, one line in 20,000 is in order
const GAPS = new Set(
  "|#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|-NaN|-nan|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|NaN|None|n/a|nan|null|-|?".split("|"),
);
const WORDS = new Set(["None", "-", "?"]); // of these gaps, a category may be one
const TRUTH = { true: 1, True: 1, TRUE: 1, false: 0, False: 0, FALSE: 0 };
const FRACTION = /^\s*[+-]?(\d*)([.,])(\d+)(e[+-]?\d+)?\s*$/i;

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
 * Blank lines are skipped. The first line is a header if it holds all names of the encoder's columns, or
 * several words and no number, or a scale: at least 8 numbers that only rise or only fall, as those of no
 * other of the first lines. Columns with names may come in any order; others are taken by position.
 *
 * @param {string} text
 * @param {number} size Numbers in a row.
 * @param {string[] | null} [columns] Names of the encoder's columns; null if they have none.
 * @param {boolean} [gaps] Whether an empty cell, or `nan`, is a gap: NaN in the rows.
 * @param {Map<string, string[]>} [categories] Of each column that the text may hold in place of columns of 0
 *   and 1, its categories.
 * @param {number} [most] Rows.
 * @returns {Table}
 * @throws {CsvError} If there are no rows, or a line is not a row, or names are not those of the encoder's
 *   columns. The message names the line, counted from 1.
 */
export function parse(text, size, columns = null, gaps = false, categories = new Map(), most = MAX_ROWS) {
  if (text.length > MAX_BYTES) throw new CsvError("Expected 32 MiB of text at most. Received: more");
  const lines = readLines(text.replace(/^\ufeff/, ""));
  const ahead = take(lines, 1 + COMPARED);
  const form = findForm(ahead);
  const rows = [];
  let places = null;
  for (const line of join(ahead, lines)) {
    if (rows.length === most) {
      throw new CsvError(`Expected ${formatCount(most, "row")} at most. Received: more, from line ${line.number} on`);
    }
    if (line === ahead[0]) places = findPlaces(ahead, size, columns, categories, form);
    if (line !== ahead[0] || places === null) rows.push(parseRow(line, size, places, form, gaps));
  }
  if (rows.length === 0) throw new CsvError(`Expected rows of ${formatCount(size, "number")}. Received: none`);
  return { rows: joinRows(rows, size), count: rows.length };
}

/**
 * @param {string} text
 * @returns {{number: number, width: number} | null} The first line that is not blank, and its cells.
 */
export function findFirst(text) {
  const ahead = take(readLines(text.replace(/^\ufeff/, "")), 1 + COMPARED);
  if (ahead.length === 0) return null;
  return { number: ahead[0].number, width: splitCells(ahead[0], findForm(ahead).delimiter).length };
}

/**
 * Finds how many numbers the rows of a text have, where they may be shorter than others: as many as its first
 * line has cells.
 *
 * @param {string} text
 * @param {import("../model/inputs.js").Sizes} sizes
 * @returns {number}
 * @throws {CsvError} If the encoder takes no such rows.
 */
export function findSize(text, { least, most, step }) {
  const first = least === most ? null : findFirst(text);
  if (first === null) return most;
  const { number, width } = first;
  if (least <= width && width <= most && width % step === 0) return width;
  const wanted = `${least} to ${formatCount(most, "value")}${formatStep(step)}`;
  throw new CsvError(`Line ${number}: expected ${wanted}. Received: ${width}`);
}

/**
 * @param {number} step
 * @returns {string} That the number of numbers in a row is a multiple of it.
 */
export function formatStep(step) {
  return step > 1 ? `, a multiple of ${step}` : "";
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

/** Takes lines from their beginning, and leaves the others. */
function take(lines, count) {
  const taken = [];
  while (taken.length < count) {
    const { value, done } = lines.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

function* join(...parts) {
  for (const part of parts) yield* part;
}

function joinRows(rows, size) {
  const values = new Float32Array(rows.length * size);
  rows.forEach((row, index) => values.set(row, index * size));
  return values;
}

/**
 * Finds what separates cells, and the decimal mark.
 *
 * @param {Line[]} lines The first lines.
 * @returns {Form}
 */
function findForm(lines) {
  const delimiter = findDelimiter(lines);
  return { delimiter, decimal: delimiter !== "," && hasDecimalCommas(lines, delimiter) ? "," : "." };
}

/** The rarest mark with which all lines have the same number of cells, or the most frequent one. */
function findDelimiter(lines) {
  const fits = (delimiter) => {
    const sizes = new Set(lines.map((line) => trySplit(line, delimiter)?.length));
    return sizes.size === 1 && sizes.values().next().value > 1;
  };
  const count = (delimiter) => (lines[0]?.line ?? "").split(delimiter).length;
  const frequent = DELIMITERS.reduce((best, each) => (count(each) > count(best) ? each : best));
  return DELIMITERS.findLast(fits) ?? frequent;
}

/** Whether some cells are like 3,14 and none like 3.14; a comma before three digits may group digits. */
function hasDecimalCommas(lines, delimiter) {
  const cells = lines.flatMap((line) => trySplit(line, delimiter) ?? []);
  const matches = cells.map((cell) => FRACTION.exec(cell)).filter(Boolean);
  const certain = ([, whole, , digits, exponent]) =>
    digits.length !== 3 || whole === "" || whole === "0" || exponent !== undefined;
  return matches.every(([, , mark]) => mark === ",") && matches.some(certain);
}

function trySplit(line, delimiter) {
  try {
    return splitCells(line, delimiter);
  } catch {
    return undefined; // the line is reported when it is read
  }
}

/**
 * Finds the place of each of the encoder's columns in the first line, if that is a header.
 *
 * @returns {{width: number, order: number[], text: [string, string[] | undefined][]} | null} And the number
 *   of cells, each with its name and its categories; null if the line is a row.
 */
function findPlaces(ahead, size, columns, categories, form) {
  const [line] = ahead;
  const names = splitCells(line, form.delimiter);
  const text = names.map((name) => [name, categories.get(name)]);
  const cells = text.flatMap(([name, words]) => words?.map((word) => `${name}=${word}`) ?? [name]);
  const places = new Map(cells.map((cell, place) => [cell, place]));
  const ofEncoder = columns?.every((name) => places.has(name)) ?? false;
  if (!ofEncoder && !nameColumns(cells, size, form) && !beginWithScale(ahead, form)) return null;
  const repeated = cells.filter((cell, place) => places.get(cell) !== place);
  if (repeated.length > 0) {
    throw new CsvError(`Line ${line.number}: expected columns of different names. Received: several of ${list(repeated)}`);
  }
  if (columns === null) {
    if (cells.length !== size) throw widthError(cells.length, size, line.number);
    return { width: size, order: [...cells.keys()], text };
  }
  requireColumns(cells, columns, categories, line.number);
  return { width: names.length, order: columns.map((name) => places.get(name)), text };
}

/** Whether cells are words: no number or truth value, nor gaps alone. One word does not name several columns. */
function nameColumns(cells, size, form) {
  const words = cells.map((cell) => cell.trim());
  // One number makes a line a row: a bad row is reported, but a row read as a header would be lost.
  const isRow = words.some((word) => isNumber(word, form) || Object.hasOwn(TRUTH, word.toLowerCase()));
  return !isRow && !words.every((word) => GAPS.has(word)) && (words.length > 1 || size === 1);
}

/** Whether the first line holds numbers that only rise or only fall, as those of no other line. */
function beginWithScale(lines, form) {
  const isScale = (line) => {
    const numbers = (trySplit(line, form.delimiter) ?? []).map((cell) => toNumber(cell, form));
    const steps = numbers.slice(1).map((value, place) => value - numbers[place]);
    return numbers.length >= SCALE && (steps.every((step) => step > 0) || steps.every((step) => step < 0));
  };
  const [first, ...others] = lines;
  return others.length > 0 && isScale(first) && !others.some(isScale);
}

function requireColumns(names, columns, categories, number) {
  const [given, wanted] = [new Set(names), new Set(columns)];
  const missing = collapse(columns.filter((name) => !given.has(name)), categories);
  const other = names.filter((name) => !wanted.has(name));
  if (missing.length + other.length === 0) return;
  const faults = [missing.length > 0 && `no ${list(missing)}`, other.length > 0 && `also ${list(other)}`];
  throw new CsvError(
    `Line ${number}: expected the ${formatCount(columns.length, "column")} of the encoder, in any order. ` +
      `Received: ${faults.filter(Boolean).join(", ")}`,
  );
}

/** Names with all columns of 0 and 1 of a column of categories replaced by its name. */
function collapse(names, categories) {
  const left = new Set(names);
  const owners = new Map();
  for (const [name, words] of categories) {
    const wide = words.map((word) => `${name}=${word}`);
    if (wide.every((column) => left.has(column))) wide.forEach((column) => owners.set(column, name));
  }
  return [...new Set(names.map((name) => owners.get(name) ?? name))];
}

function list(names) {
  const more = names.length > MAX_SHOWN ? ` and ${names.length - MAX_SHOWN} more` : "";
  return names.slice(0, MAX_SHOWN).map(quote).join(", ") + more;
}

/** Converts a cell; NaN if it holds no finite number. A point beside decimal commas may group digits. */
function toNumber(cell, { decimal }) {
  const text = cell.trim();
  if (decimal === "," && text.includes(".")) return NaN;
  const plain = decimal === "." ? text : text.replaceAll(decimal, ".");
  if (NUMBER.test(plain)) return Math.fround(Number(plain.replaceAll("_", "")));
  return Object.hasOwn(TRUTH, text) ? TRUTH[text] : NaN;
}

/** Whether a cell holds a number, perhaps NaN or one that is too large. */
function isNumber(cell, form) {
  return !Number.isNaN(toNumber(cell, form)) || NAMED.test(cell);
}

/** Whether a cell is empty, or spells a missing value. */
function isGap(cell) {
  return GAPS.has(cell.trim()) || (NAMED.test(cell) && /nan/i.test(cell));
}

function parseRow({ line, number }, size, places, form, gaps) {
  const cells = splitCells({ line, number }, form.delimiter);
  const { width, order } = places ?? { width: size, order: cells.keys() };
  if (cells.length !== width) throw widthError(cells.length, width, number);
  const wide = places === null ? cells : expand(cells, places.text, number, form);
  const row = Float32Array.from(order, (column) => {
    const value = toNumber(wide[column], form);
    if (Number.isFinite(value) || (gaps && isGap(wide[column]))) return value;
    throw new CsvError(`Line ${number}, column ${column + 1}: expected a number. Received: ${quote(wide[column])}`);
  });
  if (row.every(Number.isNaN)) throw new CsvError(`Line ${number}: expected a number in each row. Received: gaps alone`);
  return row;
}

/** Replaces each category by cells of 0 and 1, and a missing one by empty cells. */
function expand(cells, text, number, form) {
  return cells.flatMap((cell, place) => {
    const [name, words] = text[place];
    if (words === undefined) return [cell];
    const word = cell.trim();
    if (GAPS.has(word) && !WORDS.has(word)) return words.map(() => "");
    const found = words.includes(word) ? word : respell(word, form);
    if (words.includes(found)) return words.map((each) => (each === found ? "1" : "0"));
    throw new CsvError(
      `Line ${number}: expected a category of ${quote(name)} that the encoder knows: ${list(words)}. ` +
        `Received: ${quote(cell)}`,
    );
  });
}

/** A number or a truth value in the spelling of training: 1.0 is `1`, True is `true`. */
function respell(word, form) {
  if (Object.hasOwn(TRUTH, word)) return word.toLowerCase();
  const plain = word.replaceAll(form.decimal, ".");
  return NUMBER.test(plain) ? String(Number(plain.replaceAll("_", ""))) : word;
}

/** Splits a line into cells. A quoted cell may contain delimiters, and quotes that are doubled. */
function splitCells({ line, number }, delimiter) {
  if (/[\0\ufffd]/.test(line)) {
    throw new CsvError(`Line ${number}: expected text. Received: binary data; this is not a CSV file`);
  }
  if (!line.includes('"')) return line.split(delimiter);
  const cells = [];
  const cell = QUOTED[delimiter];
  cell.lastIndex = 0;
  const text = `${delimiter}${line}`;
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (match === null) {
      throw new CsvError(`Line ${number}: expected balanced quotes. Received: ${quote(line)}`);
    }
    cells.push(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'));
  }
  return cells;
}

function widthError(width, size, number) {
  return new CsvError(`Line ${number}: expected ${formatCount(size, "value")}. Received: ${width}`);
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
