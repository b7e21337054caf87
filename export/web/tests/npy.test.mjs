/**
 * Arrays in .npy files, in Node.
 *
 * ARRAYS names a file with .npy files, and the shape and float32 numbers of each; null if it is refused.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { readNpy } from "../../keras_sparse_export/browser/page/base/npy.js";

test("arrays are those of numpy, and others are refused", () => {
  for (const [content, wanted] of JSON.parse(readFileSync(process.env.ARRAYS ?? process.argv[2], "utf8"))) {
    const bytes = Uint8Array.from(Buffer.from(content, "base64"));
    if (wanted === null) {
      assert.throws(() => readNpy(bytes, "a.npy"), { name: "RowError", message: /^Expected .* in a\.npy\. Received: .*\. Remedy: / });
    } else {
      const { shape, values } = readNpy(bytes, "a.npy");
      assert.deepEqual({ shape, values: Array.from(values, (value) => (Number.isNaN(value) ? null : value)) }, wanted);
    }
  }
});
