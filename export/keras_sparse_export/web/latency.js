/**
 * How fast an encoder is in this browser.
 *
 * @typedef {{median: number, p99: number, calls: number, group: number, rowsPerSecond: number,
 *   batch: number}} Latency Times in milliseconds; each timing is of `group` calls in a row.
 */

import { pause } from "./turns.js";

const WARM_UP = 20;
const TIMINGS = 400;
const BATCH = 256;
const BATCHES = 200;
const PERIOD = 500; // milliseconds, for what a slow encoder would draw out

/**
 * @param {import("./encoder.js").Encoder} encoder
 * @param {Float32Array} row
 * @returns {Promise<Latency>}
 */
export async function measure(encoder, row) {
  const single = () => encoder.encoder.run(row, 1);
  const once = await meanTime(single, WARM_UP, PERIOD);
  // Browsers make clocks coarse, against spying: a timing must be many ticks long.
  const group = Math.max(1, Math.ceil((20 * tick()) / once));
  const timings = [];
  for (const end = performance.now() + 2000; timings.length < TIMINGS && performance.now() < end; ) {
    timings.push(await meanTime(single, group));
    if (timings.length % 20 === 0) await pause();
  }
  timings.sort((a, b) => a - b);
  const median = quantile(timings, 0.5);
  return {
    median,
    p99: quantile(timings, 0.99),
    calls: timings.length * group,
    group,
    ...(await throughput(encoder, row, median)),
  };
}

/** Rows in batches: of 256, or as many as a page holds in memory and encodes without a long wait. */
async function throughput(encoder, row, once) {
  const batch = Math.max(1, Math.min(BATCH, encoder.chunkRows, Math.floor(PERIOD / once)));
  const rows = new Float32Array(batch * row.length);
  for (let index = 0; index < batch; index += 1) rows.set(row, index * row.length);
  const run = () => encoder.encoder.run(rows, batch);
  await run(); // the first of another size takes longer
  await pause();
  return { batch, rowsPerSecond: (1000 * batch) / (await meanTime(run, BATCHES, PERIOD)) };
}

/** Milliseconds of a call: the mean of so many, or of as many as fit into a period. */
async function meanTime(call, times, period = Infinity) {
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

/** The smallest step of this browser's clock. */
function tick() {
  const steps = Array.from({ length: 5 }, () => {
    const start = performance.now();
    let now = start;
    while (now === start) now = performance.now();
    return now - start;
  });
  return Math.min(...steps);
}

function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
