/** What the page shows of a bundle and of rows, in Chromium. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { json } from "../files.mjs";
import { alone, beginWithDigits, csv, drop, expected, hidden, near, paste, saved, text, until } from "./visits.mjs";

let session;
let open; // a visit that the tests share

before(async () => ({ session, open } = await beginWithDigits()));

after(() => session?.end());

test("it verifies the bundle, and says so line by line", async () => {
  const { page } = open;
  assert.equal(await text(page, "#trust-status"), "Verified: files are intact and outputs match the golden rows.");
  const lines = await page.$$eval("#checks li", (items) => items.map((item) => item.textContent));
  assert.match(lines[2], /^(\d+) of \1 files are intact: size and SHA-256 match\.$/);
  assert.match(lines[3], /^encoder\.onnx: outputs match 32 golden rows; largest difference \S+, allowed \S+e-5\.$/);
  assert.equal(lines[4], "The 5 largest codes of each golden row match.");
  assert.match(lines[5], /^decoder\.onnx: outputs match/);
  assert.match(await text(page, "#about"), /opset 17.*1\.12 or newer.*encoder\.onnx/);
  await until(page, "#row-caption", "Golden row 1");
});

test("the codes of pasted rows are those of Python", async () => {
  const { page } = open;
  const { rows, codes, threshold } = expected.digits;
  await paste(page, `\n${csv(rows)}\n`, `${rows.length} rows of the text`);
  near(await saved(page), codes);
  for (const [row, code] of codes.slice(0, 3).entries()) {
    const active = code.filter((value) => value > threshold).length;
    await until(page, "#row-caption", `Row ${row + 1} of ${codes.length}`);
    assert.equal(await text(page, "#active"), `${active} of ${code.length} units active: |code| above τ = 0`);
    const shown = await page.$$eval("#units li", (items) =>
      items.map((item) => [item.querySelector("span").textContent, item.querySelector("b").textContent]),
    );
    const largest = code
      .map((value, unit) => [value, unit])
      .filter(([value]) => value > threshold)
      .sort((a, b) => b[0] - a[0] || a[1] - b[1])
      .slice(0, 12);
    assert.deepEqual(shown.map(([name]) => name), largest.map(([, unit]) => `Unit ${unit}`));
    shown.forEach(([, value], place) => assert.ok(Math.abs(value - largest[place][0]) <= 5e-4 * largest[place][0]));
    assert.equal((await page.$$("#units canvas")).length, largest.length);
    await page.click("#next");
  }
  await page.click("#previous");
  await until(page, "#row-caption", "Row 3 of");
});

test("what units add, and the reconstruction, are those of Python", async () => {
  const { page } = open;
  const { rows, errors } = expected.digits;
  await paste(page, csv(rows.slice(0, 1)), "1 row of the text");
  const error = errors[0].reduce((sum, each) => sum + each, 0) / errors[0].length;
  const shown = (await text(page, "#back-caption")).match(/^Reconstruction: mean squared error (.*)$/)[1];
  assert.ok(Math.abs(shown - error) <= 1e-3 * error);
});

test("errors are in the space of the loss, and name the worst column", { skip: alone }, async () => {
  const { page, close } = await session.visit("table");
  const { rows, errors } = expected.table;
  await paste(page, csv(rows), `${rows.length} rows of the text`);
  for (const [row, own] of errors.entries()) {
    await until(page, "#row-caption", `Row ${row + 1} of`);
    const shown = /scaled, and its reconstruction as a wider line: mean squared error (\S+); the largest, (\S+), in column “(.*)”$/;
    const [, mean, largest, name] = (await text(page, "#row-caption")).match(shown);
    const expected = own.reduce((sum, each) => sum + each, 0) / own.length;
    assert.ok(Math.abs(mean - expected) <= 1e-3 * expected);
    assert.ok(Math.abs(largest - Math.max(...own)) <= 1e-3 * largest);
    assert.equal(name, `column ${own.indexOf(Math.max(...own))}`);
    const cell = await page.$eval(`#table tr:nth-child(${row + 1}) td:last-child`, (cell) => cell.textContent);
    assert.equal(cell, `${mean}, most in column “${name}”`);
    await page.click("#next");
  }
  await close();
});

test("bad CSV is told by line, and what was shown stays", async () => {
  const { page } = open;
  await paste(page, csv(expected.digits.rows), "rows of the text");
  const before = [await text(page, "#active"), await text(page, "#source")];
  const cases = [
    ["1,2,3", "Line 1: expected 64 values. Received: 3."],
    [`${csv(expected.digits.rows)}\n${"x".padEnd(127, ",1")}`, "column 1: expected a number. Received: “x”."],
    ["\0PNG", "this is not a CSV file."],
    ["", "Expected rows of 64 numbers. Received: none."],
    ["<img src=x onerror=alert(1)>", "Line 1: expected 64 values. Received: 1."],
  ];
  for (const [content, message] of cases) {
    await paste(page, content);
    await until(page, "#error", RegExp.escape?.(message) ?? message.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    assert.deepEqual([await text(page, "#active"), await text(page, "#source")], before);
  }
  await paste(page, csv(expected.digits.rows), "rows of the text");
  assert.equal(await text(page, "#error"), "");
});

test("a file can be chosen", async () => {
  const { page } = open;
  const { rows, codes } = expected.digits;
  const folder = mkdtempSync(join(tmpdir(), "page-"));
  const file = join(folder, "chosen.csv");
  writeFileSync(file, `${rows[0].map((_, column) => `"pixel, ${column}"`)}\n${csv(rows)}`);
  await (await page.$("#file")).uploadFile(file);
  await until(page, "#source", `${rows.length} rows of chosen.csv`);
  near(await saved(page), codes);
  rmSync(folder, { recursive: true });
});

test("a file can be dropped", async () => {
  const { page } = open;
  const { rows, codes } = expected.digits;
  assert.ok(await drop(page, "dropped.csv", csv(rows.slice(0, 2))));
  await until(page, "#source", "2 rows of dropped.csv");
  near(await saved(page), codes.slice(0, 2));
  await drop(page, "a.png", "\x89PNG\0");
  await until(page, "#error", "this is not a CSV file");
  assert.equal(await text(page, "#source"), "2 rows of dropped.csv");
});

test("many rows come in pages, and a row of the table can be looked at", async () => {
  const { page } = open;
  const [row] = expected.digits.rows;
  await paste(page, csv(Array(45).fill(row)), "45 rows of the text");
  assert.equal((await page.$$("#table tr")).length, 20);
  await page.click("#table-previous");
  assert.match(await text(page, "#table-caption"), /^Rows 41 to 45 of 45\./);
  await page.click('#table [aria-label="Show row 44"]');
  await until(page, "#row-caption", "Row 44 of 45");
  await page.click("#golden-all");
  await until(page, "#source", "The golden rows");
  await until(page, "#table-caption", "Rows 1 to 20 of 32");
  await page.select("#golden", "2");
  await until(page, "#row-caption", "Golden row 3");
});

test("it measures how fast it is", async () => {
  const { page } = open;
  await page.click("#measure");
  await until(page, "#speed", "rows per second");
  const [median, p99] = (await text(page, "#speed")).match(/[\d.]+(?= µs)/g).map(Number);
  assert.ok(median > 0 && median <= p99);
});

test("it asked for nothing elsewhere, and the console is empty", () => {
  const { requests, messages, url: site } = open;
  assert.ok(requests.length > 10);
  const elsewhere = requests.filter((url) => !url.startsWith(site) && !url.startsWith("blob:"));
  assert.deepEqual(elsewhere, []);
  assert.deepEqual(messages, []);
});

test("columns with names may come in any order", { skip: alone }, async () => {
  const { page, close } = await session.visit("plain");
  const { rows, codes } = expected.plain;
  const names = rows[0].map((_, column) => `column ${column}`);
  const label = await text(page, "#text-label");
  assert.equal(label, "Rows of 12 numbers, one per line; with names above them, columns may come in any order");
  await paste(page, csv([names, ...rows].map((row) => row.toReversed())), `${rows.length} rows of the text`);
  near(await saved(page), codes);
  await paste(page, csv([[...names, "label"], ...rows.map((row) => [...row, 1])]));
  await until(page, "#error", "Line 1: expected the 12 columns of the encoder, in any order. Received: also “label”");
  await close();
});

test("a bundle without a decoder, of rows that are no pictures", { skip: alone }, async () => {
  const { page, messages, close } = await session.visit("plain");
  const { rows, codes } = expected.plain;
  await until(page, "#checks", "encoder\\.int8\\.onnx: outputs match");
  await until(page, "#golden-kind", "32 golden rows in the bundle, taken from the sample");
  assert.ok(await hidden(page, "#draw"));
  await paste(page, csv(rows), "rows of the text");
  near(await saved(page), codes);
  assert.ok(await hidden(page, "#back"));
  assert.equal((await page.$$("#units canvas")).length, 0);
  assert.match(await page.$eval("#row", (canvas) => canvas.ariaLabel), /as a line$/);
  assert.deepEqual(messages, []);
  await close();
});

test("an empty cell is a gap where the encoder takes gaps", { skip: alone }, async () => {
  const { page, messages, close } = await session.visit("gaps");
  const { rows, codes } = expected.gaps;
  await until(page, "#checks", "encoder\\.onnx: outputs match 32 golden rows");
  assert.match(await text(page, "#text-label"), /an empty cell is a gap$/);
  await paste(page, rows.map((row) => row.join(",")).join("\n"), "rows of the text"); // null joins as nothing
  near(await saved(page), codes);
  assert.deepEqual(messages, []);
  await close();
});

test("rows of one length or another are taken where an encoder takes them", { skip: alone }, async () => {
  const { page, messages, close } = await session.visit("lengths");
  const { rows, codes, shorter } = expected.lengths;
  await until(page, "#checks", "encoder\\.onnx: outputs match 32 golden rows");
  assert.match(await text(page, "#summary"), /^Up to 12 × 4 numbers in, 6 units out at each of up to 10 positions\./);
  assert.match(await text(page, "#about"), /Input\(3 to 12, 4\), raw rows/);
  assert.equal(await text(page, "#text-label"), "Rows of 12 to 48 numbers, a multiple of 4, all of one length, one per line");
  for (const each of [...shorter, { rows, codes }]) {
    await paste(page, csv(each.rows), `${rows.length} rows of the text`);
    const positions = each.codes[0].length / 6;
    await until(page, "#active", `of 6 units active${positions > 1 ? ` per position, on average over ${positions}` : ""}: `);
    near(await saved(page), each.codes);
    await page.click("#next");
    await until(page, "#row-caption", "Row 2 of 5");
  }
  await paste(page, "1,2,3,4,5");
  await until(page, "#error", "Line 1: expected 12 to 48 values, a multiple of 4. Received: 5");
  assert.deepEqual(messages, []);
  await close();
});

test("codes of either sign are shown by magnitude", { skip: alone }, async () => {
  const { page, messages, close } = await session.visit("signed");
  const { rows, codes, active } = expected.signed;
  await paste(page, csv(rows), "rows of the text");
  near(await saved(page), codes);
  const count = active[0].filter(Boolean).length;
  assert.equal(await text(page, "#active"), `${count} of ${codes[0].length} units active: |code| above τ = 0.1`);
  const largest = codes[0]
    .map((value, unit) => ({ value, unit }))
    .filter(({ unit }) => active[0][unit])
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .slice(0, 12);
  assert.ok(largest.some(({ value }) => value < 0));
  const names = await page.$$eval("#units span", (spans) => spans.map((span) => span.textContent));
  assert.deepEqual(names, largest.map(({ unit }) => `Unit ${unit}`));
  const widths = await page.$$eval("#units .bar", (bars) => bars.map((bar) => Number.parseFloat(bar.style.width)));
  widths.forEach((width, place) => {
    assert.ok(Math.abs(width - 100 * Math.abs(largest[place].value / largest[0].value)) < 1);
  });
  assert.deepEqual(messages, []);
  await close();
});

test("codes with positions are shown as their mean, of units active at any", { skip: alone }, async () => {
  const { rows, codes } = expected.positions;
  const [code] = codes;
  const threshold = Math.floor(0.9 * Math.max(...code)); // above every mean
  const rarely = json((manifest) => (manifest.threshold = threshold));
  const { page, messages, close } = await session.visit("positions", { replace: { "bundle/manifest.json": rarely } });
  await until(page, "#golden-kind", "32 golden rows in the bundle, synthetic");
  await until(page, "#draw-range", "Cell values run from 0 to 1");
  await paste(page, csv(rows), "rows of the text");
  near(await saved(page), codes);
  const active = code.filter((value) => value > threshold).length / 8;
  assert.equal(await text(page, "#active"), `${active} of 6 units active per position, on average over 8: |code| above τ = ${threshold}`);
  assert.match(await text(page, "#whole-caption"), /^The code, as the mean over positions/);
  assert.match(await text(page, "#units-note"), /^Units active at any position; codes are means over all positions\./);
  const means = Array.from({ length: 6 }, (_, unit) =>
    code.filter((_, place) => place % 6 === unit).reduce((sum, value) => sum + value / 8, 0),
  );
  assert.ok(Math.max(...means) < threshold);
  const largest = means
    .map((value, unit) => [value, unit])
    .filter(([, unit]) => code.some((value, place) => place % 6 === unit && value > threshold))
    .sort(([a], [b]) => b - a);
  assert.ok(largest.length > 0);
  const names = await page.$$eval("#units span", (spans) => spans.map((span) => span.textContent));
  assert.deepEqual(names, largest.map(([, unit]) => `Unit ${unit}`));
  assert.ok(Math.abs((await text(page, "#units b")) - largest[0][0]) <= 5e-4 * largest[0][0]);
  assert.match(await text(page, "#table"), new RegExp(`${largest[0][1]}:`));
  assert.deepEqual(messages, []);
  await close();
});

test("the control of the L0 shows fewer units, with the codes of Python", { skip: alone }, async () => {
  const { page, messages, close } = await session.visit("refined");
  const lines = await page.$$eval("#checks li", (items) => items.map((item) => item.textContent));
  assert.ok(lines.includes("encoder.onnx: 2 gates with exactly the thresholds of the manifest."));
  assert.match(await text(page, "#about"), /Thresholds0\.3, then 0\.1 to 0\.8, per unit/);
  const { rows, codes, lowered } = expected.refined;
  await paste(page, csv(rows), `${rows.length} rows of the text`);
  await page.click("#next");
  await until(page, "#row-caption", "Row 2 of");
  const choose = (l0) =>
    page.$eval("#l0", (slider, l0) => ((slider.value = l0), slider.dispatchEvent(new Event("input"))), l0);
  for (const { l0, codes, threshold } of [...lowered.slice(1), ...lowered.slice(0, 1)]) {
    await choose(l0);
    const active = codes[1].filter((code) => code > threshold).length;
    const above = l0 === lowered[0].l0 ? 0 : Number(threshold.toPrecision(4)); // the bundle's own τ
    await until(page, "#active", `^${active} of 8 units active: .code. above τ = ${above}$`);
    assert.match(await text(page, "#row-caption"), /^Row 2 of/);
    near(await saved(page), codes);
  }
  assert.match(await text(page, "#l0-value"), /, the bundle's own$/);
  near(await saved(page), codes);
  assert.deepEqual(messages, []);
  await close();
});

test("a bundle without calibration has no such control", async () => {
  assert.ok(await hidden(open.page, "#l0"));
});
