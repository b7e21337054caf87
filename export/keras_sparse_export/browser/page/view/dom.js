/** Small helpers for the document. Content of bundles and files is inserted as text only. */

import { CsvError } from "../base/csv.js";
import { BundleError, RowError } from "../base/errors.js";

/**
 * @param {string} id
 * @returns {any} The element.
 */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * @param {string} id
 * @param {string} text
 */
export function setText(id, text) {
  byId(id).textContent = text;
}

/**
 * @param {string} tag
 * @param {{[property: string]: any}} [properties]
 * @param {(Node | string)[]} children
 * @returns {any} A new element.
 */
export function createElement(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/**
 * Fills a list of terms and their descriptions.
 *
 * @param {string} id
 * @param {[string, string][]} pairs
 */
export function setDefinitions(id, pairs) {
  byId(id).replaceChildren(
    ...pairs.flatMap(([term, text]) => [
      createElement("dt", { textContent: term }),
      createElement("dd", { textContent: text }),
    ]),
  );
}

/**
 * Sets a text in which names between backticks are shown as code.
 *
 * @param {string} id
 * @param {string} text
 */
export function setTextWithCode(id, text) {
  const parts = text
    .split("`")
    .map((part, place) => (place % 2 === 1 ? createElement("code", { textContent: part }) : part));
  byId(id).replaceChildren(...parts);
}

/**
 * Saves lines as a CSV file.
 *
 * @param {string[]} lines
 * @param {string} name Of the file.
 */
export function download(lines, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(lines, { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * Runs a function and shows its error; the rest of the page stays as it was.
 *
 * @param {() => unknown} work
 * @param {() => boolean} [current] Whether an error is still relevant.
 * @param {string} [id] Of the place of the error.
 */
export async function attempt(work, current = () => true, id = "error") {
  setText(id, "");
  try {
    await work();
  } catch (error) {
    if (current()) setTextWithCode(id, `${describeError(error)}.`);
  }
}

function describeError(error) {
  const named = [BundleError, CsvError, RowError].some((kind) => error instanceof kind);
  return named ? error.message : `Unexpected error: ${error?.message ?? error}`;
}
