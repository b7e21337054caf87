/** Drawing a digit, in Chromium. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { beginWithDigits, until } from "./visits.mjs";

let session;
let open; // a visit that the tests share

before(async () => ({ session, open } = await beginWithDigits()));

after(() => session?.end());

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

/** Waits until these cells of the row that is shown, and no others, are full of ink. */
async function inked(page, places) {
  let found;
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    found = (await shownRow(page)).flatMap((ink, place) => (ink > 0.9 ? [place] : []));
    if (String(found) === String(places)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.deepEqual(found, places);
}

test("a digit is drawn with the mouse", async () => {
  const { page } = open;
  await page.click("#clear");
  await until(page, "#row-caption", "The drawing");
  await inked(page, []);
  await page.mouse.move(...(await cell(page, 1, 4)));
  await page.mouse.down();
  await page.mouse.move(...(await cell(page, 6, 4)), { steps: 4 });
  await page.mouse.up();
  await page.mouse.move(...(await cell(page, 3, 0))); // draws no more
  await inked(page, [12, 20, 28, 36, 44, 52]);
  await until(page, "#draw-range", "Cell values run from 0 to 16");
});

test("a digit is drawn with the keyboard", async () => {
  const { page } = open;
  await page.click("#clear");
  await page.focus("#pad");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Space");
  await until(page, "#draw-status", "Row 4, column 5: 100% ink");
  await page.keyboard.down("Shift");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.up("Shift");
  await inked(page, [3 * 8 + 4, 3 * 8 + 5]);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Space");
  await until(page, "#draw-status", "Row 4, column 5: empty");
  await inked(page, [3 * 8 + 5]);
});

test("a digit is drawn with a finger", async () => {
  const { page, messages, close } = await session.visit("digits", { width: 390, touch: true });
  const start = await cell(page, 2, 1);
  const scrolled = await page.evaluate(() => scrollY);
  const finger = await page.touchscreen.touchStart(...start);
  await finger.move(...(await cell(page, 2, 4)));
  const other = await page.touchscreen.touchStart(...(await cell(page, 7, 7)));
  await other.end(); // which neither draws nor ends the line
  await finger.move(...(await cell(page, 2, 6)));
  await finger.end();
  await inked(page, [17, 18, 19, 20, 21, 22]);
  assert.equal(await page.evaluate(() => scrollY), scrolled);
  assert.deepEqual(messages, []);
  await close();
});
