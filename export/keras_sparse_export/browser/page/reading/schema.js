/** Describes the rules of the manifest's schema; the validator itself is generated from the schema. */

import { validate } from "./manifest_validator.js";

const TYPES = {
  object: "an object",
  array: "a list",
  string: "a text",
  boolean: "true or false",
  integer: "a whole number",
  number: "a number",
  null: "null",
};

/** @type {{[rule: string]: (params: any) => string}} */
const EXPECTED = {
  type: ({ type }) => [type].flat().map((name) => TYPES[name]).join(" or "),
  const: ({ allowedValue }) => JSON.stringify(allowedValue),
  enum: ({ allowedValues }) => `one of ${JSON.stringify(allowedValues)}`,
  pattern: ({ pattern }) => `a text as ${pattern}`,
  minItems: ({ limit }) => `${limit} entries or more`,
  maxItems: ({ limit }) => `at most ${limit} entries`,
  minimum: ({ limit }) => `at least ${limit}`,
  maximum: ({ limit }) => `at most ${limit}`,
  exclusiveMinimum: ({ limit }) => `more than ${limit}`,
  required: ({ missingProperty }) => `the key \`${missingProperty}\``,
  additionalProperties: () => "no further key",
};

/**
 * Describes the first rule of the schema that a manifest breaks.
 *
 * @param {unknown} manifest
 * @returns {{expected: string, place: string, received: string} | null} Null if it breaks none.
 */
export function findFault(manifest) {
  if (validate(manifest)) return null;
  const [{ instancePath, keyword, params, propertyName }] = validate.errors;
  const steps = instancePath.split("/").slice(1).map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const value = steps.reduce((part, step) => part[step], manifest);
  return {
    expected: EXPECTED[keyword](params),
    place: joinPlace(steps, manifest).slice(0, 80),
    received: keyword === "required" ? "none" : shorten(propertyName ?? params.additionalProperty ?? value),
  };
}

/** A path as `input.shape[0]`. */
function joinPlace(steps, manifest) {
  let [place, part] = ["", manifest];
  for (const step of steps) {
    place += Array.isArray(part) ? `[${step}]` : `${place && "."}${step}`;
    part = part[step];
  }
  return place;
}

/** A short text for a value of any size. */
function shorten(value) {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return String(JSON.stringify(value)).slice(0, 80);
}
