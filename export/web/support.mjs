/** What the tests share: bundles in folders, a static server, and a browser that tells all it did. */

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";
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
// As in tests/browser.py: a browser that asks for nothing but the page.
const QUIET = [
  ...["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync"],
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

/** Files of a folder, as `bundle.js` reads them. */
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

export async function launch() {
  const { default: puppeteer } = await import("puppeteer-core");
  const which = () => execFileSync("which", ["chromium"], { encoding: "utf8" }).trim();
  const root = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return puppeteer.launch({ executablePath: process.env.CHROMIUM || which(), args: [...QUIET, ...root] });
}

/**
 * A page that has opened its bundle or refused it, and what it said and asked for meanwhile.
 *
 * `replace` maps the end of an address to what is answered: bytes, a function of those of the
 * server, or null for none. `prepare` runs in the page before anything else.
 */
export async function visit(browser, url, { replace = {}, prepare, width = 1280, touch = false } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport({ width, height: 900, hasTouch: touch });
  const said = [];
  const asked = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("request", (request) => asked.push(request.url()));
  if (prepare) await page.evaluateOnNewDocument(prepare);
  if (Object.keys(replace).length > 0) await answer(page, replace);
  await page.goto(url);
  await page.waitForSelector("#trust.passed, #trust.failed");
  return { page, said, asked, close: () => context.close() };
}

async function answer(page, replace) {
  await page.setRequestInterception(true);
  page.on("request", async (request) => {
    const name = Object.keys(replace).find((end) => request.url().endsWith(end));
    if (name === undefined) return request.continue();
    const found = replace[name];
    if (found === null) return request.respond({ status: 404, body: "" });
    const bytes = Buffer.from(await (await fetch(request.url())).arrayBuffer());
    return request.respond({ status: 200, body: found(bytes) });
  });
}

/** Bytes with one of them changed, in the middle. */
export function damaged(bytes) {
  const copy = Buffer.from(bytes);
  copy[copy.length >> 1] ^= 1;
  return copy;
}

export function json(change) {
  return (bytes) => {
    const value = JSON.parse(bytes);
    change(value);
    return Buffer.from(JSON.stringify(value));
  };
}
