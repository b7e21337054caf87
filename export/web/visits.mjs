/**
 * A browser that tests look at the page with, and that tells all the page did.
 *
 * SITES names a folder with sites and `expected.json`. CHROMIUM names the browser, if it is not on PATH.
 * With PAGE_URL the tests look at a page that something else serves, in place of `SITES/digits`.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import puppeteer from "puppeteer-core";

import { serve } from "./files.mjs";

// As in tests/browser.py: a browser that asks for nothing but the page.
const QUIET = [
  ...["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync"],
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

const sites = process.env.SITES;

/** What Python says of the bundles of the sites. */
export const expected = JSON.parse(readFileSync(join(sites, "expected.json"), "utf8"));

/** Why tests of other sites are skipped, or false. */
export const alone = process.env.PAGE_URL ? "PAGE_URL is of one page" : false;

/** A browser and a server, for the tests of a file. */
export async function begin() {
  const server = await serve(sites);
  const browser = await launch().catch((error) => {
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

/** The same, and a visit of `digits` that the tests of a file share. */
export async function beginWithDigits() {
  const session = await begin();
  return { session, open: await session.visit("digits") };
}

function launch() {
  const which = () => execFileSync("which", ["chromium"], { encoding: "utf8" }).trim();
  const root = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return puppeteer.launch({ executablePath: process.env.CHROMIUM || which(), args: [...QUIET, ...root] });
}

/**
 * A page that has opened its bundle or refused it, and what it said and asked for meanwhile.
 *
 * `replace` maps the end of an address to what is answered: bytes, a function of those of the
 * server, or null for none; an object with `body` also says what `contentType` it has. `prepare` runs
 * in the page before anything else.
 */
async function visit(browser, url, { replace = {}, prepare, width = 1280, touch = false } = {}) {
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
  return { page, url, said, asked, close: () => context.close() };
}

async function answer(page, replace) {
  await page.setRequestInterception(true);
  page.on("request", async (request) => {
    const name = Object.keys(replace).find((end) => request.url().endsWith(end));
    if (name === undefined) return request.continue();
    const found = replace[name];
    if (found === null) return request.respond({ status: 404, body: "" });
    const response = await fetch(request.url());
    const body = found(Buffer.from(await response.arrayBuffer()));
    const contentType = response.headers.get("content-type");
    return request.respond({ status: 200, contentType, ...(Buffer.isBuffer(body) ? { body } : body) });
  });
}

/** The text of an element. */
export const text = (page, selector) => page.$eval(selector, (node) => node.textContent);
/** Whether an element, or one around it, is hidden. */
export const hidden = (page, selector) => page.$eval(selector, (node) => node.closest("[hidden]") !== null);

/** Waits for a text, and tells what stands there if it does not come. */
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

/** Encodes a text, and waits until its codes are shown if they are to be. */
export async function paste(page, content, source) {
  await page.$eval("#text", (area, content) => (area.value = content), content);
  await page.click("#encode");
  if (source) await until(page, "#code", source);
}

/** Drops a file onto the page, and tells whether it may be dropped there. */
export function drop(page, name, content) {
  return page.evaluate(
    (name, content) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([content], name));
      const init = { dataTransfer, bubbles: true, cancelable: true };
      const over = new DragEvent("dragover", init);
      document.querySelector("h1").dispatchEvent(over);
      document.querySelector("h1").dispatchEvent(new DragEvent("drop", init));
      return over.defaultPrevented;
    },
    name,
    content,
  );
}

/** Holds up a method of `Encoder`, `Half` or `Blob` in the page, until `letGo`. */
export function hold(page, owner, method) {
  return page.evaluate(
    async (owner, method) => {
      const encoder = await import(new URL("encoder.js", document.baseURI));
      const { prototype } = { Blob, ...encoder }[owner];
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

/** Lets it go on, or fail if there is a reason, and waits until nothing follows from it any more. */
export function letGo(page, reason = null) {
  return page.evaluate(async (reason) => {
    globalThis.mend();
    if (reason === null) globalThis.resolve();
    else globalThis.reject(new Error(reason));
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  }, reason);
}

/** What the button saves: the codes of all rows. */
export async function saved(page) {
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
  await page.click("#download");
  assert.equal(await done, "completed");
  await session.detach();
  const content = readFileSync(join(folder, "codes.csv"), "utf8");
  rmSync(folder, { recursive: true });
  return content.trim().split("\n").map((line) => line.split(",").map(Number));
}

/** Codes as near as the page promises. */
export function near(found, wanted) {
  assert.equal(found.length, wanted.length);
  wanted.flat().forEach((value, place) => assert.ok(Math.abs(found.flat()[place] - value) <= 1e-5));
}

/** Rows as a text. */
export const csv = (rows) => rows.map((row) => row.join(",")).join("\n");

/** Texts whose contrast is below 4.5. */
export function faint() {
  const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
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
