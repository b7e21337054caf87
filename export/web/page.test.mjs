/**
 * The page in Chromium.
 *
 * SITES names a folder with sites and `expected.json`. CHROMIUM names the browser, if it is not on PATH.
 * With PAGE_URL the tests look at a page that something else serves, in place of `SITES/digits`.
 */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { damaged, json, launch, serve, visit } from "./support.mjs";

const sites = process.env.SITES;
const expected = JSON.parse(readFileSync(join(sites, "expected.json"), "utf8"));
const scratch = mkdtempSync(join(tmpdir(), "page-"));
let browser;
let server;
let digits; // the address of the page of digits
let open; // a visit to it that several tests share

before(async () => {
  browser = await launch();
  server = await serve(sites);
  digits = process.env.PAGE_URL ?? `${server.url}digits/`;
  open = await visit(browser, digits);
});

after(async () => {
  await browser?.close();
  server?.close();
  rmSync(scratch, { recursive: true });
});

const text = (page, selector) => page.$eval(selector, (node) => node.textContent);
const hidden = (page, selector) => page.$eval(selector, (node) => node.closest("[hidden]") !== null);

async function until(page, selector, pattern) {
  await page
    .waitForFunction(
      (selector, pattern) => new RegExp(pattern, "u").test(document.querySelector(selector).textContent),
      { timeout: 20_000 },
      selector,
      pattern,
    )
    .catch(async () => assert.match(await text(page, selector), new RegExp(pattern, "u")));
}

async function paste(page, content, source) {
  await page.$eval("#text", (area, content) => (area.value = content), content);
  await page.click("#encode");
  if (source) await until(page, "#code", source);
}

/** What the button saves: the codes of all rows. */
async function saved(page) {
  const session = await page.createCDPSession();
  await session.send("Browser.setDownloadBehavior", {
    behavior: "allow",
    browserContextId: page.browserContext().id,
    downloadPath: scratch,
    eventsEnabled: true,
  });
  const done = new Promise((resolve) =>
    session.on("Browser.downloadProgress", ({ state }) => state === "completed" && resolve()),
  );
  await page.click("#download");
  await done;
  const content = readFileSync(join(scratch, "codes.csv"), "utf8");
  rmSync(join(scratch, "codes.csv"));
  return content.trim().split("\n").map((line) => line.split(",").map(Number));
}

function near(found, wanted) {
  assert.equal(found.length, wanted.length);
  wanted.flat().forEach((value, place) => assert.ok(Math.abs(found.flat()[place] - value) <= 1e-5));
}

const csv = (rows) => rows.map((row) => row.join(",")).join("\n");

test("it verifies the bundle, and says so line by line", async () => {
  const { page } = open;
  assert.equal(await text(page, "#trust-status"), "Whole, and it answers as it should.");
  const lines = await page.$$eval("#checks li", (items) => items.map((item) => item.textContent));
  assert.match(lines[2], /^(\d+) of \1 files are whole: size and SHA-256 agree\.$/);
  assert.match(lines[3], /^encoder\.onnx answers .* 32 golden rows: largest \|Δ\| \S+, allowed \S+e-5\.$/);
  assert.equal(lines[4], "The 5 largest codes of each golden row are the golden ones.");
  assert.match(lines[5], /^decoder\.onnx answers as it should/);
  assert.match(await text(page, "#about"), /opset 17.*1\.12 or newer.*encoder\.onnx/);
  await until(page, "#row-caption", "Golden row 1");
});

test("the codes of pasted rows are those of Python", async () => {
  const { page } = open;
  const { rows, codes, threshold } = expected.digits;
  await paste(page, `\n${csv(rows)}\n`, `${rows.length} rows of the text`);
  near(await saved(page), codes);
  for (const [row, code] of codes.slice(0, 3).entries()) {
    const active = code.filter((value) => value > threshold).length;
    await until(page, "#row-caption", `Row ${row + 1} of ${codes.length}`);
    assert.equal(await text(page, "#active"), `${active} of ${code.length} units active: codes above τ = 0`);
    const shown = await page.$$eval("#units li", (items) =>
      items.map((item) => [item.querySelector("span").textContent, item.querySelector("b").textContent]),
    );
    const largest = code
      .map((value, unit) => [value, unit])
      .filter(([value]) => value > threshold)
      .sort((a, b) => b[0] - a[0] || a[1] - b[1])
      .slice(0, 12);
    assert.deepEqual(shown.map(([name]) => name), largest.map(([, unit]) => `Unit ${unit}`));
    shown.forEach(([, value], place) => assert.ok(Math.abs(value - largest[place][0]) <= 5e-4 * largest[place][0]));
    assert.equal((await page.$$("#units canvas")).length, largest.length);
    await page.click("#next");
  }
  await page.click("#previous");
  await until(page, "#row-caption", "Row 3 of");
});

test("what units add, and the reconstruction, are those of Python", async () => {
  const { page } = open;
  const { rows, back } = expected.digits;
  await paste(page, csv(rows.slice(0, 1)), "1 row of the text");
  const error = rows[0].reduce((sum, value, place) => sum + (value - back[0][place]) ** 2, 0) / rows[0].length;
  const shown = (await text(page, "#back-caption")).match(/^Reconstruction: mean squared error (.*)$/)[1];
  assert.ok(Math.abs(shown - error) <= 1e-3 * error);
});

test("bad CSV is told by line, and what was shown stays", async () => {
  const { page } = open;
  await paste(page, csv(expected.digits.rows), "rows of the text");
  const before = [await text(page, "#active"), await text(page, "#source")];
  const cases = [
    ["1,2,3", "Line 1: expected 64 values. Received: 3."],
    [`${csv(expected.digits.rows)}\n${"x".padEnd(127, ",1")}`, "column 1: expected a number. Received: “x”."],
    ["\0PNG", "this is no CSV."],
    ["", "Expected rows of 64 numbers. Received: none."],
    ["<img src=x onerror=alert(1)>", "Line 1: expected 64 values. Received: 1."],
  ];
  for (const [content, message] of cases) {
    await paste(page, content);
    await until(page, "#error", RegExp.escape?.(message) ?? message.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    assert.deepEqual([await text(page, "#active"), await text(page, "#source")], before);
  }
  await paste(page, csv(expected.digits.rows), "rows of the text");
  assert.equal(await text(page, "#error"), "");
});

test("a file can be chosen", async () => {
  const { page } = open;
  const { rows, codes } = expected.digits;
  const file = join(scratch, "chosen.csv");
  writeFileSync(file, `${rows[0].map((_, column) => `"pixel, ${column}"`)}\n${csv(rows)}`);
  await (await page.$("#file")).uploadFile(file);
  await until(page, "#source", `${rows.length} rows of chosen.csv`);
  near(await saved(page), codes);
});

test("a file can be dropped", async () => {
  const { page } = open;
  const { rows, codes } = expected.digits;
  const drop = (name, content) =>
    page.evaluate(
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
  assert.ok(await drop("dropped.csv", csv(rows.slice(0, 2))));
  await until(page, "#source", "2 rows of dropped.csv");
  near(await saved(page), codes.slice(0, 2));
  await drop("a.png", "\x89PNG\0");
  await until(page, "#error", "this is no CSV");
  assert.equal(await text(page, "#source"), "2 rows of dropped.csv");
});

/** The middle of a cell of the pad, in pixels of the window. */
async function cell(page, row, column) {
  await page.$eval("#pad", (pad) => pad.scrollIntoView({ block: "center" }));
  const box = await (await page.$("#pad")).boundingBox();
  return [box.x + ((column + 0.5) * box.width) / 8, box.y + ((row + 0.5) * box.height) / 8];
}

/** The row that is shown, cell by cell, from 0 to 1. */
function shownRow(page) {
  return page.$eval("#row", (canvas) => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    const level = (name) =>
      Number.parseInt(getComputedStyle(document.documentElement).getPropertyValue(name).trim().slice(1, 3), 16);
    const [low, high] = [level("--picture-low"), level("--picture-high")];
    return Array.from({ length: data.length / 4 }, (_, place) => (data[4 * place] - low) / (high - low));
  });
}

test("a digit is drawn with the mouse", async () => {
  const { page } = open;
  await page.click("#clear");
  await until(page, "#row-caption", "The drawing");
  assert.ok((await shownRow(page)).every((ink) => ink === 0));
  await page.mouse.move(...(await cell(page, 1, 4)));
  await page.mouse.down();
  await page.mouse.move(...(await cell(page, 6, 4)), { steps: 4 });
  await page.mouse.up();
  await page.mouse.move(...(await cell(page, 3, 0))); // draws no more
  await page.waitForFunction(() => document.querySelector("#active").textContent !== "");
  await until(page, "#draw-range", "Cells run from 0 to 16");
  await new Promise((resolve) => setTimeout(resolve, 300));
  const row = await shownRow(page);
  for (let place = 0; place < 64; place += 1) {
    const inside = place % 8 === 4 && place >= 8 && place < 56;
    assert.equal(row[place] > 0.9, inside, `cell ${place}: ${row[place]}`);
  }
});

test("a digit is drawn with the keyboard", async () => {
  const { page } = open;
  await page.click("#clear");
  await page.focus("#pad");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Space");
  await until(page, "#draw-said", "Row 4, column 5: 100% ink");
  await page.keyboard.down("Shift");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.up("Shift");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Space");
  await until(page, "#draw-said", "Row 4, column 5: empty");
  await new Promise((resolve) => setTimeout(resolve, 300));
  const row = await shownRow(page);
  assert.deepEqual(row.flatMap((ink, place) => (ink > 0.5 ? [place] : [])), [3 * 8 + 5]);
});

test("a digit is drawn with a finger", async () => {
  const { page, said, close } = await visit(browser, digits, { width: 390, touch: true });
  const start = await cell(page, 2, 1);
  const scrolled = await page.evaluate(() => scrollY);
  await page.touchscreen.touchStart(...start);
  await page.touchscreen.touchMove(...(await cell(page, 2, 6)));
  await page.touchscreen.touchEnd();
  await until(page, "#row-caption", "The drawing");
  await new Promise((resolve) => setTimeout(resolve, 300));
  const row = await shownRow(page);
  assert.ok(row.slice(17, 23).every((ink) => ink > 0.9));
  assert.equal(await page.evaluate(() => scrollY), scrolled);
  assert.deepEqual(said, []);
  await close();
});

test("many rows come in pages, and a row of the table can be looked at", async () => {
  const { page } = open;
  const [row] = expected.digits.rows;
  await paste(page, csv(Array(45).fill(row)), "45 rows of the text");
  assert.equal((await page.$$("#table tr")).length, 20);
  await page.click("#table-previous");
  assert.match(await text(page, "#table-caption"), /^Rows 41 to 45 of 45\./);
  await page.click('#table [aria-label="Show row 44"]');
  await until(page, "#row-caption", "Row 44 of 45");
  await page.click("#golden-all");
  await until(page, "#source", "The golden rows");
  await until(page, "#table-caption", "Rows 1 to 20 of 32");
  await page.select("#golden", "2");
  await until(page, "#row-caption", "Golden row 3");
});

test("it measures how fast it is", async () => {
  const { page } = open;
  await page.click("#measure");
  await until(page, "#speed", "rows per second");
  const [median, p99] = (await text(page, "#speed")).match(/[\d.]+(?= µs)/g).map(Number);
  assert.ok(median > 0 && median <= p99);
});

test("the keyboard reaches every control, and each has a name", async () => {
  const { page } = open;
  await page.click("#golden-all");
  await until(page, "#source", "The golden rows");
  const all = await page.$$eval("button, select, textarea, input, summary, a[href], [tabindex]", (nodes) =>
    nodes.filter((node) => node.checkVisibility()).map((node, place) => (node.dataset.place = String(place))),
  );
  await page.evaluate(() => {
    document.body.tabIndex = -1;
    document.body.focus();
  });
  const reached = [];
  for (let step = 0; step < all.length; step += 1) {
    await page.keyboard.press("Tab");
    reached.push(await page.evaluate(() => document.activeElement.dataset.place));
  }
  assert.deepEqual(reached, all);
  const nodes = [];
  const walk = (node) => (nodes.push(node), (node.children ?? []).forEach(walk));
  walk(await page.accessibility.snapshot({ interestingOnly: true }));
  const controls = nodes.filter(({ role }) => /button|box|image|application|listbox|group/i.test(role));
  assert.ok(controls.length > 15);
  assert.deepEqual(controls.filter(({ name, role }) => !name && role !== "group"), []);
  const unlabelled = await page.$$eval("input, select, textarea", (fields) =>
    fields.filter((field) => field.labels.length === 0).map((field) => field.id),
  );
  assert.deepEqual(unlabelled, []);
  const names = controls.map(({ name }) => name);
  for (const name of ["Draw on 8 × 8 cells", "Golden row", "Rows of 64 numbers, one a line", "Next row"]) {
    assert.ok(names.includes(name), name);
  }
});

test("nothing is wider than the window, and all can be read, in light and dark", async () => {
  const { page } = open;
  for (const width of [360, 1280]) {
    for (const value of ["light", "dark"]) {
      await page.setViewport({ width, height: 900 });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${wide} px too wide at ${width}, ${value}`);
      assert.deepEqual(await page.evaluate(faint), [], `${width}, ${value}`);
    }
  }
  await page.setViewport({ width: 1280, height: 900 });
});

/** Texts whose contrast is below 4.5. */
function faint() {
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

test("it asked for nothing elsewhere, and the console is empty", () => {
  const { asked, said } = open;
  assert.ok(asked.length > 10);
  const elsewhere = asked.filter((url) => !url.startsWith(digits) && !url.startsWith("blob:"));
  assert.deepEqual(elsewhere, []);
  assert.deepEqual(said, []);
});

async function refused(options, status, reason) {
  const { page, close } = await visit(browser, digits, options);
  assert.match(await text(page, "#trust-status"), status);
  assert.match(await text(page, "#refusal"), reason);
  assert.ok(await hidden(page, "#code"));
  assert.ok(await hidden(page, "#all"));
  const enabled = await page.$$eval("button, select, textarea, input", (nodes) =>
    nodes.filter((node) => node.checkVisibility() && !node.matches(":disabled")).map((node) => node.id),
  );
  assert.deepEqual(enabled, []);
  assert.deepEqual(await page.evaluate(faint), []);
  await close();
}

test("damaged files are refused by name, and nothing runs", async () => {
  for (const file of ["encoder.onnx", "golden_code.f32"]) {
    const name = file.replace(".", "\\.");
    await refused(
      { replace: { [`bundle/${file}`]: damaged } },
      new RegExp(`^Not run, because of ${name}\\.$`),
      new RegExp(`^Expected ${name} with the hash in the manifest\\. Received: another`),
    );
  }
  await refused(
    { replace: { "bundle/golden_code.f32": null } },
    /because of golden_code\.f32/,
    /Expected golden_code\.f32\. Received: no such file\./,
  );
});

test("manifests that this page does not know are refused", async () => {
  await refused(
    { replace: { "bundle/manifest.json": json((manifest) => (manifest.format = 2)) } },
    /^Not run, because of manifest\.json\.$/,
    /^Expected a bundle of format 1\. Received: format 2\. Remedy: the page of a version/,
  );
  await refused(
    { replace: { "bundle/manifest.json": json((manifest) => (manifest.note = "<b>")) } },
    /because of manifest\.json/,
    /^Expected no further key in the manifest\. Received: "note", in manifest\.json\.$/,
  );
});

test("a bundle that is replaced while it is read is told from a damaged one", async () => {
  let asked = 0;
  const later = (bytes) => ((asked += 1) > 1 ? json((manifest) => (manifest.threshold = 0.5))(bytes) : bytes);
  await refused(
    { replace: { "bundle/manifest.json": later, "bundle/encoder.onnx": damaged } },
    /because of encoder\.onnx/,
    /were replaced meanwhile\. Remedy: load the page again\.$/,
  );
});

test("what a browser or a server lacks is said", async () => {
  await refused(
    { prepare: () => (WebAssembly.validate = () => false) },
    /^Not run\.$/,
    /^Expected a browser with WebAssembly and its SIMD instructions.*Remedy: /,
  );
  await refused(
    { prepare: () => Object.defineProperty(Crypto.prototype, "subtle", { value: undefined }) },
    /^Not run\.$/,
    /^Expected a page from https, or from localhost.*Remedy: serve this folder over https\.$/,
  );
  for (const file of ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"]) {
    await refused(
      { replace: { [`runtime/${file}`]: null } },
      new RegExp(`because of runtime/${file}`),
      new RegExp(`Received: no ${file}. Remedy: copy it there from the folder dist of the npm package`),
    );
  }
});

const elsewhere = process.env.PAGE_URL ? "PAGE_URL is of one page" : false;

test("a bundle without a decoder, of rows that are no pictures", { skip: elsewhere }, async () => {
  const { page, said, close } = await visit(browser, `${server.url}plain/`);
  const { rows, codes } = expected.plain;
  await until(page, "#checks", "encoder\\.int8\\.onnx answers as it should");
  await until(page, "#golden-kind", "32 rows of the bundle, real ones");
  assert.ok(await hidden(page, "#draw"));
  await paste(page, csv(rows), "rows of the text");
  near(await saved(page), codes);
  assert.ok(await hidden(page, "#back"));
  assert.equal((await page.$$("#units canvas")).length, 0);
  assert.match(await page.$eval("#row", (canvas) => canvas.ariaLabel), /as a line$/);
  assert.deepEqual(said, []);
  await close();
});

test("codes with positions are shown as their mean", { skip: elsewhere }, async () => {
  const { page, said, close } = await visit(browser, `${server.url}positions/`);
  const { rows, codes, threshold } = expected.positions;
  await until(page, "#golden-kind", "32 rows of the bundle, synthetic");
  await until(page, "#draw-range", "Cells run from 0 to 1");
  await paste(page, csv(rows), "rows of the text");
  near(await saved(page), codes);
  const [code] = codes;
  const active = code.filter((value) => value > threshold).length / 8;
  assert.equal(await text(page, "#active"), `${active} of 6 units active per position, on average over 8: codes above τ = 0`);
  assert.match(await text(page, "#whole-caption"), /^The code, as the mean over positions/);
  assert.match(await text(page, "#units-note"), /^Codes are means over positions\./);
  const means = Array.from({ length: 6 }, (_, unit) =>
    code.filter((_, place) => place % 6 === unit).reduce((sum, value) => sum + value / 8, 0),
  );
  const largest = await text(page, "#units b");
  assert.ok(Math.abs(largest - Math.max(...means)) <= 5e-4 * Math.max(...means));
  assert.deepEqual(said, []);
  await close();
});
