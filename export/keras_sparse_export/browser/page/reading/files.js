/**
 * Reads the files of a bundle with limits and compares their sizes and hashes, in browsers and Node.
 *
 * @typedef {{read: (name: string, limit: number) => Promise<Uint8Array | null>}} Source
 *   Returns the bytes of a file, or `null` if there is none. For a file longer than `limit` it may stop
 *   early and return any `limit + 1` bytes.
 */

import { BundleError } from "../base/errors.js";
import { parseManifest } from "./manifest.js";

/**
 * Creates a source of the files below a URL.
 *
 * @param {string | URL} base Ends with a slash.
 * @returns {Source}
 */
export function createSiteSource(base) {
  return {
    async read(name, limit) {
      const fail = (received) => {
        throw new BundleError(`Expected \`${name}\` from the server. Received: ${received}`, name);
      };
      const address = new URL(encodeURIComponent(name), base);
      const response = await fetch(address, { cache: "no-cache" }).catch(() => fail("no answer"));
      if (response.status === 404) return null;
      if (!response.ok) fail(`status ${response.status}`);
      return readBounded(response.body, limit).catch(() => fail("a part of it; the connection broke"));
    },
  };
}

/** Reads a stream to its end, or until just above the limit. */
async function readBounded(stream, limit) {
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
 * Reads every file of a bundle and compares its size and hash with the manifest.
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
      throw (await wasReplaced(source, manifest)) ? replacedError(name) : error;
    }
  }
  return files;
}

async function readFile(source, manifest, name) {
  const { size, sha256 } = manifest.files[name];
  const bytes = await source.read(name, size);
  if (bytes === null) throw new BundleError(`Expected \`${name}\`. Received: no such file`, name);
  if (bytes.length !== size) {
    const received = bytes.length > size ? "more" : `${bytes.length}; it was truncated or changed`;
    throw new BundleError(`Expected \`${name}\` of ${size} bytes. Received: ${received}`, name);
  }
  if ((await hash(bytes)) !== sha256) {
    throw new BundleError(
      `Expected \`${name}\` with the hash in the manifest. Received: another hash; the file was changed ` +
        "after the export or in transit",
      name,
    );
  }
  return bytes;
}

async function hash(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether the manifest has changed meanwhile: then the bundle was replaced and is not damaged. */
async function wasReplaced(source, manifest) {
  try {
    return JSON.stringify(await parseManifest(source)) !== JSON.stringify(manifest);
  } catch {
    return false;
  }
}

function replacedError(name) {
  return new BundleError(
    `Expected \`${name}\` of the bundle whose manifest was read. Received: a file of another bundle; the ` +
      "files on the server were replaced meanwhile. Remedy: reload the page",
    name,
  );
}
