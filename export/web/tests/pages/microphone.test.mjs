/** What the page scores of the microphone, in Chromium with a file in its place. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { makeWav } from "../files.mjs";
import { begin, expected, hidden, text, until } from "./visits.mjs";

const folder = mkdtempSync(join(tmpdir(), "sound-"));
const file = join(folder, "sound.wav");

let session;

before(async () => {
  const samples = expected.windows.rows.flatMap((row, place) => (place === 0 ? row : row.slice(32)));
  writeFileSync(file, makeWav(samples, { rate: 8000 }));
  session = await begin([
    ...["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
    `--use-file-for-fake-audio-capture=${file}`,
  ]);
});

after(async () => {
  await session?.end();
  rmSync(folder, { recursive: true });
});

test("the microphone is scored until it is stopped", async () => {
  const { page, messages, requests, url, close } = await session.visit("windows");
  assert.match(await text(page, "#live-note"), /at 8,000 samples a second, in this page\. Nothing is stored or sent\./);
  const asked = requests.length;
  await page.click("#listen");
  await until(page, "#live-score", "^Score [\\d.]+, (not )?above \\S+: (no )?alarm; \\d+ alarms? in the last minute$");
  assert.equal(await text(page, "#listen"), "Stop listening");
  await until(page, "#live-score", " [1-9]\\d+ alarms"); // of the burst
  await until(page, "#live-status", "^Listening … Alarm\\.");
  assert.match(await page.$eval("#live-curve", (canvas) => canvas.ariaLabel), /^Scores of the last minute, from [\d.]+ to [\d.]+$/);
  await page.click("#listen");
  await until(page, "#live-status", "^Stopped\\.$");
  const before = await text(page, "#live-score");
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(await text(page, "#live-score"), before);
  assert.deepEqual(requests.slice(asked).filter((address) => address !== `${url}signals/tap.js`), []);
  assert.deepEqual(messages, []);
  await close();
});

test("scores are those of samples at the rate of the manifest", async () => {
  const { page, close } = await session.visit("windows", { prepare: "globalThis.heard = []" });
  await page.evaluate(async () => {
    const { WindowStream } = await import(new URL("signals/windows.js", document.baseURI));
    const { push } = WindowStream.prototype;
    WindowStream.prototype.push = function (chunk) {
      globalThis.heard.push(...chunk);
      return push.call(this, chunk);
    };
  });
  await page.click("#listen");
  await page.waitForFunction(() => globalThis.heard.length > 16_000);
  const heard = await page.evaluate(() => globalThis.heard.slice(0, 16_000));
  const parts = Array.from({ length: 40 }, (_, part) => heard.slice(400 * part, 400 * (part + 1)));
  const crossings = parts.map((part) => part.filter((value, place) => place > 0 && value >= 0 !== part[place - 1] >= 0).length);
  const frequency = (crossings.sort((one, other) => one - other)[20] / 2) * (8000 / 400); // the median, as one part is noise
  assert.ok(Math.abs(frequency - 440) < 60, `${frequency} Hz`);
  await close();
});

test("without permission, microphone or https the page says so, and can try again", async () => {
  const refuse = (name) => `navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "${name}"))`;
  const cases = [
    [refuse("NotAllowedError"), "^Expected permission to use the microphone\\. Received: none\\. Remedy: allow it"],
    [refuse("NotFoundError"), "^Expected a microphone\\. Received: none"],
    ["Object.defineProperty(navigator, 'mediaDevices', { value: undefined })", "^Expected a page from https, or from localhost"],
    ["globalThis.AudioContext = class { constructor() { throw new Error() } }", "^Expected 8000 samples a second.* Received: a browser that"],
    ["globalThis.AudioContext = class { sampleRate = 48000; close() {} }", "^Expected 8000 samples a second.* Received: 48000"],
  ];
  for (const [prepare, message] of cases) {
    const { page, messages, close } = await session.visit("windows", { prepare });
    await page.click("#listen");
    await until(page, "#live-error", message);
    assert.equal(await text(page, "#listen"), "Listen to the microphone");
    assert.equal(await text(page, "#live-status"), "");
    assert.deepEqual(messages, []);
    await close();
  }
});

test("it is not offered where rows are no windows of a sound", async () => {
  const { page, close } = await session.visit("scored");
  assert.ok(await hidden(page, "#listen"));
  await close();
});
