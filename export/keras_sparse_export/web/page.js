/** Small helpers on the document. Whatever comes from a bundle or a file goes in as text alone. */

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
 * @param {number} count
 * @param {string} noun
 * @returns {string}
 */
export function counted(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * @param {number} value
 * @returns {string} Four digits, as short as they go.
 */
export function brief(value) {
  return String(Number(value.toPrecision(4)));
}

/**
 * @param {number[]} shape
 * @returns {string} How many numbers, axis by axis.
 */
export function shapeText(shape) {
  return shape.length === 1 ? counted(shape[0], "number") : `${shape.join(" × ")} numbers`;
}

/**
 * @param {number} error
 * @returns {string}
 */
export function errorText(error) {
  return error === 0 ? "0" : error.toExponential(1);
}
