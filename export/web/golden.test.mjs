/**
 * The page's own modules, in Node: bundles pass on onnxruntime-web, and damaged ones do not.
 *
 * BUNDLES names a folder with bundles, and `expected.json` with what Python says of the same things.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { readManifest } from "../keras_sparse_export/web/manifest.js";
import { fault } from "../keras_sparse_export/web/schema.js";
import { openBundle, sameLargest } from "../keras_sparse_export/web/verification.js";
import { damaged, folderSource } from "./files.mjs";

const folder = process.env.BUNDLES ?? process.argv[2];
const read = (file) => JSON.parse(readFileSync(file, "utf8"));
const schema = read(new URL("../keras_sparse_export/manifest.schema.json", import.meta.url));
const expected = read(join(folder, "expected.json"));
const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

async function loadRuntime() {
  const ort = await import("onnxruntime-web");
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = 1;
  return ort;
}

function open(source, lines = []) {
  return openBundle(source, schema, loadRuntime, (line) => lines.push(line));
}

/** The source of a bundle in which some files are others, and the manifest knows it or not. */
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
    assert.match(lines.join("\n"), /(\d+) of \1 files are whole/);
    assert.match(lines.join("\n"), /encoder\.onnx answers as it should on 32 golden rows: largest difference /);
    assert.equal(golden.rows.length, 32 * encoder.inputSize);
    const { rows, codes } = expected[name];
    const found = await encoder.encode(Float32Array.from(rows.flat()));
    codes.flat().forEach((code, place) => assert.ok(Math.abs(found[place] - code) <= 1e-5));
    assert.equal(found.length, codes.flat().length);
  });
}

test("a damaged file is refused by name, whatever it is", async () => {
  for (const file of Object.keys(read(join(folder, "digits", "manifest.json")).files)) {
    await assert.rejects(open(changed("digits", { [file]: damaged }, { consistent: false })), { file });
  }
});

test("a file that is cut short, or not there, is refused by name", async () => {
  const cut = (bytes) => bytes.subarray(0, bytes.length - 1);
  await assert.rejects(open(changed("digits", { "golden_x.f32": cut }, { consistent: false })), {
    file: "golden_x.f32",
    message: /Expected `golden_x.f32` of 8192 bytes. Received: 8191; it is cut short or changed/,
  });
  const without = changed("digits", {});
  const source = { read: (name, limit) => (name === "README.md" ? null : without.read(name, limit)) };
  await assert.rejects(open(source), { file: "README.md", message: /no such file/ });
});

test("answers that differ are found, though all hashes agree", async () => {
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

test("files that were replaced while they were read are told from damaged ones", async () => {
  const old = changed("digits", { "README.md": damaged }, { consistent: false });
  let asked = 0;
  const source = {
    read(name, limit) {
      if (name === "manifest.json" && (asked += 1) > 1) return Buffer.from('{"format": 1}');
      return old.read(name, limit);
    },
  };
  await assert.rejects(open(source), { message: /were replaced meanwhile. Remedy: load the page again/ });
});

test("manifests that no reader may trust", async () => {
  const named = (place) => new RegExp(`as \`${place}\` in \`manifest\\.json\``);
  const edits = [
    [(manifest) => (manifest.format = 2), /Expected a bundle of format 1. Received: format 2. Remedy: /],
    [(manifest) => (manifest.files["../x"] = manifest.files["README.md"]), /text like/],
    [(manifest) => (manifest.files["README.md"].size = 2 ** 30), named("files")],
    [(manifest) => (manifest.min_onnxruntime = "99.1"), /Expected onnxruntime 99.1 or newer/],
    [(manifest) => (manifest.output.shape = [31]), named("files.golden_code.f32")],
    [(manifest) => (manifest.input.shape = [8, 8]), /Expected the inputs of `encoder.onnx`/],
    [(manifest) => (manifest.input.shape = [2 ** 13, 2 ** 13]), named("input.shape")],
    [(manifest) => (manifest.parity.encoder.rows = 1e300), /Expected integer as `parity.encoder.rows`/],
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
    [(manifest) => (manifest.int8.golden_tolerance = 99), /with which any answer would pass/],
  ];
  for (const [edit, message] of int8) {
    await assert.rejects(open(changed("plain", { "manifest.json": edit })), { message });
  }
  const text = (content) => ({ read: () => Buffer.from(content) });
  for (const content of ["[", "[".repeat(4096), "\xff", "\ufeff{}", '{"format": NaN}']) {
    await assert.rejects(open(text(content)), { message: /Expected JSON in `manifest.json`/ });
  }
  for (const content of ["[".repeat(4097), "{".repeat(4097), '""'.repeat(16_385)]) {
    await assert.rejects(open(text(content)), { message: /Expected 4096 objects and lists and 16384 texts at most/ });
  }
  const beyond = readFileSync(join(folder, "digits", "manifest.json"), "utf8").replace(/"threshold": [^,]*/, '"threshold": 1e400');
  await assert.rejects(open(text(beyond)), { message: /Expected number as `threshold`/ });
  await assert.rejects(open({ read: () => null }), { message: /a folder with a manifest.json. Received: none/ });
});

test("manifests are held to schema and sense as Python holds them", async () => {
  assert.ok(expected.manifests.length > 300);
  assert.ok(expected.manifests.filter(({ valid, trusted }) => valid && !trusted).length > 5);
  for (const { manifest, valid, trusted, what } of expected.manifests) {
    assert.equal(fault(manifest, schema) === null, valid, `${what}: ${fault(manifest, schema)}`);
    const source = { read: () => Buffer.from(JSON.stringify(manifest)) };
    const taken = await readManifest(source, schema).then(() => true, () => false);
    assert.equal(taken, trusted, what);
  }
  assert.throws(() => fault(1, { multipleOf: 2 }), /keyword multipleOf is new/);
});

test("places of largest codes: ties may swap, others may not", () => {
  const code = Float32Array.of(3, 2, 2, 1);
  const golden = { values: Float32Array.of(3, 2), indices: Int32Array.of(0, 1) };
  const agree = (values, indices) =>
    sameLargest(code, 4, 2, golden, { values: Float32Array.from(values), indices: Int32Array.from(indices) });
  assert.ok(agree([3, 2], [0, 1]));
  assert.ok(agree([3, 2], [0, 2]));
  assert.ok(!agree([3, 2], [0, 3]));
  assert.ok(!agree([3, 2.1], [0, 1]));
  assert.ok(!agree([3, 2], [0, 0]));
  assert.ok(!agree([3, 2], [0, 4]));
});
