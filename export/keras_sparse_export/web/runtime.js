/** onnxruntime-web, and what it and the checks need of a browser. */

import { BundleError } from "./errors.js";

const MODULE = "ort.wasm.bundle.min.mjs";
const BINARY = "ort-wasm-simd-threaded.wasm";

// A module with one function that makes a vector: a browser without SIMD finds it invalid.
const SIMD = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic and version
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b], // type: () → v128
  ...[0x03, 0x02, 0x01, 0x00], // one function of it
  ...[0x0a, 0x08, 0x01, 0x06, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0x0b], // i8x16.splat(0)
);

/**
 * Refuses a browser, or a way to serve the page, that cannot check or run a bundle.
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
        "Received: one without. Remedy: a browser from 2023 or later",
    );
  }
}

/**
 * Loads onnxruntime-web, on one thread: for rows as small as these a second only costs.
 *
 * @param {string | URL} base Where its two files lie; ends with a slash.
 * @returns {Promise<any>}
 * @throws {BundleError} If one of them is not there, or not served as what it is.
 */
export async function loadRuntime(base) {
  const address = new URL(MODULE, base).href;
  const ort = await import(address).catch(async () => {
    throw await notLoaded(address);
  });
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.proxy = false;
  // Given as bytes it is instantiated whatever type the server calls it, and is known to be there.
  ort.env.wasm.wasmBinary = await binary(new URL(BINARY, base));
  return ort;
}

async function binary(address) {
  const response = await fetch(address).catch(() => null);
  if (!response?.ok) throw missing(BINARY);
  return response.arrayBuffer();
}

/** Why a module did not load, which `import` does not tell. */
async function notLoaded(address) {
  const response = await fetch(address).catch(() => null);
  if (!response?.ok) return missing(MODULE);
  const type = response.headers.get("content-type") ?? "none";
  return new BundleError(
    `Expected \`${MODULE}\` as a module, of content type text/javascript. Received: content type ${type}, ` +
      "and it does not load. Remedy: a server that sends .mjs as text/javascript, and the file as it is in " +
      "the npm package onnxruntime-web",
    `runtime/${MODULE}`,
  );
}

function missing(name) {
  return new BundleError(
    `Expected onnxruntime-web beside the page, in runtime/. Received: no ${name}. Remedy: copy it ` +
      "there from the folder dist of the npm package onnxruntime-web",
    `runtime/${name}`,
  );
}
