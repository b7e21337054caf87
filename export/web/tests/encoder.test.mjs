/**
 * Encoding and its latency, in Node, with a stand-in for a session of onnxruntime.
 *
 * GRAPHS names a folder with graphs, and with the rows that overflow in them in `overflow.json`.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Encoder } from "../../keras_sparse_export/browser/page/model/encoder.js";
import { findSizes } from "../../keras_sparse_export/browser/page/model/inputs.js";
import { measure } from "../../keras_sparse_export/browser/page/model/latency.js";
import { OnnxModel } from "../../keras_sparse_export/browser/page/model/onnx_model.js";

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
  const model = new OnnxModel({ Tensor }, "encoder.onnx", session, [{ name: "x", shape: [size] }], ["code"]);
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
  const model = new OnnxModel({ Tensor }, "encoder.onnx", session, inputs, ["code"]);
  const manifest = { format: 2, input: { shape: [3] }, inputs, output: { shape: [1] }, threshold: 0 };
  const own = new Encoder(manifest, model, null);
  assert.deepEqual([...(await own.encode(Float32Array.of(0, 4, 0.5, 1, 2, 0.25))).codes], [0.5, 0.25]);
  assert.deepEqual(fed, [[[0, 4, 1, 2], [2, 2], [0.5, 0.25], [2, 1, 1]]]);
  for (const odd of [5, -1, 0.5]) {
    const message = `Expected whole numbers from 0 to 4 in the input tokens. Received: ${odd} in row 2`;
    await assert.rejects(own.encode(Float32Array.of(0, 4, 0.5, 1, odd, 0.25)), { message });
  }
  assert.equal(fed.length, 1);
});

/** An encoder of rows of 1 to `shape[0]` steps, whose code has `positions(steps)` positions of one unit. */
function encoderOfLengths(shape, got, positions, whole = null) {
  const inputs = [{ name: "x", shape, least: [1, ...shape.slice(1)], whole }];
  const session = {
    async run({ x: { dims } }) {
      got.push(dims);
      return { code: { data: new Float32Array(dims[0] * positions(dims[1])).fill(1) } };
    },
  };
  const model = new OnnxModel({ Tensor }, "encoder.onnx", session, inputs, ["code"]);
  const [most, lengths] = [{ shape }, { least: inputs[0].least }];
  return new Encoder({ format: 2, input: most, inputs, lengths, output: { shape: [shape[0], 1] }, threshold: 0 }, model, null);
}

test("shorter rows fill the shape of a row, in as many as the greatest rows allow", async () => {
  const got = [];
  const own = encoderOfLengths([2 ** 14, 4], got, (steps) => steps);
  const { codes } = await own.encode(new Float32Array(10 * 12), () => {}, 12);
  assert.equal(codes.length, 10 * 3);
  assert.deepEqual(got, [[4, 3, 4], [4, 3, 4], [2, 3, 4]]);
  assert.equal((await own.encodeRow(new Float32Array(8))).codes.length, 2);
  assert.deepEqual(got.at(-1), [1, 2, 4]);
  assert.deepEqual([own.sizes, own.findRowShape(20)], [{ least: 4, most: 2 ** 16, step: 4 }, [5, 4]]);
});

test("whole numbers of shorter rows are named by their row", async () => {
  const own = encoderOfLengths([4], [], (steps) => steps, [0, 9]);
  const message = "Expected whole numbers from 0 to 9. Received: 10 in row 2";
  await assert.rejects(own.encode(Float32Array.of(0, 9, 1, 10), () => {}, 2), { message });
});

test("codes of shorter rows are no longer than those of the greatest", async () => {
  const message = /^Expected codes of 4 numbers at most from `encoder\.onnx`, 1 at each position\. Received: 5$/;
  await assert.rejects(encoderOfLengths([4, 2], [], () => 5).encodeRow(new Float32Array(4)), { file: "encoder.onnx", message });
});

test("rows that may be shorter along several axes have the greatest shape", () => {
  const sizes = (least) => findSizes([{ name: "x", type: "float32", shape: [6, 4, 3], least }]);
  assert.deepEqual(sizes([2, 1, 3]), { least: 72, most: 72, step: 72 });
  assert.deepEqual(sizes([6, 1, 3]), { least: 18, most: 72, step: 18 });
  assert.deepEqual(sizes(undefined), { least: 72, most: 72, step: 72 });
});

test("many rows are encoded in chunks, until cancelled", async () => {
  const got = [];
  const rows = new Float32Array(10 * 2 ** 16).fill(1);
  const done = [];
  const { codes, scores } = await encoder(2 ** 16, got).encode(rows, (count) => void done.push(count));
  assert.deepEqual([got, done], [[4, 4, 2], [4, 8, 10]]);
  assert.deepEqual([codes, scores], [rows, null]);
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
