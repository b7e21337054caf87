/** Drawing a digit, in Chromium. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { begin, until } from "./visits.mjs";

let session;
let open; // a visit that the tests share

before(async () => {
  session = await begin();
  open = await session.visit("digits");
});

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
  const { page, said, close } = await session.visit("digits", { width: 390, touch: true });
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
