/**
 * Encoding and its latency, in Node, with a stand-in for a session of onnxruntime.
 *
 * GRAPHS names a folder with graphs, and with the rows that overflow in them in `overflow.json`.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Encoder, OnnxModel } from "../../keras_sparse_export/browser/page/model/encoder.js";
import { measure } from "../../keras_sparse_export/browser/page/model/latency.js";

const folder = process.env.GRAPHS ?? process.argv[2];
const { rows, graphs } = JSON.parse(readFileSync(join(folder, "overflow.json"), "utf8"));
const ort = await import("onnxruntime-web");
ort.env.logLevel = "error";
ort.env.wasm.numThreads = 1;

class Tensor {
  constructor(type, data, dims) {
    Object.assign(this, { type, data, dims });
  }
}

/** An encoder whose code is the row, and which records the number of rows of each call. */
function encoder(size, got, each = () => {}) {
  const session = {
    async run({ x }) {
      got.push(x.dims[0]);
      each(x.dims[0]);
      return { code: { data: x.data } };
    },
  };
  const model = new OnnxModel({ Tensor }, "encoder.onnx", session, [{ name: "x", shape: [size] }], "code");
  return new Encoder({ format: 2, input: { shape: [size] }, output: { shape: [size] }, threshold: 0 }, model, null);
}

test("whole numbers in their range alone are encoded", async () => {
  const inputs = [
    { name: "tokens", shape: [2], whole: [0, 4] },
    { name: "pixels", shape: [1, 1], whole: null },
  ];
  const fed = [];
  const session = {
    async run({ tokens, pixels }) {
      fed.push([[...tokens.data], tokens.dims, [...pixels.data], pixels.dims]);
      return { code: { data: pixels.data } };
    },
  };
  const model = new OnnxModel({ Tensor }, "encoder.onnx", session, inputs, "code");
  const manifest = { format: 2, input: { shape: [3] }, inputs, output: { shape: [1] }, threshold: 0 };
  const own = new Encoder(manifest, model, null);
  assert.deepEqual([...(await own.encode(Float32Array.of(0, 4, 0.5, 1, 2, 0.25)))], [0.5, 0.25]);
  assert.deepEqual(fed, [[[0, 4, 1, 2], [2, 2], [0.5, 0.25], [2, 1, 1]]]);
  for (const odd of [5, -1, 0.5]) {
    const message = `Expected whole numbers from 0 to 4 in the input tokens. Received: ${odd} in row 2`;
    await assert.rejects(own.encode(Float32Array.of(0, 4, 0.5, 1, odd, 0.25)), { message });
  }
  assert.equal(fed.length, 1);
});

test("many rows are encoded in chunks, until cancelled", async () => {
  const got = [];
  const rows = new Float32Array(10 * 2 ** 16).fill(1);
  const done = [];
  const codes = await encoder(2 ** 16, got).encode(rows, (count) => void done.push(count));
  assert.deepEqual([got, done], [[4, 4, 2], [4, 8, 10]]);
  assert.deepEqual(codes, rows);
  assert.equal(await encoder(2 ** 16, got).encode(rows, (count) => count < 8), null);
  assert.deepEqual(got.slice(3), [4, 4]);
});

test("codes that are not finite raise", async () => {
  for (const odd of [NaN, Infinity, -Infinity]) {
    const row = Float32Array.of(1, odd);
    const error = { file: "encoder.onnx", message: /^Expected finite numbers of `encoder.onnx`. Received: NaN/ };
    await assert.rejects(encoder(2, []).encodeRow(row), error);
    await assert.rejects(encoder(2, []).encode(row), error);
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

test("an examination for overflow that fails to load is tried again", async () => {
  const { encoder: model } = encoder(2, []);
  let opened = 0;
  model.openChecker = async () => {
    opened += 1;
    if (opened === 1) throw new Error("out of memory");
    return { overflows: async () => false };
  };
  const row = Float32Array.of(1e30, 1);
  await assert.rejects(model.first(row, 1), { file: "encoder.onnx", message: /to load in .*out of memory/ });
  assert.deepEqual(await model.first(row, 1), row);
  assert.deepEqual(await model.first(row, 1), row);
  assert.equal(opened, 2);
});

// Rows that overflow inside a graph are refused on onnxruntime-web where Python refuses them.

for (const [name, bad] of Object.entries(graphs)) {
  test(name, async () => {
    const value = (of) => ({ name: of, type: "float32", shape: [4] });
    const bytes = new Uint8Array(readFileSync(join(folder, `${name}.onnx`)));
    const model = await OnnxModel.open(ort, name, bytes, [value("x")], [value("code")]);
    const found = await Promise.all(
      rows.map((row) => model.first(Float32Array.from(row), 1).then(() => false, ({ message }) => /too large/.test(message))),
    );
    assert.deepEqual(found, bad);
    const all = model.first(Float32Array.from(rows.flat()), rows.length);
    await (bad.includes(true) ? assert.rejects(all, /too large/) : all);
  });
}
