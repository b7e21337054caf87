/**
 * Cuts a recording, or a stream of samples, into the windows that an encoder takes, as `signals/windows.py` does.
 *
 * Window i holds the samples from `i · hop` to `i · hop + window − 1`; no window is padded.
 *
 * @typedef {{window: number, hop: number, sampling_rate: number | null, channels: number}} Cut As the manifest has it.
 * @typedef {import("./wav.js").Recording} Recording
 */

import { RowError } from "../base/errors.js";
import { formatCount } from "../base/numbers.js";

const MAX_WINDOWS = 100_000;

/**
 * @param {number} frames Samples of a recording.
 * @param {Cut} cut
 * @returns {number} Its windows: `1 + ⌊(frames − window) / hop⌋`, or 0.
 */
export function countWindows(frames, { window, hop }) {
  return frames < window ? 0 : 1 + Math.floor((frames - window) / hop);
}

/**
 * @param {number} frames Samples of a recording.
 * @param {Cut} cut
 * @returns {number} Samples after its last window, which fill none.
 */
export function countTail(frames, { window, hop }) {
  const count = countWindows(frames, { window, hop });
  return frames - (count === 0 ? 0 : (count - 1) * hop + window);
}

/** The windows of a recording as one list of rows, which are cut when they are read: overlaps take no memory. */
export class Windows {
  /**
   * @param {Recording} recording
   * @param {Cut} cut
   * @throws {RowError} If the recording has another rate or number of channels, or too few or too many samples.
   */
  constructor(recording, cut) {
    requireForm(recording, cut);
    this.recording = recording;
    this.cut = cut;
    this.size = cut.window * cut.channels;
    this.count = countWindows(recording.frames, cut);
    this.length = this.count * this.size;
    if (this.count === 0) {
      throw new RowError(
        `Expected a recording of ${formatCount(cut.window, "sample")} or more, one window. Received: ` +
          formatCount(recording.frames, "sample"),
      );
    }
    if (this.count > MAX_WINDOWS) {
      throw new RowError(
        `Expected ${formatCount(MAX_WINDOWS, "window")} at most. Received: ${formatCount(this.count, "window")}. ` +
          "Remedy: a part of the recording, or keras-sparse-export score",
      );
    }
  }

  /**
   * Cuts whole windows, as `subarray` of an array of all of them would give them.
   *
   * @param {number} start A multiple of `size`.
   * @param {number} end
   * @returns {Float32Array}
   * @throws {RowError} If a sample is not finite.
   */
  subarray(start, end) {
    const { window, hop, channels } = this.cut;
    const rows = new Float32Array(end - start);
    for (let place = start; place < end; place += this.size) {
      const first = (place / this.size) * hop;
      const samples = this.recording.read(first, first + window);
      const odd = samples.findIndex((value) => !Number.isFinite(value));
      if (odd >= 0) {
        const where = `sample ${first + Math.floor(odd / channels) + 1}`;
        throw new RowError(`Expected finite samples. Received: ${samples[odd]} in ${where}`);
      }
      rows.set(samples, place - start);
    }
    return rows;
  }

  /** A copy, as every part is. */
  slice(start, end) {
    return this.subarray(start, end);
  }
}

function requireForm({ rate, channels }, cut) {
  if (channels !== cut.channels) {
    throw new RowError(
      `Expected a recording of ${formatCount(cut.channels, "channel")}, as in the manifest. Received: ` +
        `${formatCount(channels, "channel")}. Remedy: ffmpeg -i IN -ac ${cut.channels} OUT.wav, if that mix is what the ` +
        "training had",
    );
  }
  if (rate !== null && cut.sampling_rate !== null && rate !== cut.sampling_rate) {
    throw new RowError(
      `Expected ${cut.sampling_rate} samples a second, the sampling rate of the manifest. Received: ${rate}. ` +
        `Remedy: ffmpeg -i IN -ar ${cut.sampling_rate} OUT.wav`,
    );
  }
}

/** Cuts a stream of samples of one channel into windows, however they arrive. */
export class WindowStream {
  #pending = new Float32Array();
  #skip = 0; // samples before the next window, where they are no part of one

  /** @param {Cut} cut */
  constructor({ window, hop }) {
    Object.assign(this, { window, hop });
  }

  /**
   * @param {Float32Array} chunk
   * @returns {Float32Array[]} The windows that the samples complete.
   */
  push(chunk) {
    const skipped = Math.min(this.#skip, chunk.length);
    this.#skip -= skipped;
    const samples = new Float32Array(this.#pending.length + chunk.length - skipped);
    samples.set(this.#pending);
    samples.set(chunk.subarray(skipped), this.#pending.length);
    const count = countWindows(samples.length, this);
    const next = count * this.hop;
    this.#skip += Math.max(0, next - samples.length);
    this.#pending = samples.slice(next);
    return Array.from({ length: count }, (_, place) => samples.slice(place * this.hop, place * this.hop + this.window));
  }
}
