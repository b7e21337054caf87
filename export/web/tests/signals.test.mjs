/**
 * Recordings and their windows, in Node.
 *
 * SIGNALS names a file with wav files and what Python reads of them, and with windows that Python cuts.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { formatScores } from "../../keras_sparse_export/browser/page/model/scores.js";
import { readWav } from "../../keras_sparse_export/browser/page/signals/wav.js";
import { countTail, countWindows, Windows, WindowStream } from "../../keras_sparse_export/browser/page/signals/windows.js";
import { findTicks, scaleScores } from "../../keras_sparse_export/browser/page/view/ticks.js";

const { wavs, windows } = JSON.parse(readFileSync(process.env.SIGNALS ?? process.argv[2], "utf8"));

test("wav files give the samples that Python reads, and are refused where Python refuses them", () => {
  for (const [content, wanted] of wavs) {
    const bytes = Uint8Array.from(Buffer.from(content, "base64"));
    if (wanted === null) {
      assert.throws(() => readWav(bytes, "a.wav"), { name: "RowError", message: /^Expected .* in a\.wav\. Received: .*\. Remedy: / });
      continue;
    }
    const { rate, channels, frames, read } = readWav(bytes, "a.wav");
    assert.deepEqual([rate, channels, frames * channels], [wanted.rate, wanted.channels, wanted.samples.length]);
    assert.deepEqual([...read(0, frames)], wanted.samples);
    if (frames > 2) assert.deepEqual([...read(1, 3)], wanted.samples.slice(channels, 3 * channels));
  }
});

/** A recording of samples that count. */
function count(frames, channels, rate = null) {
  const samples = Float32Array.from({ length: frames * channels }, (_, place) => place);
  return { channels, rate, frames, read: (start, end) => samples.subarray(start * channels, end * channels) };
}

test("recordings are cut into the windows of Python, at once or as they come", () => {
  for (const { cut, frames, rows, tail } of windows) {
    assert.deepEqual([countWindows(frames, cut), countTail(frames, cut)], [rows.length, tail]);
    const recording = count(frames, cut.channels);
    if (rows.length === 0) {
      assert.throws(() => new Windows(recording, cut), /one window\. Received: \d+ samples?$/);
    } else {
      const found = new Windows(recording, cut);
      assert.deepEqual([...found.subarray(0, found.length)], rows.flat());
      assert.deepEqual([...found.slice(found.length - found.size, found.length)], rows.at(-1));
    }
    if (cut.channels > 1) continue;
    for (const size of [1, 3, 50]) {
      const stream = new WindowStream(cut);
      const parts = Array.from({ length: Math.ceil(frames / size) }, (_, part) =>
        recording.read(part * size, Math.min(frames, (part + 1) * size)),
      );
      assert.deepEqual(parts.flatMap((part) => stream.push(part)).map((row) => [...row]), rows);
    }
  }
});

test("recordings of another form, too long or not finite are refused", () => {
  const cut = { window: 4, hop: 2, sampling_rate: 8000, channels: 1 };
  assert.throws(() => new Windows(count(9, 1, 16_000), cut), /^RowError: Expected 8000 samples a second, .* Received: 16000\. Remedy/);
  assert.throws(() => new Windows(count(9, 2, 8000), cut), /^RowError: Expected a recording of 1 channel, .* Received: 2 channels\./);
  assert.equal(new Windows(count(9, 1, 16_000), { ...cut, sampling_rate: null }).count, 3);
  assert.equal(new Windows(count(9, 1), cut).count, 3);
  assert.throws(() => new Windows(count(200_004, 1), cut), /^RowError: Expected 100,000 windows at most\. Received: 100,001 windows\./);
  const odd = { ...count(9, 1), read: (start, end) => Float32Array.of(1, 2, 3, 4, 5, NaN, 7, 8, 9).subarray(start, end) };
  const found = new Windows(odd, cut);
  assert.deepEqual([...found.subarray(0, 4)], [1, 2, 3, 4]);
  assert.throws(() => found.subarray(4, 8), /^RowError: Expected finite samples\. Received: NaN in sample 6$/);
});

test("scores are written with the start of their window", () => {
  const scores = Float32Array.of(0.5, 2);
  const alarm = { threshold: 1 };
  const cut = { window: 4, hop: 2, sampling_rate: 8, channels: 1 };
  assert.deepEqual(formatScores(scores, alarm), ["row,score,threshold,alarm\n", "0,0.5,1,0\n", "1,2,1,1\n"]);
  assert.deepEqual(formatScores(scores, null, cut).slice(0, 3), ["window,seconds,score,threshold,alarm\n", "0,0,0.5,,\n", "1,0.25,2,,\n"]);
  assert.deepEqual(formatScores(scores, null, { ...cut, sampling_rate: null })[2], "1,2,2,,\n");
});

test("axes have round numbers, and scores far above the threshold a logarithmic one", () => {
  assert.deepEqual(findTicks({ low: 0, high: 1.05 }, 5), [0, 0.5, 1]);
  assert.deepEqual(findTicks({ low: -60, high: 0 }, 6), [-60, -50, -40, -30, -20, -10, 0]);
  assert.deepEqual(findTicks({ low: 3, high: 3 }, 5), [3]);
  const near = scaleScores(Float32Array.of(0.5, 2), 1);
  assert.deepEqual([near.label, near.toFraction(0), near.toFraction(2.1)], ["Score", 0, 1]);
  const far = scaleScores(Float32Array.of(0, 0.5, 2000), 1);
  assert.equal(far.label, "Score, logarithmic");
  assert.deepEqual(far.ticks, [0.1, 1, 10, 100, 1000, 10_000]);
  assert.deepEqual([0, 0.1, 10_000].map(far.toFraction), [0, 0, 1]);
  assert.equal(scaleScores(Float32Array.of(0, 0), 0).toFraction(0), 0);
});
