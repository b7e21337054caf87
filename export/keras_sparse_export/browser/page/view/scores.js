/** Shows the scores of all rows: their curve, the alarms among them, and what the threshold rests on. */

import { extent, formatCount, formatNumber } from "../base/numbers.js";
import { describeAlarm, findAlarms, formatScores } from "../model/scores.js";
import { drawCurve, findPlace } from "./curve.js";
import { attempt, byId, download, setText } from "./dom.js";

const NAMED_ALARMS = 10; // to a screen reader

/**
 * Connects the controls of the scores.
 *
 * @param {import("./workspace.js").Workspace} workspace
 */
export function offerScores(workspace) {
  const { alarm, scorer, calibration } = workspace.encoder;
  if (scorer === null) return;
  setText("scores-basis", describeAlarm(alarm));
  setText("scores-note", calibration === null ? "" : "Scores are those of the bundle's own L0, whatever is set above.");
  byId("next-alarm").addEventListener("click", () => workspace.show(findNext(workspace)));
  byId("curve").addEventListener("click", ({ clientX }) => {
    const { batch } = workspace;
    workspace.show(findPlace(byId("curve"), clientX, findAxis(batch), batch.count));
  });
  byId("download-scores").addEventListener("click", () =>
    attempt(() => download(formatScores(workspace.batch.scores, alarm, workspace.batch.cut), "scores.csv")),
  );
  new ResizeObserver(() => workspace.batch && showCurve(workspace)).observe(byId("curve"));
}

/** The next row that raises an alarm; after the last one the first. */
function findNext({ encoder, batch, wanted }) {
  const alarms = findAlarms(batch.scores, encoder.alarm);
  return alarms.find((row) => row > wanted) ?? alarms[0];
}

/**
 * @param {import("./workspace.js").Workspace} workspace With a batch.
 */
export function showScores(workspace) {
  const { encoder, batch } = workspace;
  const { scores, count } = batch;
  byId("scores").hidden = scores === null || count === 1;
  if (byId("scores").hidden) return;
  const alarms = findAlarms(scores, encoder.alarm);
  byId("next-alarm").hidden = alarms.length === 0;
  setText("scores-count", countAlarms(alarms.length, batch, encoder.alarm));
  byId("curve").setAttribute("aria-label", describeCurve(batch, alarms));
  setText("curve-caption", `${explainCurve(encoder.alarm)} A click shows the ${nameUnit(batch.cut)} there.`);
  showCurve(workspace);
}

function showCurve({ encoder, batch, index }) {
  if (batch.scores === null || batch.count === 1) return;
  drawCurve(byId("curve"), { scores: batch.scores, alarm: encoder.alarm, axis: findAxis(batch), current: index });
}

/** The axis of a batch: rows from 1, or seconds at which windows begin. */
function findAxis({ count, cut }) {
  const step = findStep(cut);
  if (step === null) return { first: 1, step: 1, low: 1, high: count, label: cut === undefined ? "Row" : "Window" };
  return { first: 0, step, low: 0, high: step * (count - 1), label: "Seconds" };
}

/** Seconds from the start of a window to that of the next one; null where they are not known. */
function findStep(cut) {
  return cut?.sampling_rate ? cut.hop / cut.sampling_rate : null;
}

function countAlarms(alarms, { count, cut }, alarm) {
  const all = formatCount(count, nameUnit(cut));
  return alarm === null ? `${all} scored.` : `${formatCount(alarms, "alarm")} in ${all}.`;
}

/**
 * @param {import("../model/scores.js").Alarm | null} alarm
 * @returns {string} What is drawn.
 */
export function explainCurve(alarm) {
  return alarm === null ? "" : `Dashed: the threshold, ${formatNumber(alarm.threshold)}. Dots: alarms.`;
}

/**
 * @param {import("../signals/windows.js").Cut} [cut] How a recording was cut, if the rows are its windows.
 * @returns {string} What a row is.
 */
export function nameUnit(cut) {
  return cut === undefined ? "row" : "window";
}

/** Tells what the curve shows, in words. */
function describeCurve({ scores, count, cut }, alarms) {
  const { low, high } = extent(scores, { low: Infinity, high: -Infinity });
  const step = findStep(cut);
  const place = (row) => (step === null ? row + 1 : `${formatNumber(row * step)} s`);
  const more = alarms.length > NAMED_ALARMS ? ` and ${alarms.length - NAMED_ALARMS} more` : "";
  const where = alarms.length > 0 ? ` Alarms at ${alarms.slice(0, NAMED_ALARMS).map(place).join(", ")}${more}.` : "";
  return `Scores of ${formatCount(count, nameUnit(cut))}, from ${formatNumber(low)} to ${formatNumber(high)}.${where}`;
}
