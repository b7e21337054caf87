/** Files for tests: sources of bundles, a static server, and damaged bytes. */

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize, sep } from "node:path";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** Files of a folder, as `reading/files.js` reads them. */
export function folderSource(folder) {
  return { read: (name) => readFile(join(folder, name)).catch(() => null) };
}

/** A server of a folder, on a free port of this machine; `close` ends it. */
export async function serve(folder) {
  const root = normalize(folder) + sep;
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const file = normalize(join(root, path.endsWith("/") ? `${path}index.html` : path));
    const bytes = file.startsWith(root) ? await readFile(file).catch(() => null) : null;
    response.writeHead(bytes ? 200 : 404, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
    response.end(bytes ?? "");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** Bytes with one of them changed, in the middle. */
export function damaged(bytes) {
  const copy = Buffer.from(bytes);
  copy[copy.length >> 1] ^= 1;
  return copy;
}

/** A wav file of 16 bits. Samples are in [-1, 1], the channels of each side by side. */
export function makeWav(samples, { rate, channels = 1 }) {
  const head = Buffer.alloc(44);
  const data = Buffer.from(Int16Array.from(samples, (value) => Math.round(value * 2 ** 15)).buffer);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  [1, channels].forEach((value, place) => head.writeUInt16LE(value, 20 + 2 * place));
  [rate, 2 * channels * rate].forEach((value, place) => head.writeUInt32LE(value, 24 + 4 * place));
  [2 * channels, 16].forEach((value, place) => head.writeUInt16LE(value, 32 + 2 * place));
  head.write("data", 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}

export function json(change) {
  return (bytes) => {
    const value = JSON.parse(bytes);
    change(value);
    return Buffer.from(JSON.stringify(value));
  };
}
