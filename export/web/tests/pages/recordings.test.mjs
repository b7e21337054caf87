/** Recordings that are dropped, in Chromium: windows of a wav file or of a CSV, and their scores. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { makeWav } from "../files.mjs";
import { begin, drop, expected, faint, hidden, near, paste, saved, text, until } from "./visits.mjs";

const { rows, codes, scores, alarms } = expected.windows;
const samples = [...rows.flatMap((row, place) => (place === 0 ? row : row.slice(32))), ...Array(13).fill(0)];

let session;
let open; // a visit that the tests share

before(async () => {
  session = await begin();
  open = await session.visit("windows");
});

after(() => session?.end());

/** The lines of the saved scores are those of Python. */
async function requireScores(page) {
  const [header, ...lines] = await saved(page, "scores");
  assert.equal(header, "window,seconds,score,threshold,alarm");
  const cells = lines.map((line) => line.split(",").map(Number));
  assert.deepEqual(cells.map(([window, seconds]) => [window, seconds]), rows.map((_, place) => [place, (4 * place) / 1000]));
  cells.forEach(([, , score], place) => assert.ok(Math.abs(score - scores[place]) <= 1e-5 * scores[place]));
  assert.deepEqual(cells.flatMap(([window, , , , alarm]) => (alarm ? [window] : [])), alarms);
}

test("a wav file is cut into windows, whose codes and scores are those of Python", async () => {
  const { page } = open;
  assert.match(await text(page, "#csv-note"), /^A recording is a \.wav of 1 channel at 8,000 samples a second, or a CSV or \.npy of one column/);
  assert.match(await text(page, "#csv-note"), /windows of 64 samples, 0\.008 s, one every 32 samples, 0\.004 s\.$/);
  assert.match(await text(page, "#file-label"), /^Or choose a \.wav, \.csv or \.npy, or drop/);
  assert.match(await text(page, "#summary"), /^64 samples in, \d+ units out\. /);
  assert.ok(await drop(page, "sound.wav", makeWav(samples, { rate: 8000 })));
  const source = `${rows.length} windows of sound.wav, 16,013 samples (2.002 s); the last 13 samples (0.001625 s) fill no window`;
  await until(page, "#source", source.replace(/[().]/g, "\\$&"));
  assert.equal(await text(page, "#scores-count"), `${alarms.length} alarms in ${rows.length} windows.`);
  near(await saved(page), codes);
  await requireScores(page);
  await page.click("#next-alarm");
  await until(page, "#row-caption", `^Window ${alarms[0] + 1} of ${rows.length}, 0\\.072 to 0\\.08 s, scaled, as a line$`);
  assert.match(await page.$eval("#curve", (canvas) => canvas.ariaLabel), /^Scores of 499 windows, from \S+ to \S+\. Alarms at 0\.072 s, /);
});

test("a CSV of samples is cut alike, and a CSV of windows is taken as rows", async () => {
  const { page } = open;
  await drop(page, "sound.csv", `sound\n${samples.join("\n")}`);
  await until(page, "#source", `^${rows.length} windows of sound\\.csv, 16,013 samples`);
  await requireScores(page);
  await paste(page, rows.slice(0, 3).map((row) => row.join(",")).join("\n"), "3 rows of the text");
  near(await saved(page), codes.slice(0, 3));
});

test("a .npy holds samples or windows", async () => {
  const { page } = open;
  const npy = (shape, numbers) => {
    const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`.padEnd(117) + "\n";
    const head = Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), Buffer.from([118, 0]), Buffer.from(header)]);
    return Buffer.concat([head, Buffer.from(Float32Array.from(numbers).buffer)]);
  };
  await drop(page, "sound.npy", npy(`${samples.length},`, samples));
  await until(page, "#source", `^${rows.length} windows of sound\\.npy, 16,013 samples`);
  await requireScores(page);
  await drop(page, "rows.npy", npy("3, 64", rows.slice(0, 3).flat()));
  await until(page, "#source", "^3 rows of rows\\.npy$");
  near(await saved(page), codes.slice(0, 3));
  await drop(page, "rows.npy", npy("3, 63", samples.slice(0, 189)));
  await until(page, "#error", "^Expected 1 to 10,000 rows of 64 numbers in rows\\.npy\\. Received: \\(3, 63\\)\\.$");
  await drop(page, "rows.npy", npy("1, 64", [NaN, ...rows[0].slice(1)]));
  await until(page, "#error", "^Expected finite numbers in rows\\.npy\\. Received: NaN in row 1\\.$");
});

test("a recording of another form is refused by name, and what was shown stays", async () => {
  const { page } = open;
  await paste(page, rows.slice(0, 2).map((row) => row.join(",")).join("\n"), "2 rows of the text");
  const cases = [
    [makeWav(samples, { rate: 44_100 }), "^Expected 8000 samples a second, the sampling rate of the manifest\\. Received: 44100\\. Remedy: ffmpeg"],
    [makeWav(samples.slice(1), { rate: 8000, channels: 2 }), "^Expected a recording of 1 channel, as in the manifest\\. Received: 2 channels\\."],
    [makeWav(samples.slice(0, 63), { rate: 8000 }), "^Expected a recording of 64 samples or more, one window\\. Received: 63 samples\\."],
    ["no wav", "^Expected a wav file, which begins with RIFF and WAVE in sound\\.wav"],
  ];
  for (const [content, message] of cases) {
    await drop(page, "sound.wav", content);
    await until(page, "#error", message);
    assert.equal(await text(page, "#source"), "2 rows of the text");
  }
});

test("the page answers while a long recording is scored, and another entry replaces it", async () => {
  const { page } = open;
  const long = Array.from({ length: 1_600_000 }, (_, place) => samples[place % samples.length]);
  await drop(page, "long.wav", makeWav(long, { rate: 8000 }));
  await until(page, "#progress", "^Encoding: \\d+ of 49999 windows …$");
  await page.select("#golden", "2");
  await until(page, "#row-caption", "^Golden row 3");
  assert.equal(await text(page, "#progress"), "");
});

test("a recording needs a bundle that says how to cut it", async () => {
  const { page, messages, close } = await session.visit("scored");
  assert.equal(await text(page, "#csv-title"), "CSV");
  await drop(page, "sound.wav", makeWav(samples, { rate: 8000 }));
  await until(page, "#error", "^Expected rows as CSV\\. Received: sound\\.wav, a recording\\.");
  assert.deepEqual(messages, []);
  await close();
});

test("windows of 64 samples are no pictures, and texts can be read", async () => {
  const { page } = open;
  assert.ok(await hidden(page, "#draw"));
  for (const width of [360, 1280]) {
    await page.setViewport({ width, height: 900 });
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
    assert.deepEqual(await page.evaluate(faint), []);
  }
});

test("the console is empty after all that", () => assert.deepEqual(open.messages, []));
