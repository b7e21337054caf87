/** Loads onnxruntime-web, and checks that the browser can verify and run a bundle. */

import { BundleError } from "../base/errors.js";

const MODULE = "ort.wasm.bundle.min.mjs";
const BINARY = "ort-wasm-simd-threaded.wasm";

// A module with one function that creates a vector: it is invalid in a browser without SIMD.
const SIMD = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic and version
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b], // type: () → v128
  ...[0x03, 0x02, 0x01, 0x00], // one function of it
  ...[0x0a, 0x08, 0x01, 0x06, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0x0b], // i8x16.splat(0)
);

/**
 * Raises if this browser, or the way the page is served, cannot verify or run a bundle.
 *
 * @throws {BundleError} With the remedy.
 */
export function requireBrowser() {
  if (globalThis.crypto?.subtle === undefined) {
    throw new BundleError(
      "Expected a page from https, or from localhost: only there do browsers offer crypto.subtle, " +
        `which compares hashes. Received: ${location.origin}. Remedy: serve this folder over https`,
    );
  }
  if (typeof WebAssembly === "undefined" || !WebAssembly.validate(SIMD)) {
    throw new BundleError(
      "Expected a browser with WebAssembly and its SIMD instructions, which onnxruntime needs. " +
        "Received: a browser without them. Remedy: use a browser from 2023 or later",
    );
  }
}

/**
 * Loads onnxruntime-web on one thread: small rows do not gain from a second one.
 *
 * @param {string | URL} base Folder of its two files; ends with a slash.
 * @returns {Promise<any>}
 * @throws {BundleError} If a file is missing or served with the wrong type.
 */
export async function loadRuntime(base) {
  const address = new URL(MODULE, base).href;
  const ort = await import(address).catch(async () => {
    throw await explainFailedImport(address);
  });
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.proxy = false;
  // As bytes it is instantiated whatever content type the server sends, and cannot be missing.
  ort.env.wasm.wasmBinary = await fetchBinary(new URL(BINARY, base));
  return ort;
}

async function fetchBinary(address) {
  const response = await fetch(address).catch(() => null);
  if (!response?.ok) throw missingFile(BINARY);
  return response.arrayBuffer();
}

/** Explains why a module did not load; `import` does not. */
async function explainFailedImport(address) {
  const response = await fetch(address).catch(() => null);
  if (!response?.ok) return missingFile(MODULE);
  const type = response.headers.get("content-type") ?? "none";
  return new BundleError(
    `Expected \`${MODULE}\` as a module, of content type text/javascript. Received: content type ${type}, ` +
      "and it does not load. Remedy: configure the server to send .mjs as text/javascript, and use the " +
      "unchanged file of the npm package onnxruntime-web",
    `runtime/${MODULE}`,
  );
}

function missingFile(name) {
  return new BundleError(
    `Expected onnxruntime-web beside the page, in runtime/. Received: no ${name}. Remedy: copy it ` +
      "there from the folder dist of the npm package onnxruntime-web",
    `runtime/${name}`,
  );
}
