/** Opens the bundle next to the page and connects its controls with its views. */

import { addCheck, showBundle, showFailure, showPassed } from "./view/about.js";
import { createSiteSource } from "./reading/files.js";
import { format } from "./base/csv.js";
import { Workspace } from "./view/workspace.js";
import { createGoldenEntry, findGoldenRange, offerFiles, offerGolden, offerL0, offerPad } from "./view/inputs.js";
import { measure } from "./model/latency.js";
import { formatNumber } from "./base/numbers.js";
import { attempt, byId, download, setDefinitions, setText } from "./view/dom.js";
import { loadRuntime, requireBrowser } from "./model/runtime.js";
import { offerMicrophone } from "./view/live.js";
import { offerScores } from "./view/scores.js";
import { openBundle } from "./reading/verification.js";

const here = (path) => new URL(path, document.baseURI);

async function start() {
  try {
    setText("trust-status", "Reading the manifest …");
    requireBrowser();
    const opened = await openBundle(
      createSiteSource(here("bundle/")),
      () => loadRuntime(here("runtime/")),
      addCheck,
      (text) => setText("trust-status", text),
    );
    begin(opened);
  } catch (error) {
    showFailure(error);
  }
}

/** Enables the controls. Later errors are shown beside them and do not fail the verification. */
function begin({ manifest, encoder, golden }) {
  const range = findGoldenRange(golden, encoder);
  const workspace = new Workspace(encoder, range);
  const pad = offerPad(range, workspace);
  offerGolden(golden, encoder.inputSize, workspace);
  offerFiles(encoder, workspace);
  offerL0(workspace);
  offerScores(workspace);
  const live = offerMicrophone(encoder);
  offerResults(workspace);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    workspace.draw();
    pad?.draw();
    live?.draw();
  });
  showBundle(manifest);
  showPassed(golden.kind !== "none");
  byId("controls").disabled = false;
  byId("more").hidden = false;
  if (golden.rows.length > 0) workspace.enter(() => createGoldenEntry(golden.rows, encoder.inputSize, 0));
}

function offerResults(workspace) {
  const on = (id, act) => byId(id).addEventListener("click", () => attempt(act));
  byId("previous").addEventListener("click", () => workspace.step(-1));
  byId("next").addEventListener("click", () => workspace.step(1));
  on("table-previous", () => workspace.turnPage(-1));
  on("table-next", () => workspace.turnPage(1));
  on("download", () => saveCodes(workspace));
  on("measure", () => showSpeed(workspace));
}

function saveCodes({ batch }) {
  download(format(batch.codes, batch.codes.length / batch.count), "codes.csv");
}

async function showSpeed({ encoder, details }) {
  const button = byId("measure");
  if (button.ariaDisabled === "true") return;
  button.ariaDisabled = "true"; // a disabled button would lose the focus
  setText("measure", "Measuring …");
  try {
    setDefinitions("speed", listSpeedFacts(await measure(encoder, details?.row ?? new Float32Array(encoder.inputSize))));
  } finally {
    setText("measure", "Measure again");
    button.ariaDisabled = "false";
  }
}

function listSpeedFacts({ median, p99, calls, group, rowsPerSecond, batch }) {
  const timing = group === 1 ? "each timed" : `timed in groups of ${group} because this browser's clock is coarse`;
  return [
    ["One row, median", `${formatNumber(1000 * median)} µs`],
    ["99th percentile", `${formatNumber(1000 * p99)} µs`],
    ["Calls", `${calls.toLocaleString("en")}, ${timing}`],
    [`In batches of ${batch}`, `${Math.round(rowsPerSecond).toLocaleString("en")} rows per second`],
  ];
}

await start();
