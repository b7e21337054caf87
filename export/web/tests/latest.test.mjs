/** Overlapping jobs, in Node. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { coalesce, Latest } from "../../keras_sparse_export/browser/page/base/latest.js";

test("only the latest job is current", () => {
  const jobs = new Latest();
  const first = jobs.begin();
  assert.ok(first());
  const second = jobs.begin();
  assert.ok(!first() && second() && second());
});

test("a job that is called while it runs starts once more", async () => {
  let wanted = 0;
  const done = [];
  const job = coalesce(async () => {
    const now = wanted;
    await null;
    done.push(now);
  });
  for (wanted of [1, 2, 3]) job();
  await job();
  assert.deepEqual(done, [1, 3]);
  wanted = 4;
  await job();
  assert.deepEqual(done, [1, 3, 4]);
});

test("an error is reported only if no newer run follows", async () => {
  let left = 0;
  const job = coalesce(async () => {
    await null;
    if ((left -= 1) >= 0) throw new Error(`${left} left`);
  });
  left = 1;
  await Promise.all([job(), job()]);
  left = 2;
  await assert.rejects(Promise.all([job(), job()]), { message: "0 left" });
  await job();
});
