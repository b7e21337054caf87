/** Rows from CSV and codes as CSV, in Node. TEXTS names a file of texts, with the rows that Python reads. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { findSize, format, parse } from "../../keras_sparse_export/browser/page/base/csv.js";

const texts = JSON.parse(readFileSync(process.env.TEXTS, "utf8"));

test("CSV is read as Python reads it", () => {
  for (const { text, size, columns, categories, rows, gaps } of texts) {
    const found = () => Array.from(parse(text, size, columns, gaps, new Map(categories)).rows);
    const expected = rows && Array.from(Float32Array.from(rows, (value) => value ?? NaN));
    if (rows === null) assert.throws(found, { name: "CsvError" }, JSON.stringify(text));
    else assert.deepEqual(found(), expected, JSON.stringify(text));
  }
});

test("errors in CSV name their line", () => {
  const cases = [
    ["1,2\n1,2,3", /^Line 2: expected 2 values. Received: 3$/],
    ["\n1,2\n\n3,x", /^Line 4, column 2: expected a number. Received: “x”$/],
    ["1,2\n3,1e39", /^Line 2, column 2: expected a number. Received: “1e39”$/],
    ["1,nan", /^Line 1, column 2: expected a number. Received: “nan”$/],
    ["1,", /^Line 1, column 2: expected a number. Received: nothing$/],
    ["1;2\n3", /^Line 2: expected 2 values. Received: 1$/],
    ["1.5;1,5", /^Line 1, column 2: expected a number. Received: “1,5”$/],
    ["a,a\n1,2", /^Line 1: expected columns of different names. Received: several of “a”$/],
    ["a,b,c\n1,2", /^Line 1: expected 2 values. Received: 3$/],
    ["PK\0\0", /^Line 1: expected text. Received: binary data; this is not a CSV file$/],
    ['1,"2', /^Line 1: expected balanced quotes/],
    ["a,b\n", /^Expected rows of 2 numbers. Received: none$/],
    ["1,2\r\n\r\n\r\r\n\n1,x", /^Line 6, column 2/],
    ["1,2\n".repeat(10_001), /^Expected 10,000 rows at most. Received: more, from line 10001 on$/],
  ];
  for (const [text, message] of cases) assert.throws(() => parse(text, 2), { message });
  const message = /^Line 2: expected a number in each row. Received: gaps alone$/;
  assert.throws(() => parse("1,\n, nan", 2, null, true), { message });
});

test("rows that may be shorter have as many numbers as the first line", () => {
  const sizes = { least: 4, most: 12, step: 4 };
  for (const [text, size] of [["1,2,3,4\n1", 4], ["a;b;c;d;e;f;g;h\n1;2;3;4;5;6;7;8", 8], ["", 12], ["\n\n1\t2\t3\t4", 4]]) {
    assert.equal(findSize(text, sizes), size, JSON.stringify(text));
  }
  for (const width of [1, 6, 16]) {
    const message = `Line 2: expected 4 to 12 values, a multiple of 4. Received: ${width}`;
    assert.throws(() => findSize(`\n${Array(width).fill(1)}`, sizes), { name: "CsvError", message });
  }
  assert.throws(() => findSize("1,2,3", { least: 1, most: 2, step: 1 }), { message: "Line 1: expected 1 to 2 values. Received: 3" });
  assert.equal(findSize("1,2", { least: 3, most: 3, step: 3 }), 3);
});

test("errors in names name what is missing and what is too much", () => {
  const cases = [
    ["b,a,label\n1,2,3", "also “label”"],
    ["a,B\n1,2", "no “b”, also “B”"],
    [`${Array(7).fill("x").map((name, place) => name + place)}\n`, "no “a”, “b”, also “x0”, “x1”, “x2”, “x3”, “x4” and 2 more"],
  ];
  for (const [text, received] of cases) {
    const message = `Line 1: expected the 2 columns of the encoder, in any order. Received: ${received}`;
    assert.throws(() => parse(text, 2, ["a", "b"]), { message });
  }
});

test("time is linear in the length of the text", () => {
  const start = performance.now();
  const digits = "1".repeat(200_000);
  for (const cell of [`${digits}x`, `${digits}.${digits}x`, `${"1_".repeat(100_000)}x`, `${" ".repeat(200_000)}x`]) {
    assert.throws(() => parse(`${cell},1`, 2), { message: /expected a number/ });
  }
  assert.throws(() => parse("\n".repeat(2 ** 24), 2), { message: /Received: none/ });
  assert.ok(performance.now() - start < 2000);
});

test("a text is read no further than the limit", () => {
  const rest = "\0\n".repeat(1000); // would be reported if it were read
  assert.throws(() => parse(`${"1\n".repeat(10_001)}${rest}`, 1), { message: /from line 10001 on$/ });
  assert.throws(() => parse(`1\n${rest}`, 2 ** 40), { message: /^Line 1: expected 1,099,511,627,776 values. Received: 1$/ });
});

test("codes are written one row per line, with nine digits", () => {
  const lines = format(Float32Array.of(0, 0.1, 1e-30, 123456.789), 2);
  assert.deepEqual(lines, ["0,0.100000001\n", "1e-30,123456.789\n"]);
});
