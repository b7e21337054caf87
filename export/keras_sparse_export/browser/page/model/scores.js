/**
 * Scores of rows, and the threshold that they are compared with.
 *
 * @typedef {{threshold: number, false_alarm_rate: number, unit: "row" | "recording", units: number, rows: number,
 *   assumes: string, estimate: {needed: number, thresholds: number[], mean_rate: number} | null}} Alarm
 *   As the manifest has it.
 */

import { formatCount, formatNumber } from "../base/numbers.js";

/**
 * @param {number} score A float32; the threshold is rounded to float32 as well.
 * @param {Alarm | null} alarm
 * @returns {boolean} Whether the row raises an alarm.
 */
export function isAlarm(score, alarm) {
  return alarm !== null && score > Math.fround(alarm.threshold);
}

/**
 * @param {Float32Array} scores
 * @param {Alarm | null} alarm
 * @returns {number[]} Places of the scores that raise an alarm.
 */
export function findAlarms(scores, alarm) {
  return [...scores.keys()].filter((place) => isAlarm(scores[place], alarm));
}

/**
 * Says what a threshold and its rate rest on, as `describe_alarm` in `drift/alarms/verdicts.py`.
 *
 * @param {Alarm | null} alarm
 * @returns {string} A sentence.
 */
export function describeAlarm(alarm) {
  if (alarm === null) return "The bundle has no threshold: scores compare rows with each other, and none is an alarm.";
  const { threshold, false_alarm_rate: rate, unit, units, estimate } = alarm;
  const text = `Alarm above ${formatNumber(threshold)}: `;
  if (estimate === null) return `${text}false alarms at a rate of ${formatNumber(rate)}, by ${formatCount(units, unit)}.`;
  const [low, high] = estimate.thresholds.map(formatNumber);
  return (
    `${text}an estimate, since a rate of ${formatNumber(rate)} needs ${formatCount(estimate.needed, unit)} and there are ` +
    `${units}; without one of them ${low} to ${high}, and alarms at a rate of ${formatNumber(estimate.mean_rate)} in it.`
  );
}

/**
 * @param {number} score
 * @param {Alarm | null} alarm
 * @returns {string} The score of a row and its verdict.
 */
export function describeVerdict(score, alarm) {
  const text = `Score ${formatNumber(score)}`;
  if (alarm === null) return text;
  const threshold = formatNumber(alarm.threshold);
  return isAlarm(score, alarm) ? `${text}, above ${threshold}: alarm` : `${text}, not above ${threshold}: no alarm`;
}

/**
 * Formats scores as CSV, as `keras-sparse-export score` writes them.
 *
 * @param {Float32Array} scores
 * @param {Alarm | null} alarm
 * @param {import("../signals/windows.js").Cut} [cut] How a recording was cut, if the rows are its windows.
 * @returns {string[]} Lines.
 */
export function formatScores(scores, alarm, cut) {
  const line = (score, row) => {
    const verdict = alarm === null ? "," : `${alarm.threshold},${Number(isAlarm(score, alarm))}`;
    return `${row},${formatStart(row, cut)}${Number(score.toPrecision(9))},${verdict}\n`;
  };
  const start = cut?.sampling_rate === null ? "sample" : "seconds";
  return [`${cut ? `window,${start}` : "row"},score,threshold,alarm\n`, ...Array.from(scores, line)];
}

function formatStart(window, cut) {
  if (cut === undefined) return "";
  return `${Number(((window * cut.hop) / (cut.sampling_rate ?? 1)).toPrecision(9))},`;
}
