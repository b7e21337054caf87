/**
 * The page's modules, in Node: intact bundles pass on onnxruntime-web, and damaged ones fail.
 *
 * BUNDLES names a folder with bundles, and with Python's results in `expected.json`. JUDGED names one with
 * manifests that Python has judged, and with wrong encoders.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { findActive } from "../../keras_sparse_export/browser/page/model/codes.js";
import { readManifest } from "../../keras_sparse_export/browser/page/reading/manifest.js";
import { findFault } from "../../keras_sparse_export/browser/page/reading/schema.js";
import { computeLargestInt8Tolerance, computeTolerances, haveSameTopK, openBundle } from "../../keras_sparse_export/browser/page/reading/verification.js";
import { damaged, folderSource } from "./files.mjs";

const folder = process.env.BUNDLES;
const judged = process.env.JUDGED;
const read = (file) => JSON.parse(readFileSync(file, "utf8"));
const expected = read(join(folder, "expected.json"));
const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** Rows of JSON, in which a gap is null. */
const toRows = (numbers) => Float32Array.from(numbers, (value) => value ?? NaN);

async function loadRuntime() {
  const ort = await import("onnxruntime-web");
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = 1;
  return ort;
}

function open(source, lines = []) {
  return openBundle(source, loadRuntime, (line) => lines.push(line));
}

/** The source of a bundle in which some files changed, with or without a manifest that matches. */
function changed(name, changes, { consistent = true } = {}) {
  const source = folderSource(join(folder, name));
  const manifest = read(join(folder, name, "manifest.json"));
  const files = new Map();
  for (const [file, change] of Object.entries(changes)) {
    if (file === "manifest.json") continue;
    const bytes = change(readFileSync(join(folder, name, file)));
    files.set(file, bytes);
    if (!consistent) continue;
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    manifest.files[file] = { sha256, size: bytes.length };
  }
  changes["manifest.json"]?.(manifest);
  files.set("manifest.json", Buffer.from(JSON.stringify(manifest)));
  return { read: (file, limit) => files.get(file) ?? source.read(file, limit) };
}

for (const name of names) {
  test(`${name}: golden rows pass, and codes are those of Python`, async () => {
    const lines = [];
    const { encoder, golden } = await open(folderSource(join(folder, name)), lines);
    assert.match(lines.join("\n"), /(\d+) of \1 files are intact/);
    assert.match(lines.join("\n"), /encoder\.onnx: outputs match 32 golden rows; largest difference /);
    assert.equal(golden.rows.length, 32 * encoder.inputSize);
    const { rows, codes, active, format } = expected[name];
    assert.equal(lines[0], `The manifest is valid and of format ${format}.`);
    const found = await encoder.encode(toRows(rows.flat()));
    codes.flat().forEach((code, place) => assert.ok(Math.abs(found[place] - code) <= 1e-5));
    assert.equal(found.length, codes.flat().length);
    const marks = codes.map((code) => [...findActive(code, code.length, encoder.activity)]);
    assert.deepEqual(marks.map((row) => row.map(Boolean)), active);
  });
}

test("codes of shorter rows are those of Python", async () => {
  const { encoder } = await open(folderSource(join(folder, "lengths")));
  for (const { rows, codes } of expected.lengths.shorter) {
    const found = await encoder.encode(toRows(rows.flat()), undefined, rows[0].length);
    assert.equal(found.length, codes.flat().length);
    codes.flat().forEach((code, place) => assert.ok(Math.abs(found[place] - code) <= 1e-5));
    assert.deepEqual(await encoder.encodeRow(toRows(rows[0])), found.slice(0, codes[0].length));
  }
  assert.ok(expected.lengths.shorter.length > 1);
});

test("shorter rows that contradict a manifest fail by name", async () => {
  const fail = (edit, message) => assert.rejects(open(changed("lengths", { "manifest.json": edit })), { message });
  const key = /Expected a key of the feature `lengths`, present with it alone as `lengths`/;
  await fail((manifest) => delete manifest.lengths, key);
  await fail((manifest) => (manifest.requires = []), key);
  await fail(({ lengths }) => (lengths.least = [12, 4]), /a shape within \[12, 4\], shorter along some axis as `lengths\.least`/);
  await fail(({ lengths }) => (lengths.least = [3, 3]), /Expected the inputs of `encoder\.onnx` .*\[length_1,length_2\].* Received: .*\[length_1,4\]/);
  const columns = Array.from({ length: 48 }, (_, place) => `column ${place}`);
  await fail((manifest) => Object.assign(manifest, { columns, requires: ["columns", "lengths"] }), /one input, without names of columns/);
  const decodes = ({ files, parity }) => {
    Object.assign(files, { "decoder.onnx": files["encoder.onnx"], "golden_x_hat.f32": files["golden_x.f32"] });
    parity.decoder = parity.encoder;
  };
  await fail(decodes, /Expected no `decoder\.onnx` with the feature `lengths` as `files`/);
});

test("windows that contradict a manifest fail by name", async () => {
  const windows = { window: 3, hop: 2, sampling_rate: null, channels: 2 };
  const name = names.find((name) => expected[name].format === 2);
  const fail = (edit, message) => assert.rejects(open(changed(name, { "manifest.json": edit })), { message });
  const key = /Expected a key of the feature `windows`, present with it alone as `windows`/;
  await fail((manifest) => Object.assign(manifest, { windows }), key);
  await fail((manifest) => manifest.requires.push("windows"), key);
  const add = (entries) => (manifest) => {
    manifest.requires.push("windows");
    manifest.windows = { ...windows, ...entries };
  };
  await fail(add({}), /Expected \[3, 2\] as `input\.shape`/);
  await fail(add({ channels: 1 }), /Expected \[3\] as `input\.shape`/);
  await fail(add({ hop: 0 }), /as `windows\.hop`/);
});

for (const name of names.filter((name) => expected[name].lowered.length > 0)) {
  test(`${name}: codes at a lower L0 are those of Python`, async () => {
    const lines = [];
    const { encoder } = await open(folderSource(join(folder, name)), lines);
    assert.match(lines.join("\n"), /encoder\.onnx: \d gates? with exactly the thresholds of the manifest\./);
    const { rows, codes, lowered } = expected[name];
    for (const { l0, codes, threshold } of lowered) {
      encoder.lowerL0(l0);
      assert.equal(encoder.activity.threshold, threshold);
      const found = await encoder.encode(toRows(rows.flat()));
      codes.flat().forEach((code, place) => assert.ok(Math.abs(found[place] - code) <= 1e-5));
      assert.deepEqual(await encoder.encodeRow(toRows(rows[0])), found.slice(0, codes[0].length));
    }
    encoder.lowerL0(null);
    const found = await encoder.encode(toRows(rows.flat()));
    codes.flat().forEach((code, place) => assert.ok(Math.abs(found[place] - code) <= 1e-5));
  });
}

test("thresholds and weights that differ fail, although all hashes match", async () => {
  const replaced = (file) => changed("refined", { "encoder.onnx": () => readFileSync(join(judged, `${file}.onnx`)) });
  const fail = (source, message) => assert.rejects(open(source), { file: "encoder.onnx", message });
  await fail(replaced("higher"), /with the gates of the manifest, ThresholdedRelu above 0\.3.* and Greater above 0\.1/);
  await fail(replaced("followed"), /to take its code from the last gate/);
  await fail(replaced("weights"), /to (give the golden outputs|activate the units)/);
  const edits = [
    [({ thresholds }) => (thresholds[1].values[7] = 0.5), /with the gates of the manifest/],
    [(manifest) => manifest.thresholds.pop() && (manifest.calibration = null), /with the gates of the manifest/],
  ];
  for (const [edit, message] of edits) await fail(changed("refined", { "manifest.json": edit }), message);
  const named = (place) => new RegExp(`as \`${place}\` in \`manifest\\.json\``);
  const odd = [
    [({ thresholds }) => (thresholds[0].values[0] = 0.1), named("thresholds\\[0\\]\\.values")],
    [(manifest) => (manifest.requires = []), named("thresholds")],
    [({ calibration }) => (calibration.l0[1] = 0), named("calibration\\.l0")],
    [({ calibration }) => (calibration.threshold[0] = 0), named("calibration\\.threshold")],
  ];
  for (const [edit, message] of odd) await assert.rejects(open(changed("refined", { "manifest.json": edit })), { message });
});

test("golden rows demand the same active units, however small a code is", async () => {
  const active = (bytes) => {
    const copy = Buffer.from(bytes);
    const place = Array.from({ length: copy.length / 4 }, (_, index) => copy.readFloatLE(4 * index)).indexOf(0);
    copy.writeFloatLE(1e-9, 4 * place);
    return copy;
  };
  await assert.rejects(open(changed("one", { "golden_code.f32": active })), /another state of unit \d in golden row 0/);
});

test("codes below zero are active since format 2, in bundles of either format", () => {
  const below = (name) => expected[name].codes.flat().filter((code, place) => code < 0 && expected[name].active.flat()[place]);
  assert.equal(below("format_1").length, 0);
  assert.ok(expected.format_1.codes.flat().some((code) => code < -0.1));
  assert.ok(below("signed").length > 0);
});

test("any damaged file fails by name", async () => {
  for (const file of Object.keys(read(join(folder, "digits", "manifest.json")).files)) {
    await assert.rejects(open(changed("digits", { [file]: damaged }, { consistent: false })), { file });
  }
});

test("a truncated or missing file fails by name", async () => {
  const cut = (bytes) => bytes.subarray(0, bytes.length - 1);
  await assert.rejects(open(changed("digits", { "golden_x.f32": cut }, { consistent: false })), {
    file: "golden_x.f32",
    message: /Expected `golden_x.f32` of 8192 bytes. Received: 8191; it was truncated or changed/,
  });
  const without = changed("digits", {});
  const source = { read: (name, limit) => (name === "README.md" ? null : without.read(name, limit)) };
  await assert.rejects(open(source), { file: "README.md", message: /no such file/ });
});

test("outputs that differ fail, although all hashes match", async () => {
  const far = (bytes) => {
    const copy = Buffer.from(bytes);
    copy.writeFloatLE(copy.readFloatLE(0) + 0.01, 0);
    return copy;
  };
  const wrong = {
    "golden_code.f32": "encoder.onnx",
    "golden_x_hat.f32": "decoder.onnx",
    "golden_values.f32": "encoder.onnx",
  };
  for (const [name, file] of Object.entries(wrong)) {
    await assert.rejects(open(changed("digits", { [name]: far })), { file });
  }
  for (const odd of [NaN, Infinity, -Infinity]) {
    const last = (bytes) => {
      const copy = Buffer.from(bytes);
      copy.writeFloatLE(odd, copy.length - 4);
      return copy;
    };
    for (const file of ["golden_x.f32", "golden_code.f32"]) {
      await assert.rejects(open(changed("digits", { [file]: last })), { file, message: /finite numbers/ });
    }
  }
});

test("int8 of format 1 may state 1e-5 for small codes", () => {
  const codes = Float32Array.of(0, 1e-6);
  const [old, now] = [1, 2].map((format) => computeLargestInt8Tolerance(codes, 1, format));
  assert.ok(Math.abs(old - 1.01e-5) < 1e-9);
  assert.ok(Math.abs(now - 1.1e-7) < 1e-9);
});

test("the bound of an int8 tolerance is that of the bundle's format", async () => {
  const codes = numbersOf("format_1", "golden_code.int8.f32");
  const [old, now] = [1, 2].map((format) => computeLargestInt8Tolerance(codes, 6, format));
  const state = (tolerance) => changed("format_1", { "manifest.json": ({ int8 }) => (int8.golden_tolerance = tolerance) });
  assert.ok(now < old);
  await open(state((old + now) / 2));
  await assert.rejects(open(state(old * 1.001)), /with which any output would pass/);
});

test("files replaced during reading are distinguished from damaged ones", async () => {
  const old = changed("digits", { "README.md": damaged }, { consistent: false });
  let reads = 0;
  const source = {
    read(name, limit) {
      if (name === "manifest.json" && (reads += 1) > 1) return Buffer.from('{"format": 1}');
      return old.read(name, limit);
    },
  };
  await assert.rejects(open(source), { message: /were replaced meanwhile. Remedy: reload the page/ });
});

test("invalid and inconsistent manifests fail", async () => {
  const named = (place) => new RegExp(`as \`${place}\` in \`manifest\\.json\``);
  const reshape = (manifest) => {
    Object.assign(manifest, { offset: null, scale: null });
    delete manifest.statistics.columns;
    manifest.input.shape = [8, 8];
  };
  const edits = [
    [(manifest) => (manifest.format = 3), /Expected a bundle of format 1 or 2. Received: format 3. Remedy: /],
    [(manifest) => (manifest.format = 1), named("requires")],
    [(manifest) => delete manifest.requires, /Expected the key `requires` at the top in `manifest.json`/],
    [(manifest) => (manifest.threshold = -0.1), named("threshold")],
    [(manifest) => Object.assign(manifest, { requires: ["sealed-box"], box: 1 }), /whose `requires` lists .* \(categories, columns, inputs, lengths, litert, missing, score, thresholds, variants, windows\)\. Received: "sealed-box"\. Remedy: use the page of a newer/],
    [(manifest) => (manifest.files["../x"] = manifest.files["README.md"]), /Expected a text as .* as `files` in `manifest.json`. Received: "..\/x"/],
    [(manifest) => (manifest.files["README.md"].size = 2 ** 30), named("files")],
    [(manifest) => (manifest.min_onnxruntime = "99.1"), /Expected onnxruntime 99.1 or newer/],
    [(manifest) => (manifest.output.shape = [31]), named("files.golden_code.f32")],
    [(manifest) => (manifest.input.shape = [8, 8]), named("statistics.columns.rows")],
    [(manifest) => (manifest.scale = null), named("scale")],
    [(manifest) => delete manifest.scale, named("scale")],
    [(manifest) => manifest.offset.pop(), named("offset")],
    [reshape, /Expected the inputs of `encoder.onnx`/],
    [(manifest) => (manifest.input.shape = [2 ** 13, 2 ** 13]), named("input.shape")],
    [(manifest) => (manifest.parity.encoder.rows = 1e300), /Expected at most 9007199254740991 as `parity.encoder.rows` in `manifest.json`. Received: 1e\+300$/],
    [(manifest) => (manifest.golden.rows = 3), named("files.golden_x.f32")],
    [(manifest) => delete manifest.files["golden_x_hat.f32"], named("files.golden_x_hat.f32")],
    [(manifest) => delete manifest.files["decoder.onnx"], named("parity")],
    [(manifest) => delete manifest.parity.decoder, named("parity")],
    [(manifest) => (manifest.top_k.k = 33), named("files.golden_values.f32")],
  ];
  for (const [edit, message] of edits) {
    await assert.rejects(open(changed("digits", { "manifest.json": edit })), { message });
  }
  const int8 = [
    [(manifest) => delete manifest.files["encoder.int8.onnx"], named("int8")],
    [(manifest) => (manifest.int8.kept = false), named("int8")],
    [(manifest) => (manifest.int8.golden_tolerance = null), named("int8.golden_tolerance")],
    [(manifest) => (manifest.int8.golden_tolerance = 99), /with which any output would pass/],
  ];
  for (const [edit, message] of int8) {
    await assert.rejects(open(changed("plain", { "manifest.json": edit })), { message });
  }
  const text = (content) => ({ read: () => Buffer.from(content) });
  for (const content of ["[", "[".repeat(4096), "\xff", "\ufeff{}", '{"format": NaN}']) {
    await assert.rejects(open(text(content)), { message: /Expected JSON in `manifest.json`/ });
  }
  for (const content of ["[".repeat(4097), "{".repeat(4097), '""'.repeat(131_073)]) {
    await assert.rejects(open(text(content)), { message: /Expected 4096 objects and lists and 131072 texts at most/ });
  }
  const beyond = readFileSync(join(folder, "digits", "manifest.json"), "utf8").replace(/"threshold": [^,]*/, '"threshold": 1e400');
  await assert.rejects(open(text(beyond)), { message: /Expected a number as `threshold` in `manifest.json`/ });
  await assert.rejects(open({ read: () => null }), { message: /a folder with a manifest.json. Received: none/ });
});

test("manifests are valid and consistent where Python says so", async () => {
  const manifests = read(join(judged, "manifests.json"));
  assert.ok(manifests.length > 300);
  assert.ok(manifests.filter(({ valid, trusted }) => valid && !trusted).length > 5);
  for (const { manifest, valid, trusted, what } of manifests) {
    assert.equal(findFault(manifest) === null, valid, `${what}: ${JSON.stringify(findFault(manifest))}`);
    const source = { read: () => Buffer.from(JSON.stringify(manifest)) };
    const taken = await readManifest(source).then(() => true, () => false);
    assert.equal(taken, trusted, what);
  }
});

for (const name of names) {
  test(`${name}: tolerances are those of Python`, () => {
    const manifest = read(join(folder, name, "manifest.json"));
    const [columns, units] = [manifest.input.shape.at(-1), manifest.output.shape.at(-1)];
    const { encoder, decoder } = expected[name].tolerances;
    areNear(computeTolerances(numbersOf(name, "golden_code.f32"), units), encoder);
    if (!decoder) return;
    const [xHat, x] = ["golden_x_hat.f32", "golden_x.f32"].map((file) => numbersOf(name, file));
    areNear(computeTolerances(xHat, columns, x), decoder);
  });
}

function numbersOf(name, file) {
  return new Float32Array(Uint8Array.from(readFileSync(join(folder, name, file))).buffer);
}

function areNear(actual, wanted) {
  assert.equal(actual.length, wanted.length);
  actual.forEach((value, place) => assert.ok(Math.abs(value - wanted[place]) <= 1e-12 * wanted[place]));
}

test("tolerances follow units and columns, not the largest output", () => {
  const near = (outputs, units, targets, wanted) =>
    areNear(computeTolerances(Float32Array.from(outputs), units, targets && Float32Array.from(targets)), wanted);
  const rounding = 2 ** -19;
  near([0, -4, 0.5, 4], 2, undefined, [4 * rounding, 4e-5]);
  near([2 ** -20, 0, 2 ** -21, 0], 2, undefined, [2 ** -20 / 100, 2 ** -20 / 100]);
  near([0, 1e5, 0, 1e5], 2, [2 ** -20, 1e5, 0, 1e5], [2 ** -20 / 100, 1e5 * rounding]);
  near([2, 1e5, 2, 1e5], 2, [0, 1e5, 0, 1e5], [2 ** 13 * rounding, 1e5 * rounding]); // zero in the rows
  near([1e-6, 1e5, 1e-6, 1e5], 2, [0, 1e5, 0, 1e5], [rounding, 1e5 * rounding]);
  near([0, 0], 1, undefined, [2 ** -149]);
});

test("indices of largest codes: ties may swap, others may not", () => {
  const code = Float32Array.of(3, 2, 2, 1);
  const golden = { values: Float32Array.of(3, 2), indices: Int32Array.of(0, 1) };
  const agree = (values, indices) =>
    haveSameTopK(code, 4, 2, golden, { values: Float32Array.from(values), indices: Int32Array.from(indices) }, true);
  assert.ok(agree([3, 2], [0, 1]));
  assert.ok(agree([3, 2], [0, 2]));
  assert.ok(!agree([3, 2], [0, 3]));
  assert.ok(!agree([3, 2.1], [0, 1]));
  assert.ok(!agree([3, 2], [0, 0]));
  assert.ok(!agree([3, 2], [0, 4]));
});

test("codes of opposite signs may nearly tie", () => {
  const code = Float32Array.of(0.5, -0.500001, 0.1);
  const golden = { values: code.slice(1, 2), indices: Int32Array.of(1) };
  const agree = (value, index, signed) =>
    haveSameTopK(code, 3, 1, golden, { values: Float32Array.of(value), indices: Int32Array.of(index) }, signed);
  assert.ok(agree(0.5, 0, true));
  assert.ok(!agree(0.5, 0, false));
  assert.ok(!agree(-0.5, 0, true));
  assert.ok(!agree(0.5, 1, true));
});
