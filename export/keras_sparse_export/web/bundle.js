/**
 * The files of a bundle: read with bounds, and held to sizes and hashes. In browsers and in Node.
 *
 * @typedef {{read: (name: string, limit: number) => Promise<Uint8Array | null>}} Source
 *   Where files come from: the bytes of one, `null` where there is none; of a file that is longer
 *   than `limit` it may stop early and hand on any `limit + 1` bytes.
 */

import { BundleError } from "./errors.js";
import { parsedManifest } from "./manifest.js";

/**
 * Files below an address.
 *
 * @param {string | URL} base Ends with a slash.
 * @returns {Source}
 */
export function siteSource(base) {
  return {
    async read(name, limit) {
      const fail = (found) => {
        throw new BundleError(`Expected \`${name}\` from the server. Received: ${found}`, name);
      };
      const address = new URL(encodeURIComponent(name), base);
      const response = await fetch(address, { cache: "no-cache" }).catch(() => fail("no answer"));
      if (response.status === 404) return null;
      if (!response.ok) fail(`status ${response.status}`);
      return bounded(response.body, limit).catch(() => fail("a part of it"));
    },
  };
}

/** All bytes of a stream, or those up to just above the limit. */
async function bounded(stream, limit) {
  const reader = stream.getReader();
  const chunks = [];
  let size = 0;
  while (size <= limit) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.length;
  }
  await reader.cancel();
  const bytes = new Uint8Array(size);
  let place = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, place);
    place += chunk.length;
  }
  return bytes;
}

/**
 * Every file of a bundle, each with the size and the hash that the manifest gives.
 *
 * @param {Source} source
 * @param {import("./manifest.js").Manifest} manifest
 * @param {(done: number, all: number) => void} [progress]
 * @returns {Promise<Map<string, Uint8Array>>}
 */
export async function readFiles(source, manifest, progress = () => {}) {
  const names = Object.keys(manifest.files);
  const files = new Map();
  for (const name of names) {
    progress(files.size, names.length);
    try {
      files.set(name, await readFile(source, manifest, name));
    } catch (error) {
      throw (await replaced(source, manifest)) ? movedOn(name) : error;
    }
  }
  return files;
}

async function readFile(source, manifest, name) {
  const { size, sha256 } = manifest.files[name];
  const bytes = await source.read(name, size);
  if (bytes === null) throw new BundleError(`Expected \`${name}\`. Received: no such file`, name);
  if (bytes.length !== size) {
    const found = bytes.length > size ? "more" : `${bytes.length}; it is cut short or changed`;
    throw new BundleError(`Expected \`${name}\` of ${size} bytes. Received: ${found}`, name);
  }
  if ((await digest(bytes)) !== sha256) {
    throw new BundleError(
      `Expected \`${name}\` with the hash in the manifest. Received: another; the file was changed ` +
        "after the export, or on its way",
      name,
    );
  }
  return bytes;
}

async function digest(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether there is another manifest by now, which tells a new bundle from a damaged one. */
async function replaced(source, manifest) {
  try {
    return JSON.stringify(await parsedManifest(source)) !== JSON.stringify(manifest);
  } catch {
    return false;
  }
}

function movedOn(name) {
  return new BundleError(
    `Expected \`${name}\` of the bundle whose manifest was read. Received: one of another bundle; the ` +
      "files on the server were replaced meanwhile. Remedy: load the page again",
    name,
  );
}
