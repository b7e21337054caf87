/** What is said of codes, in Node. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { activeCount, activeUnits, largest, meanOverPositions } from "../keras_sparse_export/web/codes.js";
import { counted, extent, shareOf } from "../keras_sparse_export/web/numbers.js";

test("a unit is active where it is at any position", () => {
  const code = Float32Array.of(0, 3, 0, 1, 4, 1, 1, 1); // two positions of four units
  const mean = meanOverPositions(code, 4);
  assert.deepEqual([...mean], [2, 2, 0.5, 1]);
  assert.equal(activeCount(code, 4, 2), 1);
  const active = activeUnits(code, 4, 2);
  assert.deepEqual([...active], [1, 1, 0, 0]); // though no mean exceeds 2
  const units = [{ unit: 0, value: 2 }, { unit: 1, value: 2 }];
  assert.deepEqual(largest(mean, active, 8), units);
  assert.deepEqual(largest(mean, active, 1), units.slice(0, 1));
});

test("numbers lie between the ends of their range", () => {
  assert.deepEqual(extent([3, -1, NaN]), { low: -1, high: 3 });
  assert.deepEqual(extent([3, 5]), { low: 0, high: 5 });
  assert.deepEqual(extent([3, 5], { low: Infinity, high: -Infinity }), { low: 3, high: 5 });
  assert.equal(shareOf(2, { low: 1, high: 5 }), 0.25);
  assert.equal(shareOf(1, { low: 1, high: 1 }), 0);
  assert.deepEqual([1, 2000].map((count) => counted(count, "row")), ["1 row", "2,000 rows"]);
});
