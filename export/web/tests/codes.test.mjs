/** Measures of codes, in Node. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { describeActivity, findActivity } from "../../keras_sparse_export/browser/page/model/activity.js";
import { averagePositions, computeErrors, countActive, findActive, scaleRow, selectLargest } from "../../keras_sparse_export/browser/page/model/codes.js";
import { extent, formatCount, toFraction } from "../../keras_sparse_export/browser/page/base/numbers.js";

test("a unit is active if it is active at any position", () => {
  const code = Float32Array.of(0, 3, 0, 1, 4, 1, 1, 1); // two positions of four units
  const mean = averagePositions(code, 4);
  assert.deepEqual([...mean], [2, 2, 0.5, 1]);
  const activity = { threshold: 2, signed: true };
  assert.equal(countActive(code, 4, activity), 1);
  const active = findActive(code, 4, activity);
  assert.deepEqual([...active], [1, 1, 0, 0]); // though no mean exceeds 2
  const units = [{ unit: 0, value: 2 }, { unit: 1, value: 2 }];
  assert.deepEqual(selectLargest(mean, active, 8), units);
  assert.deepEqual(selectLargest(mean, active, 1), units.slice(0, 1));
});

test("codes below zero are active, but not in format 1", () => {
  const code = Float32Array.of(-3, 2, 0.1, -0.1, 0, -2);
  const [first, second] = [1, 2].map((format) => findActivity({ format, threshold: 0.1 }));
  assert.deepEqual([...findActive(code, 6, second)], [1, 1, 0, 0, 0, 1]); // τ is a float32 as codes are
  assert.deepEqual([...findActive(code, 6, first)], [0, 1, 0, 0, 0, 0]);
  assert.deepEqual([countActive(code, 6, second), countActive(code, 6, first)], [3, 1]);
  assert.deepEqual(selectLargest(code, findActive(code, 6, second), 8).map(({ unit }) => unit), [0, 1, 5]);
  assert.deepEqual([first, second].map(describeActivity), ["code above τ = 0.1", "|code| above τ = 0.1"]);
});

test("errors and rows are scaled by column", () => {
  const [row, back] = [Float32Array.of(1, 200, 3, 600), Float32Array.of(2, 400, 3, 500)]; // two positions
  assert.deepEqual([...computeErrors(row, back, [1, 100])], [1, 4, 0, 1]);
  assert.deepEqual([...computeErrors(row, back, null)], [1, 40000, 0, 10000]);
  assert.deepEqual([...scaleRow(row, [1, 100], [2, 100])], [0, 1, 1, 5]);
  assert.equal(scaleRow(row, null, null), row);
});

test("numbers have a position in their range", () => {
  assert.deepEqual(extent([3, -1, NaN]), { low: -1, high: 3 });
  assert.deepEqual(extent([3, 5]), { low: 0, high: 5 });
  assert.deepEqual(extent([3, 5], { low: Infinity, high: -Infinity }), { low: 3, high: 5 });
  assert.equal(toFraction(2, { low: 1, high: 5 }), 0.25);
  assert.equal(toFraction(1, { low: 1, high: 1 }), 0);
  assert.deepEqual([1, 2000].map((count) => formatCount(count, "row")), ["1 row", "2,000 rows"]);
});
