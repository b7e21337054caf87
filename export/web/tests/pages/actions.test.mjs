/** Overlapping and failing actions: the latest counts, and the page stays as it was. In Chromium. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { beginWithDigits, csv, drop, expected, hidden, hold, letGo, paste, text, until } from "./visits.mjs";

let session;
let open; // a visit that the tests share

before(async () => ({ session, open } = await beginWithDigits()));

after(() => session?.end());

const [row] = expected.digits.rows;

/** Many rows, of which the first is shown. */
async function begin(page) {
  await paste(page, csv(Array(45).fill(row)), "45 rows of the text");
  await until(page, "#row-caption", "Row 1 of 45");
}

test("a row can be looked at while others are encoded", async () => {
  const { page } = open;
  await begin(page);
  await hold(page, "Encoder", "encode");
  await page.click("#golden-all");
  await until(page, "#progress", "^Encoding: 0 of 32 rows …$");
  await page.click("#next");
  await until(page, "#row-caption", "Row 2 of 45");
  await letGo(page);
  await until(page, "#source", "The golden rows");
  assert.equal(await text(page, "#progress"), "");
});

test("of two entries the latest counts, whichever ends first, and however the other ends", async () => {
  const { page } = open;
  for (const reason of [null, "out of memory"]) {
    await begin(page);
    await hold(page, "Encoder", "encode");
    await page.click("#golden-all");
    await page.select("#golden", "4");
    await until(page, "#row-caption", "Golden row 5");
    await letGo(page, reason);
    await hold(page, "Blob", "text");
    await drop(page, "late.csv", "no numbers");
    await page.select("#golden", "5");
    await until(page, "#row-caption", "Golden row 6");
    await letGo(page, reason);
    assert.equal(await text(page, "#row-caption"), "Golden row 6");
    assert.equal(await page.$eval("#golden", ({ value }) => value), "5");
    assert.equal((await text(page, "#error")) + (await text(page, "#progress")), "");
  }
});

test("a drawing does not come back over what was entered after it", async () => {
  const { page } = open;
  await page.select("#golden", "0");
  await hold(page, "Encoder", "encodeRow");
  await page.click("#clear");
  await page.click("#clear"); // waits for the first
  await page.select("#golden", "3");
  await letGo(page);
  await until(page, "#row-caption", "Golden row 4");
  await page.click("#clear");
  await until(page, "#row-caption", "The drawing");
});

test("every one of several fast clicks counts", async () => {
  const { page } = open;
  await begin(page);
  const click = (id, times) =>
    page.$eval(id, (button, times) => Array.from({ length: times }, () => button.click()), times);
  await click("#next", 4);
  await click("#previous", 1);
  await until(page, "#row-caption", "Row 4 of 45");
});

test("an error is shown, and the row stays", async () => {
  const { page } = open;
  await begin(page);
  await hold(page, "Encoder", "decode");
  await page.click("#next");
  await letGo(page, "out of memory");
  await until(page, "#error", "^Unexpected error: out of memory.$");
  assert.equal(await text(page, "#row-caption"), "Row 1 of 45");
  await page.click("#next");
  await until(page, "#row-caption", "Row 2 of 45");
  assert.equal(await text(page, "#error"), "");
  await paste(page, csv([Array(64).fill(3e38)]));
  await until(page, "#error", "^Expected finite numbers of encoder.onnx. Received: NaN or infinity");
  assert.equal(await text(page, "#row-caption"), "Row 2 of 45");
});

test("a measurement that fails can be tried again", async () => {
  const { page } = open;
  const button = () => page.$eval("#measure", (node) => [node.textContent, getComputedStyle(node).cursor]);
  await hold(page, "OnnxModel", "run");
  await page.click("#measure");
  assert.deepEqual(await button(), ["Measuring …", "not-allowed"]);
  await letGo(page, "out of memory");
  await until(page, "#error", "out of memory");
  assert.deepEqual(await button(), ["Measure again", "pointer"]);
});

test("the console is empty after all that", () => assert.deepEqual(open.messages, []));

test("a first row that cannot be shown does not fail the verification", async () => {
  const once = `
    const { decode } = Encoder.prototype;
    Encoder.prototype.decode = async () => {
      Encoder.prototype.decode = decode;
      throw new Error("out of memory");
    };`;
  const spoiled = (bytes) => Buffer.from(bytes + once);
  const { page, messages, close } = await session.visit("digits", { replace: { "/encoder.js": spoiled } });
  await until(page, "#error", "out of memory");
  assert.equal(await text(page, "#trust-status"), "Verified: files are intact and outputs match the golden rows.");
  assert.ok(await hidden(page, "#code"));
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  await page.select("#golden", "2");
  await until(page, "#row-caption", "Golden row 3");
  assert.equal(await text(page, "#error"), "");
  assert.deepEqual(messages, []);
  await close();
});
