/** What the page does not run, and what it says then. In Chromium. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { damaged, json } from "./files.mjs";
import { begin, faint, hidden, text } from "./visits.mjs";

let session;

before(async () => (session = await begin()));
after(() => session?.end());

async function refused(options, status, reason) {
  const { page, close } = await session.visit("digits", options);
  assert.match(await text(page, "#trust-status"), status);
  assert.match(await text(page, "#refusal"), reason);
  assert.ok(await hidden(page, "#code"));
  assert.ok(await hidden(page, "#all"));
  const enabled = await page.$$eval("button, select, textarea, input", (nodes) =>
    nodes.filter((node) => node.checkVisibility() && !node.matches(":disabled")).map((node) => node.id),
  );
  assert.deepEqual(enabled, []);
  assert.deepEqual(await page.evaluate(faint), []);
  await close();
}

test("damaged files are refused by name, and nothing runs", async () => {
  for (const file of ["encoder.onnx", "golden_code.f32"]) {
    const name = file.replace(".", "\\.");
    await refused(
      { replace: { [`bundle/${file}`]: damaged } },
      new RegExp(`^Not run, because of ${name}\\.$`),
      new RegExp(`^Expected ${name} with the hash in the manifest\\. Received: another`),
    );
  }
});

test("a bundle of a newer format is refused", async () => {
  await refused(
    { replace: { "bundle/manifest.json": json((manifest) => (manifest.format = 2)) } },
    /^Not run, because of manifest\.json\.$/,
    /^Expected a bundle of format 1\. Received: format 2\. Remedy: the page of a version/,
  );
});

test("a bundle that is replaced while it is read is told from a damaged one", async () => {
  let asked = 0;
  const later = (bytes) => ((asked += 1) > 1 ? json((manifest) => (manifest.threshold = 0.5))(bytes) : bytes);
  await refused(
    { replace: { "bundle/manifest.json": later, "bundle/encoder.onnx": damaged } },
    /because of encoder\.onnx/,
    /were replaced meanwhile\. Remedy: load the page again\.$/,
  );
});

test("what a browser or a server lacks is said", async () => {
  await refused(
    { prepare: () => (WebAssembly.validate = () => false) },
    /^Not run\.$/,
    /^Expected a browser with WebAssembly and its SIMD instructions.*Remedy: /,
  );
  await refused(
    { prepare: () => Object.defineProperty(Crypto.prototype, "subtle", { value: undefined }) },
    /^Not run\.$/,
    /^Expected a page from https, or from localhost.*Remedy: serve this folder over https\.$/,
  );
  for (const file of ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"]) {
    await refused(
      { replace: { [`runtime/${file}`]: null } },
      new RegExp(`because of runtime/${file}`),
      new RegExp(`Received: no ${file}. Remedy: copy it there from the folder dist of the npm package`),
    );
  }
});

test("a runtime or a schema that is served as something else is not called missing", async () => {
  await refused(
    { replace: { "ort.wasm.bundle.min.mjs": (body) => ({ body, contentType: "application/octet-stream" }) } },
    /because of runtime\/ort\.wasm\.bundle\.min\.mjs/,
    /of content type text\/javascript\. Received: content type application\/octet-stream, and it does not load\. Remedy: /,
  );
  await refused(
    { replace: { "manifest.schema.json": () => ({ body: "<!doctype html>", contentType: "text/html" }) } },
    /because of manifest\.schema\.json/,
    /^Expected manifest\.schema\.json beside the page\. Received: something else, which is no JSON\.$/,
  );
});
