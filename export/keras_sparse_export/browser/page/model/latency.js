/**
 * Measures how fast an encoder runs in this browser.
 *
 * @typedef {{median: number, p99: number, calls: number, group: number, rowsPerSecond: number,
 *   batch: number}} Latency Times in milliseconds; each timing covers `group` consecutive calls.
 */

import { pause } from "../base/latest.js";

const WARM_UP = 20;
const TIMINGS = 400;
const BATCH = 256;
const BATCHES = 200;
const PERIOD = 500; // milliseconds, the limit for steps that a slow encoder would prolong

/**
 * @param {import("./encoder.js").Encoder} encoder
 * @param {Float32Array} row
 * @returns {Promise<Latency>}
 */
export async function measure(encoder, row) {
  const single = () => encoder.encoder.run(row, 1);
  const once = await measureMean(single, WARM_UP, PERIOD);
  // Browsers make clocks coarse against timing attacks: a timing must take many ticks.
  const group = Math.max(1, Math.ceil((20 * measureTick()) / once));
  const timings = [];
  for (const end = performance.now() + 2000; timings.length < TIMINGS && performance.now() < end; ) {
    timings.push(await measureMean(single, group));
    if (timings.length % 20 === 0) await pause();
  }
  timings.sort((a, b) => a - b);
  const median = quantile(timings, 0.5);
  return {
    median,
    p99: quantile(timings, 0.99),
    calls: timings.length * group,
    group,
    ...(await measureThroughput(encoder, row, median)),
  };
}

/** Measures batches of 256 rows, or of as many as fit in memory and take no long wait. */
async function measureThroughput(encoder, row, once) {
  const batch = Math.max(1, Math.min(BATCH, encoder.chunkRows, Math.floor(PERIOD / once)));
  const rows = new Float32Array(batch * row.length);
  for (let index = 0; index < batch; index += 1) rows.set(row, index * row.length);
  const run = () => encoder.encoder.run(rows, batch);
  await run(); // the first batch of a new size takes longer
  await pause();
  return { batch, rowsPerSecond: (1000 * batch) / (await measureMean(run, BATCHES, PERIOD)) };
}

/** Measures the mean milliseconds of a call over `times` calls, or those that fit in a period. */
async function measureMean(call, times, period = Infinity) {
  const start = performance.now();
  let done = 0;
  let spent = 0;
  while (done < times && spent < period) {
    await call();
    done += 1;
    spent = performance.now() - start;
  }
  return Math.max(spent, 1e-3) / done;
}

/** Measures the smallest step of this browser's clock. */
function measureTick() {
  const steps = Array.from({ length: 5 }, () => {
    const start = performance.now();
    let now = start;
    while (now === start) now = performance.now();
    return now - start;
  });
  return Math.min(...steps);
}

function quantile(sorted, fraction) {
  return sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))];
}
