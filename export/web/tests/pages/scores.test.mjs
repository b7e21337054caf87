/** What the page shows of scores and alarms, in Chromium. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { json } from "../files.mjs";
import { begin, csv, expected, faint, hidden, near, paste, saved, text, until } from "./visits.mjs";

const { rows, codes, scores, alarms } = expected.scored;

let session;
let open; // a visit that the tests share

before(async () => {
  session = await begin();
  open = await session.visit("scored");
});

after(() => session?.end());

test("scores and alarms of rows are those of Python, and so are the codes beside them", async () => {
  const { page } = open;
  await until(page, "#checks", "score\\.onnx: outputs match 32 golden rows");
  await paste(page, csv(rows), `${rows.length} rows of the text`);
  assert.equal(await text(page, "#scores-count"), `${alarms.length} alarms in ${rows.length} rows.`);
  near(await saved(page), codes);
  const [header, ...lines] = await saved(page, "scores");
  assert.equal(header, "row,score,threshold,alarm");
  const cells = lines.map((line) => line.split(",").map(Number));
  cells.forEach(([row, score], place) => {
    assert.equal(row, place);
    assert.ok(Math.abs(score - scores[place]) <= 1e-5 * scores[place]);
  });
  assert.deepEqual(cells.flatMap(([row, , , alarm]) => (alarm ? [row] : [])), alarms);
});

test("the verdict of a row is told, and a button goes from alarm to alarm", async () => {
  const { page } = open;
  await paste(page, csv(rows), `${rows.length} rows of the text`);
  assert.match(await text(page, "#verdict"), /^Score 1\.\d+, not above \S+: no alarm$/);
  for (const row of [...alarms, alarms[0]]) {
    await page.click("#next-alarm");
    await until(page, "#row-caption", `^Row ${row + 1} of`);
    const [, score] = (await text(page, "#verdict")).match(/^Score (\S+), above \S+: alarm$/);
    assert.ok(Math.abs(score - scores[row]) <= 1e-3 * scores[row]);
  }
  const marked = await page.$$eval("#table td.alarm", (cells) => cells.map(({ textContent }) => textContent));
  assert.equal(marked.length, alarms.filter((row) => row < 20).length);
  assert.ok(marked.every((cell) => /^\S+, alarm$/.test(cell)));
});

test("the curve tells in words what it shows, and a click shows the row there", async () => {
  const { page } = open;
  await paste(page, csv(rows), `${rows.length} rows of the text`);
  const words = await page.$eval("#curve", (canvas) => canvas.getAttribute("aria-label"));
  assert.match(words, /^Scores of 40 rows, from \S+ to 3\d+\. Alarms at 8, 9, 10, /);
  await page.$eval("#curve", (canvas) => {
    const { right } = canvas.getBoundingClientRect();
    canvas.dispatchEvent(new MouseEvent("click", { clientX: right - 12, bubbles: true }));
  });
  await until(page, "#row-caption", `^Row ${rows.length} of`);
});

test("one row has a verdict and no curve", async () => {
  const { page } = open;
  await paste(page, csv(rows.slice(7, 8)), "");
  await until(page, "#row-caption", "^1 row of the text");
  await until(page, "#verdict", ": alarm$");
  assert.ok(await hidden(page, "#curve"));
});

test("code and score come of one run, and encoder.onnx does not run beside it", async () => {
  const { page } = open;
  await page.evaluate(async () => {
    const { OnnxModel } = await import(new URL("model/onnx_model.js", document.baseURI));
    const { run } = OnnxModel.prototype;
    globalThis.ran = [];
    OnnxModel.prototype.run = function (...given) {
      globalThis.ran.push(this.name);
      return run.apply(this, given);
    };
  });
  await paste(page, csv(rows), `${rows.length} rows of the text`);
  assert.deepEqual(await page.evaluate(() => globalThis.ran), ["score.onnx"]);
});

test("what the rate rests on is told, and an estimate is called one", async () => {
  assert.match(await text(open.page, "#scores-basis"), /^Alarm above \S+: false alarms at a rate of 0\.05, by 200 rows\.$/);
  const estimate = { needed: 999, thresholds: [1.5, 2.5], rates: [0, 0.5], mean_rate: 0.0125 };
  const guess = json(({ score }) => Object.assign(score.alarm, { false_alarm_rate: 0.001, estimate }));
  const { page, close } = await session.visit("scored", { replace: { "bundle/manifest.json": guess } });
  await until(page, "#trust-status", "^Verified");
  const basis = /: an estimate, since a rate of 0\.001 needs 999 rows and there are 200; without one of them 1\.5 to 2\.5, and alarms at a rate of 0\.0125 in it\.$/;
  assert.match(await text(page, "#scores-basis"), basis);
  await close();
});

test("without a threshold there are scores, and no alarms", async () => {
  const { page, messages, close } = await session.visit("scored gaps");
  const given = expected["scored gaps"];
  await paste(page, csv(given.rows), `${given.rows.length} rows of the text`);
  assert.equal(await text(page, "#scores-count"), `${given.rows.length} rows scored.`);
  assert.match(await text(page, "#scores-basis"), /^The bundle has no threshold/);
  assert.match(await text(page, "#verdict"), /^Score \S+$/);
  assert.ok(await hidden(page, "#next-alarm"));
  const [, first] = await saved(page, "scores");
  assert.match(first, /^0,[\d.e-]+,,$/);
  assert.deepEqual(messages, []);
  await close();
});

test("the curve is as wide as its place, and texts can be read, in light and dark", async () => {
  const { page } = open;
  await paste(page, csv(rows), `${rows.length} rows of the text`);
  for (const width of [360, 1280]) {
    for (const value of ["light", "dark"]) {
      await page.setViewport({ width, height: 900 });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
      await page.waitForFunction(() => Math.abs(document.querySelector("#curve").width - document.querySelector("#curve").clientWidth * devicePixelRatio) < 1);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
      assert.deepEqual(await page.evaluate(faint), []);
    }
  }
});

test("the console is empty after all that", () => assert.deepEqual(open.messages, []));
