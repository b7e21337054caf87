/** Writes the page's validator of a schema, read from standard input, to standard output. */

import { readFileSync } from "node:fs";

import Ajv from "ajv/dist/2020.js";
import standaloneCode from "ajv/dist/standalone/index.js";

const ajv = new Ajv.default({
  code: { esm: true, lines: true, source: true },
  inlineRefs: false, // a third smaller
  messages: false, // reading/schema.js has the words
  strictTypes: false,
});
const code = standaloneCode.default(ajv, ajv.compile(JSON.parse(readFileSync(0, "utf8"))));
const forbidden = /\b(require|import|eval|Function)\b/.exec(code);
if (forbidden) throw new Error(`Expected code that runs alone. Received: ${forbidden[0]}`);
process.stdout.write(
  `/** Validates a manifest. Generated from \`manifest.schema.json\` by \`make validators\`. */\n\n${code}\n`,
);
