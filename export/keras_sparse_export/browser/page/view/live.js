/** Scores what the microphone hears, over the last minute. Nothing of it is kept beyond that, or sent. */

import { coalesce } from "../base/latest.js";
import { extent, formatCount, formatNumber } from "../base/numbers.js";
import { describeAlarm, describeVerdict, findAlarms, isAlarm } from "../model/scores.js";
import { listen } from "../signals/microphone.js";
import { WindowStream } from "../signals/windows.js";
import { drawCurve } from "./curve.js";
import { attempt, byId, setText } from "./dom.js";
import { explainCurve } from "./scores.js";

const SECONDS = 60;
const RECENT = 5; // seconds for which an alarm is announced, so that alarms are not read aloud one by one

/**
 * Connects the button of the microphone if rows are windows of a sound, and have scores.
 *
 * @param {import("../model/encoder.js").Encoder} encoder
 * @returns {Live | null}
 */
export function offerMicrophone(encoder) {
  const { cut, scorer, alarm } = encoder;
  if (scorer === null || cut?.channels !== 1 || cut.sampling_rate === null) return null;
  byId("live").hidden = false;
  setText(
    "live-note",
    `Scores what the microphone hears, at ${cut.sampling_rate.toLocaleString("en")} samples a second, in this page. Nothing ` +
      "is stored or sent. The browser asks for permission when you press the button.",
  );
  setText("live-caption", explainCurve(alarm));
  setText("live-basis", describeAlarm(alarm));
  const live = new Live(encoder);
  byId("listen").addEventListener("click", () => live.toggle());
  new ResizeObserver(() => live.draw()).observe(byId("live-curve"));
  return live;
}

/** The scores of the last minute; while it listens, new ones come. */
class Live {
  #windows = []; // that wait to be scored
  #session = null;
  #starting = false;

  /** @param {import("../model/encoder.js").Encoder} encoder */
  constructor(encoder) {
    this.encoder = encoder;
    this.step = encoder.cut.hop / encoder.cut.sampling_rate;
    this.most = Math.max(2, Math.ceil(SECONDS / this.step));
    this.scores = new Float32Array();
    this.skipped = 0;
  }

  /** Begins to listen, or stops. */
  async toggle() {
    if (this.#starting) return;
    if (this.#session !== null) return this.#stop("Stopped.");
    this.#starting = true;
    setText("live-status", "Waiting for the microphone …");
    await attempt(() => this.#start(), undefined, "live-error");
    this.#starting = false;
    if (this.#session === null) setText("live-status", "");
  }

  async #start() {
    const stream = new WindowStream(this.encoder.cut);
    const take = (samples) => {
      this.#windows.push(...stream.push(samples));
      this.#score().catch((error) => attempt(() => this.#fail(error), undefined, "live-error"));
    };
    Object.assign(this, { scores: new Float32Array(), skipped: 0 });
    const { sampling_rate: rate } = this.encoder.cut;
    this.#session = await listen(rate, take, () => this.#stop("The microphone has ended."));
    setText("listen", "Stop listening");
    setText("live-status", "Listening …");
    byId("live-shown").hidden = false;
    this.draw();
  }

  #stop(reason) {
    this.#session?.stop();
    this.#session = null;
    this.#windows = [];
    setText("listen", "Listen to the microphone");
    setText("live-status", reason);
  }

  #fail(error) {
    this.#stop("Stopped.");
    throw error;
  }

  /** Scores all windows that wait, together; of more than fit in a chunk the last ones. */
  #score = coalesce(async () => {
    const windows = this.#windows.splice(0);
    const taken = windows.slice(-this.encoder.chunkRows);
    if (taken.length === 0) return;
    const size = this.encoder.inputSize;
    const rows = new Float32Array(taken.length * size);
    taken.forEach((window, place) => rows.set(window, place * size));
    const { scores } = await this.encoder.encode(rows);
    if (this.#session === null) return;
    this.skipped += windows.length - taken.length;
    const all = [...this.scores, ...Array(windows.length - taken.length).fill(NaN), ...scores];
    this.scores = Float32Array.from(all.slice(-this.most));
    this.#show();
  });

  #show() {
    const { alarm } = this.encoder;
    const last = this.scores.at(-1);
    const alarms = findAlarms(this.scores, alarm);
    const count = alarm === null ? "" : `; ${formatCount(alarms.length, "alarm")} in the last minute`;
    setText("live-score", describeVerdict(last, alarm) + count);
    byId("live-score").classList.toggle("alarm", isAlarm(last, alarm));
    const recent = alarms.length > 0 && (this.scores.length - 1 - alarms.at(-1)) * this.step < RECENT;
    const late = this.skipped === 0 ? "" : ` ${formatCount(this.skipped, "window")} skipped: this machine is too slow for all.`;
    const status = `Listening …${recent ? " Alarm." : ""}${late}`;
    if (byId("live-status").textContent !== status) setText("live-status", status); // else it is read aloud again
    this.draw();
  }

  /** Draws the curve, for example after a change between light and dark. */
  draw() {
    if (byId("live-shown").hidden) return;
    const { scores, step } = this;
    const axis = { first: -(scores.length - 1) * step, step, low: -SECONDS, high: 0, label: "Seconds before now" };
    drawCurve(byId("live-curve"), { scores, alarm: this.encoder.alarm, axis, current: null });
    const { low, high } = extent(scores, { low: Infinity, high: -Infinity });
    const range = scores.length === 0 ? "none yet" : `from ${formatNumber(low)} to ${formatNumber(high)}`;
    byId("live-curve").setAttribute("aria-label", `Scores of the last minute, ${range}`);
  }
}
