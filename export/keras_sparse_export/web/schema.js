/**
 * Holds a value to the part of JSON Schema (draft 2020-12) that `manifest.schema.json` uses.
 *
 * @typedef {{[keyword: string]: any}} Schema
 * @typedef {{schema: Schema, root: Schema, path: string}} Place
 */

const NOTES = new Set(["$schema", "$defs", "title", "description", "then", "else"]);

/**
 * The first thing that is wrong with a value, in words, or null.
 *
 * @param {unknown} value
 * @param {Schema} schema
 * @param {Schema} [root] Where `$ref` looks for definitions.
 * @param {string} [path] Where the value stands, for the words.
 * @returns {string | null}
 * @throws {Error} If the schema uses a keyword that is not known here: nothing is passed unchecked.
 */
export function fault(value, schema, root = schema, path = "") {
  for (const [keyword, rule] of Object.entries(schema)) {
    if (NOTES.has(keyword)) continue;
    if (!Object.hasOwn(CHECKS, keyword)) throw new Error(`The schema's keyword ${keyword} is new.`);
    const found = CHECKS[keyword](value, rule, { schema, root, path });
    if (found !== null) return found;
  }
  return null;
}

const TYPES = {
  null: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  string: (value) => typeof value === "string",
  number: Number.isFinite, // JSON.parse makes infinity of 1e400
  integer: (value) => Number.isSafeInteger(value), // of the others a double may be one off
  array: (value) => Array.isArray(value),
  object: isObject,
};

/** @type {{[keyword: string]: (value: any, rule: any, place: Place) => string | null}} */
const CHECKS = {
  type(value, rule, place) {
    const types = [rule].flat();
    return types.some((type) => TYPES[type](value)) ? null : words(value, types.join(" or "), place);
  },
  const: (value, rule, place) => (value === rule ? null : words(value, JSON.stringify(rule), place)),
  enum(value, rule, place) {
    return rule.includes(value) ? null : words(value, `one of ${JSON.stringify(rule)}`, place);
  },
  minimum: bound((value, rule) => value >= rule, "at least"),
  maximum: bound((value, rule) => value <= rule, "at most"),
  exclusiveMinimum: bound((value, rule) => value > rule, "more than"),
  exclusiveMaximum: bound((value, rule) => value < rule, "less than"),
  minLength: length((value) => typeof value === "string", (size, rule) => size >= rule, "at least"),
  maxLength: length((value) => typeof value === "string", (size, rule) => size <= rule, "at most"),
  minItems: length(Array.isArray, (size, rule) => size >= rule, "at least"),
  maxItems: length(Array.isArray, (size, rule) => size <= rule, "at most"),
  maxProperties(value, rule, place) {
    const many = isObject(value) && Object.keys(value).length > rule;
    return many ? words(value, `at most ${rule} keys`, place) : null;
  },
  pattern(value, rule, place) {
    const fits = typeof value !== "string" || new RegExp(rule, "u").test(value);
    return fits ? null : words(value, `text like ${rule}`, place);
  },
  items(value, rule, { root, path }) {
    if (!Array.isArray(value)) return null;
    return first(value.entries(), ([place, item]) => fault(item, rule, root, `${path}[${place}]`));
  },
  required(value, rule, { path }) {
    if (!isObject(value)) return null;
    const missing = rule.find((key) => !Object.hasOwn(value, key));
    return missing === undefined ? null : `Expected ${named(join(path, missing))}. Received: none`;
  },
  properties(value, rule, { root, path }) {
    if (!isObject(value)) return null;
    return first(Object.entries(rule), ([key, schema]) =>
      Object.hasOwn(value, key) ? fault(value[key], schema, root, join(path, key)) : null,
    );
  },
  additionalProperties(value, rule, { schema, root, path }) {
    if (!isObject(value)) return null;
    const others = Object.keys(value).filter((key) => !Object.hasOwn(schema.properties ?? {}, key));
    return first(others, (key) =>
      rule === false
        ? `Expected no further key in ${named(path)}. Received: ${shown(key)}`
        : fault(value[key], rule, root, join(path, key)),
    );
  },
  propertyNames(value, rule, { root, path }) {
    if (!isObject(value)) return null;
    return first(Object.keys(value), (key) => fault(key, rule, root, `${path} (a name)`));
  },
  $ref(value, rule, { root, path }) {
    const steps = rule.split("/").slice(1);
    return fault(value, steps.reduce((schema, step) => schema[step], root), root, path);
  },
  oneOf(value, rule, { root, path }) {
    const faults = rule.map((schema) => fault(value, schema, root, path));
    const passed = faults.filter((each) => each === null).length;
    if (passed > 1) return words(value, "exactly one form of it", { path });
    return passed === 1 ? null : faults.at(-1); // the last is the one that says most
  },
  if(value, rule, { schema, root, path }) {
    const branch = fault(value, rule, root, path) === null ? schema.then : schema.else;
    return branch === undefined ? null : fault(value, branch, root, path);
  },
};

function bound(holds, relation) {
  return (value, rule, place) =>
    typeof value !== "number" || holds(value, rule) ? null : words(value, `${relation} ${rule}`, place);
}

function length(applies, holds, relation) {
  return (value, rule, place) =>
    !applies(value) || holds(value.length, rule)
      ? null
      : words(value, `a length of ${relation} ${rule}`, place);
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function first(values, check) {
  for (const value of values) {
    const found = check(value);
    if (found !== null) return found;
  }
  return null;
}

function join(path, key) {
  return path ? `${path}.${key}` : key;
}

function named(path) {
  return path ? `\`${path.slice(0, 80)}\`` : "the manifest";
}

function words(value, expected, { path }) {
  return `Expected ${expected} as ${named(path)}. Received: ${shown(value)}`;
}

/** Little of a value, whatever its size. */
function shown(value) {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isObject(value)) return "an object";
  return String(JSON.stringify(value)).slice(0, 80);
}
