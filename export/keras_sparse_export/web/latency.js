/**
 * How fast an encoder is in this browser.
 *
 * @typedef {{median: number, p99: number, calls: number, group: number, rowsPerSecond: number,
 *   batch: number}} Latency Times in milliseconds; each timing is of `group` calls in a row.
 */

const WARM_UP = 20;
const TIMINGS = 400;
const BATCH = 256;

/**
 * @param {import("./encoder.js").Encoder} encoder
 * @param {Float32Array} row
 * @returns {Promise<Latency>}
 */
export async function measure(encoder, row) {
  const single = () => encoder.encoder.run(row, 1);
  const once = await meanTime(single, WARM_UP);
  // Browsers make clocks coarse, against spying: a timing must be many ticks long.
  const group = Math.max(1, Math.ceil((20 * tick()) / once));
  const timings = [];
  for (const end = performance.now() + 2000; timings.length < TIMINGS && performance.now() < end; ) {
    timings.push(await meanTime(single, group));
    if (timings.length % 20 === 0) await pause();
  }
  timings.sort((a, b) => a - b);
  return {
    median: quantile(timings, 0.5),
    p99: quantile(timings, 0.99),
    calls: timings.length * group,
    group,
    rowsPerSecond: await throughput(encoder, row),
    batch: BATCH,
  };
}

async function throughput(encoder, row) {
  const rows = new Float32Array(BATCH * row.length);
  for (let index = 0; index < BATCH; index += 1) rows.set(row, index * row.length);
  const batch = () => encoder.encoder.run(rows, BATCH);
  const once = await meanTime(batch, 2);
  await pause();
  return (1000 * BATCH) / (await meanTime(batch, Math.min(200, Math.ceil(500 / once))));
}

async function meanTime(call, times) {
  const start = performance.now();
  for (let time = 0; time < times; time += 1) await call();
  return Math.max(performance.now() - start, 1e-3) / times;
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

function pause() {
  return new Promise((resolve) => setTimeout(resolve));
}
