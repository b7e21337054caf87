/** Accessibility of the page: keyboard, names, contrast, width. In Chromium. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { beginWithDigits, faint, until } from "./visits.mjs";

let session;
let open; // a visit that the tests share

before(async () => ({ session, open } = await beginWithDigits()));

after(() => session?.end());

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
  for (const name of ["Draw on 8 × 8 cells", "Golden row", "Rows of 64 numbers, one per line", "Next row"]) {
    assert.ok(names.includes(name), name);
  }
});

test("a row of the table keeps the focus when it is chosen", async () => {
  const { page } = open;
  await page.focus('[aria-label="Show row 3"]');
  await page.keyboard.press("Enter");
  await until(page, "#row-caption", "Row 3 of 32");
  assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), "Show row 3");
});

test("live regions exist before they announce anything", async () => {
  const { page } = open;
  const absent = await page.$$eval("[role=status], [role=alert], [aria-live]", (nodes) =>
    nodes.filter((node) => getComputedStyle(node).display === "none").map((node) => node.id),
  );
  assert.deepEqual(absent, []);
  const heights = await page.$$eval("#progress, #error, #failure, #speed", (nodes) =>
    nodes.map((node) => node.getBoundingClientRect().height),
  );
  assert.deepEqual(heights, [0, 0, 0, 0]);
});

test("nothing is wider than the window, and contrast suffices, in light and dark", async () => {
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
