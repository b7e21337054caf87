/** Jobs that meet, in Node. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { latest, Turns } from "../keras_sparse_export/web/turns.js";

test("the newest turn alone is current", () => {
  const turns = new Turns();
  const first = turns.begin();
  assert.ok(first());
  const second = turns.begin();
  assert.ok(!first() && second() && second());
});

test("a job that is asked for while it runs starts once more", async () => {
  let wanted = 0;
  const done = [];
  const job = latest(async () => {
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

test("what fails is told only where nothing newer follows", async () => {
  let left = 0;
  const job = latest(async () => {
    await null;
    if ((left -= 1) >= 0) throw new Error(`${left} left`);
  });
  left = 1;
  await Promise.all([job(), job()]);
  left = 2;
  await assert.rejects(Promise.all([job(), job()]), { message: "0 left" });
  await job();
});
