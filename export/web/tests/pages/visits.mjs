/**
 * A browser in which tests open the page, with records of its console messages and requests.
 *
 * SITES names a folder with sites and `expected.json`. CHROMIUM names the browser, if it is not on PATH.
 * With PAGE_URL the tests open a page that another server serves, in place of `SITES/digits`.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import puppeteer from "puppeteer-core";

import { serve } from "../files.mjs";

// As in tests/helpers/browser.py: a browser that requests nothing but the page.
const QUIET = [
  ...["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync"],
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

const sites = process.env.SITES;

/** Python's results for the bundles of the sites. */
export const expected = JSON.parse(readFileSync(join(sites, "expected.json"), "utf8"));

/** The reason to skip tests of other sites, or false. */
export const alone = process.env.PAGE_URL ? "PAGE_URL is of one page" : false;

/** Starts a browser, with further options, and a server for the tests of a file. */
export async function begin(options = []) {
  const server = await serve(sites);
  const browser = await launch(options).catch((error) => {
    server.close();
    throw error;
  });
  return {
    visit: (site, options) => visit(browser, process.env.PAGE_URL ?? `${server.url}${site}/`, options),
    async end() {
      await browser.close();
      server.close();
    },
  };
}

/** The same, with a visit of `digits` that the tests of a file share. */
export async function beginWithDigits() {
  const session = await begin();
  return { session, open: await session.visit("digits") };
}

function launch(options) {
  const which = () => execFileSync("which", ["chromium"], { encoding: "utf8" }).trim();
  const root = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return puppeteer.launch({ executablePath: process.env.CHROMIUM || which(), args: [...QUIET, ...root, ...options] });
}

/**
 * Opens a page, waits until its verification passed or failed, and records messages and requests.
 *
 * `replace` maps the end of a URL to the response: bytes, a function of the server's bytes, or null for
 * 404; an object with `body` may also set the `contentType`. `prepare` runs in the page first.
 */
async function visit(browser, url, { replace = {}, prepare, width = 1280, touch = false } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport({ width, height: 900, hasTouch: touch });
  const messages = [];
  const requests = [];
  page.on("console", (message) => messages.push(message.text()));
  page.on("pageerror", (error) => messages.push(String(error)));
  page.on("request", (request) => requests.push(request.url()));
  if (prepare) await page.evaluateOnNewDocument(prepare);
  if (Object.keys(replace).length > 0) await answer(page, replace);
  await page.goto(url);
  await page.waitForSelector("#trust.passed, #trust.failed");
  return { page, url, messages, requests, close: () => context.close() };
}

async function answer(page, replace) {
  await page.setRequestInterception(true);
  page.on("request", async (request) => {
    const name = Object.keys(replace).find((end) => request.url().endsWith(end));
    if (name === undefined) return request.continue();
    const replacement = replace[name];
    if (replacement === null) return request.respond({ status: 404, body: "" });
    const response = await fetch(request.url());
    const body = replacement(Buffer.from(await response.arrayBuffer()));
    const contentType = response.headers.get("content-type");
    return request.respond({ status: 200, contentType, ...(Buffer.isBuffer(body) ? { body } : body) });
  });
}

/** The text of an element. */
export const text = (page, selector) => page.$eval(selector, (node) => node.textContent);
/** Whether an element, or one around it, is hidden. */
export const hidden = (page, selector) => page.$eval(selector, (node) => node.closest("[hidden]") !== null);

/** Waits for a text; on a timeout the failure shows the actual text. */
export async function until(page, selector, pattern) {
  await page
    .waitForFunction(
      (selector, pattern) => new RegExp(pattern, "u").test(document.querySelector(selector).textContent),
      { timeout: 20_000 },
      selector,
      pattern,
    )
    .catch(async () => assert.match(await text(page, selector), new RegExp(pattern, "u")));
}

/** Encodes a text, and waits for its codes if `source` is given. */
export async function paste(page, content, source) {
  await page.$eval("#text", (area, content) => (area.value = content), content);
  await page.click("#encode");
  if (source) await until(page, "#code", source);
}

/** Drops a file of text or bytes onto the page, and returns whether the page accepts it. */
export function drop(page, name, content) {
  const bytes = Buffer.from(content).toString("base64");
  return page.evaluate(
    (name, bytes) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))], name));
      const init = { dataTransfer, bubbles: true, cancelable: true };
      const over = new DragEvent("dragover", init);
      document.querySelector("h1").dispatchEvent(over);
      document.querySelector("h1").dispatchEvent(new DragEvent("drop", init));
      return over.defaultPrevented;
    },
    name,
    bytes,
  );
}

/** Blocks a method of `Encoder`, `OnnxModel` or `Blob` in the page until `letGo`. */
export function hold(page, owner, method) {
  return page.evaluate(
    async (owner, method) => {
      const files = ["model/encoder.js", "model/onnx_model.js"].map((path) => import(new URL(path, document.baseURI)));
      const { prototype } = Object.assign({ Blob }, ...(await Promise.all(files)))[owner];
      const real = prototype[method];
      const held = new Promise((resolve, reject) => Object.assign(globalThis, { resolve, reject }));
      prototype[method] = function (...given) {
        return held.then(() => real.apply(this, given));
      };
      globalThis.mend = () => (prototype[method] = real);
    },
    owner,
    method,
  );
}

/** Unblocks the method, or makes it fail with a reason, and waits until its effects have settled. */
export function letGo(page, reason = null) {
  return page.evaluate(async (reason) => {
    globalThis.mend();
    if (reason === null) globalThis.resolve();
    else globalThis.reject(new Error(reason));
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  }, reason);
}

/** Clicks a download button, and returns the saved codes of all rows, or the lines of scores. */
export async function saved(page, what = "codes") {
  const folder = mkdtempSync(join(tmpdir(), "codes-"));
  const session = await page.createCDPSession();
  await session.send("Browser.setDownloadBehavior", {
    behavior: "allow",
    browserContextId: page.browserContext().id,
    downloadPath: folder,
    eventsEnabled: true,
  });
  const done = new Promise((resolve) =>
    session.on("Browser.downloadProgress", ({ state }) => state !== "inProgress" && resolve(state)),
  );
  await page.click(what === "codes" ? "#download" : `#download-${what}`);
  assert.equal(await done, "completed");
  await session.detach();
  const lines = readFileSync(join(folder, `${what}.csv`), "utf8").trim().split("\n");
  rmSync(folder, { recursive: true });
  return what === "codes" ? lines.map((line) => line.split(",").map(Number)) : lines;
}

/** Asserts that codes agree within the tolerance that the page promises. */
export function near(actual, wanted) {
  assert.equal(actual.length, wanted.length);
  const numbers = actual.flat();
  wanted.flat().forEach((value, place) => assert.ok(Math.abs(numbers[place] - value) <= 1e-5));
}

/** Formats rows as CSV. */
export const csv = (rows) => rows.map((row) => row.join(",")).join("\n");

/** Finds texts whose contrast is below 4.5. */
export function faint() {
  const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((part) => {
      const fraction = part / 255;
      return fraction <= 0.04045 ? fraction / 12.92 : ((fraction + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    const colour = getComputedStyle(node).backgroundColor;
    return node.parentElement && parts(colour)[3] === 0 ? ground(node.parentElement) : colour;
  };
  const holdsText = (node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
  return [...document.body.querySelectorAll("*")]
    .filter((node) => node.checkVisibility() && holdsText(node) && !node.matches(":disabled, :disabled *"))
    .flatMap((node) => {
      const [a, b] = [light(getComputedStyle(node).color), light(ground(node))].sort((x, y) => y - x);
      const contrast = (a + 0.05) / (b + 0.05);
      return contrast < 4.5 ? [`${node.tagName} ${node.id} ${contrast}`] : [];
    });
}
