/** Small helpers on the document. Whatever comes from a bundle or a file goes in as text alone. */

import { CsvError } from "./csv.js";
import { BundleError } from "./errors.js";

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
export function say(id, text) {
  byId(id).textContent = text;
}

/**
 * @param {string} tag
 * @param {{[property: string]: any}} [properties]
 * @param {(Node | string)[]} children
 * @returns {any} A new element.
 */
export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/**
 * Terms and what they mean, as a list.
 *
 * @param {string} id
 * @param {[string, string][]} pairs
 */
export function define(id, pairs) {
  byId(id).replaceChildren(
    ...pairs.flatMap(([term, text]) => [
      element("dt", { textContent: term }),
      element("dd", { textContent: text }),
    ]),
  );
}

/**
 * A text in which names between backticks look like names.
 *
 * @param {string} id
 * @param {string} text
 */
export function sayWithNames(id, text) {
  const parts = text
    .split("`")
    .map((part, place) => (place % 2 === 1 ? element("code", { textContent: part }) : part));
  byId(id).replaceChildren(...parts);
}

/**
 * Does what may fail, and says why it did; what was shown before stays.
 *
 * @param {() => unknown} work
 * @param {() => boolean} [current] Whether anybody still wants to know.
 */
export async function attempt(work, current = () => true) {
  say("error", "");
  try {
    await work();
  } catch (error) {
    if (current()) sayWithNames("error", `${told(error)}.`);
  }
}

function told(error) {
  const ours = error instanceof BundleError || error instanceof CsvError;
  return ours ? error.message : `Expected this to work. Received: ${error}`;
}
