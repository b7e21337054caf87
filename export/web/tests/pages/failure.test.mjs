/** Bundles and browsers that the page rejects, and its messages. In Chromium. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { damaged, json } from "../files.mjs";
import { begin, faint, hidden, text } from "./visits.mjs";

let session;

before(async () => (session = await begin()));
after(() => session?.end());

async function expectFailure(options, status, reason) {
  const { page, close } = await session.visit("digits", options);
  assert.match(await text(page, "#trust-status"), status);
  assert.match(await text(page, "#failure"), reason);
  assert.ok(await hidden(page, "#code"));
  assert.ok(await hidden(page, "#all"));
  const enabled = await page.$$eval("button, select, textarea, input", (nodes) =>
    nodes.filter((node) => node.checkVisibility() && !node.matches(":disabled")).map((node) => node.id),
  );
  assert.deepEqual(enabled, []);
  assert.deepEqual(await page.evaluate(faint), []);
  await close();
}

test("damaged files fail by name, and nothing runs", async () => {
  for (const file of ["encoder.onnx", "golden_code.f32"]) {
    const name = file.replace(".", "\\.");
    await expectFailure(
      { replace: { [`bundle/${file}`]: damaged } },
      new RegExp(`^Verification failed: ${name}\\.$`),
      new RegExp(`^Expected ${name} with the hash in the manifest\\. Received: another hash`),
    );
  }
});

test("a bundle of a newer format fails", async () => {
  await expectFailure(
    { replace: { "bundle/manifest.json": json((manifest) => (manifest.format = 3)) } },
    /^Verification failed: manifest\.json\.$/,
    /^Expected a bundle of format 1 or 2\. Received: format 3\. Remedy: use the page of a newer keras-sparse-export/,
  );
});

test("a bundle replaced during reading is distinguished from a damaged one", async () => {
  let reads = 0;
  const later = (bytes) => ((reads += 1) > 1 ? json((manifest) => (manifest.threshold = 0.5))(bytes) : bytes);
  await expectFailure(
    { replace: { "bundle/manifest.json": later, "bundle/encoder.onnx": damaged } },
    /failed: encoder\.onnx/,
    /were replaced meanwhile\. Remedy: reload the page\.$/,
  );
});

test("a browser or a server that lacks something is named", async () => {
  await expectFailure(
    { prepare: () => (WebAssembly.validate = () => false) },
    /^Verification failed\.$/,
    /^Expected a browser with WebAssembly and its SIMD instructions.*Remedy: /,
  );
  await expectFailure(
    { prepare: () => Object.defineProperty(Crypto.prototype, "subtle", { value: undefined }) },
    /^Verification failed\.$/,
    /^Expected a page from https, or from localhost.*Remedy: serve this folder over https\.$/,
  );
  for (const file of ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"]) {
    await expectFailure(
      { replace: { [`runtime/${file}`]: null } },
      new RegExp(`failed: runtime/${file}`),
      new RegExp(`Received: no ${file}. Remedy: copy it there from the folder dist of the npm package`),
    );
  }
});

test("a runtime that is served as something else is not called missing", async () => {
  await expectFailure(
    { replace: { "ort.wasm.bundle.min.mjs": (body) => ({ body, contentType: "application/octet-stream" }) } },
    /failed: runtime\/ort\.wasm\.bundle\.min\.mjs/,
    /of content type text\/javascript\. Received: content type application\/octet-stream, and it does not load\. Remedy: /,
  );
});
