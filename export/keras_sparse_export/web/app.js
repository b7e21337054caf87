/** Opens the bundle beside the page, and joins what is entered with what is shown. */

import { addCheck, showBundle, showPassed, showRefusal } from "./about.js";
import { siteSource } from "./bundle.js";
import { format } from "./csv.js";
import { BundleError } from "./errors.js";
import { offerCsv, offerGolden, offerPad, rangeOf, takeGolden } from "./inputs.js";
import { measure } from "./latency.js";
import { brief, byId, define, say } from "./page.js";
import { look, showLook, showTable, tablePage, tablePages } from "./results.js";
import { loadRuntime, requireBrowser } from "./runtime.js";
import { openBundle } from "./verification.js";

const here = (path) => new URL(path, document.baseURI);

/** The bundle at work: what was entered last, and which row of it is shown. */
class Desk {
  constructor({ encoder, golden }) {
    this.encoder = encoder;
    this.range = golden.kind === "real" ? rangeOf(golden) : null;
    this.batch = null;
    this.index = 0;
    this.page = 0;
    this.tickets = 0;
    this.take = this.take.bind(this);
  }

  /** Encodes rows and shows the first; if that fails, all stays as it was. */
  async take(rows, count, source, golden = "") {
    const ticket = (this.tickets += 1);
    const progress = (done) => {
      if (ticket === this.tickets) say("source", `Encoding: ${done} of ${count} rows …`);
    };
    try {
      const { encoder } = this;
      const codes = count === 1 ? await encoder.encodeRow(rows) : await encoder.encode(rows, progress);
      if (ticket !== this.tickets) return; // something newer was entered meanwhile
      this.batch = { rows, codes, count, source, golden };
      await this.show(0);
    } catch (error) {
      this.draw();
      throw error;
    }
  }

  /** Shows a row of the batch. */
  async show(index) {
    const ticket = (this.tickets += 1);
    const { encoder, batch } = this;
    const part = (values, size) => values.slice(index * size, (index + 1) * size);
    const code = part(batch.codes, encoder.codeSize);
    const found = await look(encoder, part(batch.rows, encoder.inputSize), code);
    if (ticket !== this.tickets) return;
    this.index = index;
    this.page = tablePage(index);
    this.found = found;
    byId("code").hidden = byId("all").hidden = false;
    byId("pager").hidden = batch.count === 1;
    this.draw();
  }

  /** Draws what is shown, anew after a change between light and dark. */
  draw() {
    if (this.batch === null) return;
    const { count, source, golden } = this.batch;
    byId("golden").value = golden;
    const title = count === 1 ? source : `Row ${this.index + 1} of ${count}`;
    say("source", count === 1 ? "" : source);
    showLook(this.encoder, this.found, title, this.range);
    this.drawTable();
  }

  drawTable() {
    showTable(this.encoder, this.batch, this.index, this.page, (row) => this.show(row));
  }

  /** The row before or after, around the ends. */
  turn(step) {
    const { count } = this.batch;
    return this.show((this.index + step + count) % count);
  }

  turnPage(step) {
    const pages = tablePages(this.batch.count);
    this.page = (this.page + step + pages) % pages;
    this.drawTable();
  }
}

async function start() {
  try {
    say("trust-status", "Reading the manifest …");
    requireBrowser();
    const opened = await openBundle(
      siteSource(here("bundle/")),
      await readSchema(),
      () => loadRuntime(here("runtime/")),
      addCheck,
      (text) => say("trust-status", text),
    );
    showPassed(opened.golden.kind !== "none");
    showBundle(opened.manifest);
    await begin(opened);
  } catch (error) {
    showRefusal(error);
  }
}

async function readSchema() {
  const name = "manifest.schema.json";
  const fail = (found) => {
    throw new BundleError(`Expected \`${name}\` beside the page. Received: ${found}`, name);
  };
  const response = await fetch(here(name), { cache: "no-cache" }).catch(() => null);
  if (!response?.ok) fail("none");
  return response.json().catch(() => fail("something else, which is no JSON"));
}

async function begin(opened) {
  const { encoder, golden } = opened;
  const desk = new Desk(opened);
  const pad = offerPad(encoder.inputShape, rangeOf(golden), desk.take);
  offerGolden(golden, encoder.inputSize, desk.take);
  offerCsv(encoder.inputSize, desk.take);
  offerResults(desk);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    desk.draw();
    pad?.draw();
  });
  byId("controls").disabled = false;
  byId("more").hidden = false;
  if (golden.rows.length > 0) await takeGolden(golden.rows, encoder.inputSize, 0, desk.take);
}

function offerResults(desk) {
  byId("previous").addEventListener("click", () => desk.turn(-1));
  byId("next").addEventListener("click", () => desk.turn(1));
  byId("table-previous").addEventListener("click", () => desk.turnPage(-1));
  byId("table-next").addEventListener("click", () => desk.turnPage(1));
  byId("download").addEventListener("click", () => download(desk));
  byId("measure").addEventListener("click", () => showSpeed(desk));
}

function download({ batch, encoder }) {
  const text = new Blob(format(batch.codes, encoder.codeSize), { type: "text/csv" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(text);
  link.download = "codes.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function showSpeed({ encoder, found }) {
  const button = byId("measure");
  if (button.ariaDisabled === "true") return;
  button.ariaDisabled = "true"; // it keeps the focus, which a disabled button would lose
  say("measure", "Measuring …");
  try {
    define("speed", speedFacts(await measure(encoder, found?.row ?? new Float32Array(encoder.inputSize))));
  } finally {
    say("measure", "Measure again");
    button.ariaDisabled = "false";
  }
}

function speedFacts({ median, p99, calls, group, rowsPerSecond, batch }) {
  const timing = group === 1 ? "each timed" : `timed ${group} at a time, as this browser's clock is coarse`;
  return [
    ["One row, median", `${brief(1000 * median)} µs`],
    ["99th percentile", `${brief(1000 * p99)} µs`],
    ["Calls", `${calls.toLocaleString("en")}, ${timing}`],
    [`In batches of ${batch}`, `${Math.round(rowsPerSecond).toLocaleString("en")} rows per second`],
  ];
}

await start();
