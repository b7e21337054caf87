/** Rows through an encoder, and how fast, in Node: with a session that stands for onnxruntime's. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Encoder, Half } from "../keras_sparse_export/web/encoder.js";
import { measure } from "../keras_sparse_export/web/latency.js";

class Tensor {
  constructor(type, data, dims) {
    Object.assign(this, { type, data, dims });
  }
}

/** An encoder whose code is the row, and which tells how many rows it got. */
function encoder(size, got, each = () => {}) {
  const session = {
    async run({ x }) {
      got.push(x.dims[0]);
      each(x.dims[0]);
      return { code: { data: x.data } };
    },
  };
  const half = new Half({ Tensor }, "encoder.onnx", session, { name: "x", shape: [size] }, "code");
  return new Encoder({ input: { shape: [size] }, output: { shape: [size] }, threshold: 0 }, half, null);
}

test("many rows are encoded in chunks, until they are wanted no more", async () => {
  const got = [];
  const rows = new Float32Array(10 * 2 ** 16).fill(1);
  const done = [];
  const codes = await encoder(2 ** 16, got).encode(rows, (count) => void done.push(count));
  assert.deepEqual([got, done], [[4, 4, 2], [4, 8, 10]]);
  assert.deepEqual(codes, rows);
  assert.equal(await encoder(2 ** 16, got).encode(rows, (count) => count < 8), null);
  assert.deepEqual(got.slice(3), [4, 4]);
});

test("codes that are not finite are refused", async () => {
  for (const odd of [NaN, Infinity, -Infinity]) {
    const row = Float32Array.of(1, odd);
    const refused = { file: "encoder.onnx", message: /^Expected finite numbers of `encoder.onnx`. Received: NaN/ };
    await assert.rejects(encoder(2, []).encodeRow(row), refused);
    await assert.rejects(encoder(2, []).encode(row), refused);
  }
});

test("speed is measured in batches that fit into memory, and without a long wait", async (context) => {
  let clock = 0;
  context.mock.method(performance, "now", () => (clock += 1e-3));
  const speed = async (size, milliseconds) => {
    const got = [];
    const slow = encoder(size, got, (rows) => (clock += rows * milliseconds));
    const start = clock;
    const { batch, rowsPerSecond } = await measure(slow, new Float32Array(size));
    assert.equal(Math.max(...got), batch);
    assert.ok(Math.abs(rowsPerSecond * milliseconds - 1000) < 10);
    return { batch, took: clock - start };
  };
  assert.equal((await speed(64, 0.1)).batch, 256);
  assert.equal((await speed(2 ** 16, 0.1)).batch, 4);
  assert.equal((await speed(2 ** 20, 0.1)).batch, 1);
  const { batch, took } = await speed(64, 100);
  assert.equal(batch, 4); // five would take half a second and a tick
  assert.ok(took < 4500, `${took} ms`);
});
