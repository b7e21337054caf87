/**
 * Reads a manifest with limits and validates its format, its schema and its consistency.
 *
 * Follows "What a reader checks" in export/README.md.
 *
 * @typedef {{[key: string]: any}} Manifest
 */

import { requireConsistent } from "./consistency.js";
import { BundleError } from "../base/errors.js";
import { findFault } from "./schema.js";

const FORMATS = [1, 2];
const FEATURES = ["categories", "columns", "inputs", "lengths", "litert", "missing", "score", "thresholds", "variants", "windows"]; // the features that the page knows of those that a manifest may list in `requires`
const MANIFEST = "manifest.json";
const MAX_MANIFEST_BYTES = 16 * 2 ** 20;
const MAX_CONTAINERS = 2 ** 12; // objects and lists
const MAX_TEXTS = 2 ** 17;

/**
 * Reads and validates the manifest of a bundle.
 *
 * @param {import("./files.js").Source} source
 * @returns {Promise<Manifest>}
 * @throws {BundleError} If it is missing or invalid.
 */
export async function readManifest(source) {
  const manifest = await parseManifest(source);
  requireFormat(manifest);
  requireFeatures(manifest);
  const fault = findFault(manifest);
  if (fault !== null) {
    const { expected, place, received } = fault;
    const where = place ? `as \`${place}\`` : "at the top";
    throw new BundleError(`Expected ${expected} ${where} in \`${MANIFEST}\`. Received: ${received}`, MANIFEST);
  }
  requireConsistent(manifest);
  return manifest;
}

function requireFormat(manifest) {
  const format = manifest?.format;
  if (FORMATS.includes(format)) return;
  throw new BundleError(
    `Expected a bundle of format ${FORMATS.join(" or ")}. Received: format ${JSON.stringify(format)?.slice(0, 80)}. ` +
      "Remedy: use the page of a newer keras-sparse-export",
    MANIFEST,
  );
}

/** Checks the features before the schema, which knows no keys of a feature that is unknown. */
function requireFeatures({ requires }) {
  if (!Array.isArray(requires)) return;
  const unknown = requires.find((name) => typeof name === "string" && !FEATURES.includes(name));
  if (unknown === undefined) return;
  throw new BundleError(
    "Expected a bundle whose `requires` lists features that this page knows " +
      `(${FEATURES.join(", ")}). Received: ${JSON.stringify(unknown).slice(0, 80)}. ` +
      "Remedy: use the page of a newer keras-sparse-export",
    MANIFEST,
  );
}

/**
 * Reads the manifest as JSON, without further checks.
 *
 * @param {import("./files.js").Source} source
 * @returns {Promise<any>}
 */
export async function parseManifest(source) {
  const bytes = await source.read(MANIFEST, MAX_MANIFEST_BYTES);
  if (bytes === null) {
    throw new BundleError(`Expected a bundle, a folder with a ${MANIFEST}. Received: none`, MANIFEST);
  }
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new BundleError(`Expected \`${MANIFEST}\` of 16 MiB at most. Received: more`, MANIFEST);
  }
  requireBounded(bytes);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new BundleError(`Expected JSON in \`${MANIFEST}\`. Received: something else`, MANIFEST);
  }
}

/** Limits objects, lists and texts before parsing, which allocates most for them. Brackets in texts count. */
function requireBounded(bytes) {
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
