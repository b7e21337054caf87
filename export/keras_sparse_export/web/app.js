/** Opens the bundle beside the page, and joins what is entered with what is shown. */

import { addCheck, showBundle, showPassed, showRefusal } from "./about.js";
import { siteSource } from "./bundle.js";
import { format } from "./csv.js";
import { Desk } from "./desk.js";
import { BundleError } from "./errors.js";
import { goldenEntry, goldenRange, offerCsv, offerGolden, offerPad } from "./inputs.js";
import { measure } from "./latency.js";
import { brief } from "./numbers.js";
import { attempt, byId, define, say } from "./page.js";
import { loadRuntime, requireBrowser } from "./runtime.js";
import { openBundle } from "./verification.js";

const here = (path) => new URL(path, document.baseURI);

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
    begin(opened);
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

/** Offers all there is to do with a bundle. From its last line on nothing is a refusal any more. */
function begin({ manifest, encoder, golden }) {
  const range = goldenRange(golden, encoder.inputShape);
  const desk = new Desk(encoder, range);
  const pad = offerPad(encoder.inputShape, range, desk);
  offerGolden(golden, encoder.inputSize, desk);
  offerCsv(encoder.inputSize, desk);
  offerResults(desk);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    desk.draw();
    pad?.draw();
  });
  showBundle(manifest);
  showPassed(golden.kind !== "none");
  byId("controls").disabled = false;
  byId("more").hidden = false;
  if (golden.rows.length > 0) desk.enter(() => goldenEntry(golden.rows, encoder.inputSize, 0));
}

function offerResults(desk) {
  const on = (id, act) => byId(id).addEventListener("click", () => attempt(act));
  byId("previous").addEventListener("click", () => desk.turn(-1));
  byId("next").addEventListener("click", () => desk.turn(1));
  on("table-previous", () => desk.turnPage(-1));
  on("table-next", () => desk.turnPage(1));
  on("download", () => download(desk));
  on("measure", () => showSpeed(desk));
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
