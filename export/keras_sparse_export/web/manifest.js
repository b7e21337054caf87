/**
 * The manifest of a bundle: read with bounds, and held to its format, its schema and itself.
 *
 * export/README.md, "What a reader checks", is what this follows.
 *
 * @typedef {{[key: string]: any}} Manifest
 */

import { requireConsistent } from "./consistency.js";
import { BundleError } from "./errors.js";
import { fault } from "./schema.js";

const FORMAT = 1;
const MANIFEST = "manifest.json";
const MAX_MANIFEST_BYTES = 16 * 2 ** 20;
const MAX_CONTAINERS = 2 ** 12; // objects and lists
const MAX_TEXTS = 2 ** 14;

/**
 * @param {import("./bundle.js").Source} source
 * @param {import("./schema.js").Schema} schema Of `manifest.schema.json`.
 * @returns {Promise<Manifest>}
 * @throws {BundleError} If there is none, or none that this page may trust.
 */
export async function readManifest(source, schema) {
  const manifest = await parsedManifest(source);
  const found = manifest?.format;
  if (found !== FORMAT) {
    throw new BundleError(
      `Expected a bundle of format ${FORMAT}. Received: format ${JSON.stringify(found)?.slice(0, 80)}. ` +
        "Remedy: the page of a version of keras-sparse-export that knows it",
      MANIFEST,
    );
  }
  const wrong = fault(manifest, schema);
  if (wrong !== null) throw new BundleError(`${wrong}, in \`${MANIFEST}\``, MANIFEST);
  requireConsistent(manifest);
  return manifest;
}

/**
 * What lies there as a manifest, checked for nothing but being JSON.
 *
 * @param {import("./bundle.js").Source} source
 * @returns {Promise<any>}
 */
export async function parsedManifest(source) {
  const bytes = await source.read(MANIFEST, MAX_MANIFEST_BYTES);
  if (bytes === null) {
    throw new BundleError(`Expected a bundle, a folder with a ${MANIFEST}. Received: none`, MANIFEST);
  }
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new BundleError(`Expected \`${MANIFEST}\` of 16 MiB at most. Received: more`, MANIFEST);
  }
  requireFew(bytes);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new BundleError(`Expected JSON in \`${MANIFEST}\`. Received: something else`, MANIFEST);
  }
}

/** Bounds what parsing allocates most for, before it is parsed; brackets within texts count as well. */
function requireFew(bytes) {
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte] += 1;
  const count = (mark) => counts[mark.charCodeAt(0)];
  if (count("{") + count("[") <= MAX_CONTAINERS && count('"') <= 2 * MAX_TEXTS) return;
  throw new BundleError(
    `Expected ${MAX_CONTAINERS} objects and lists and ${MAX_TEXTS} texts at most in \`${MANIFEST}\`. ` +
      "Received: more",
    MANIFEST,
  );
}
