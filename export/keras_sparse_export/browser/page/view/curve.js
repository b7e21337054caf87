/**
 * Draws scores as a curve over rows or seconds, with the threshold as a line and alarms as dots.
 *
 * @typedef {{first: number, step: number, low: number, high: number, label: string}} Axis Position of the first
 *   score, distance of two, and the range that is drawn.
 * @typedef {{scores: Float32Array, alarm: import("../model/scores.js").Alarm | null, axis: Axis,
 *   current: number | null}} Curve `current` is the place of the score that is marked.
 */

import { extent, formatNumber, toFraction } from "../base/numbers.js";
import { findAlarms } from "../model/scores.js";
import { findTicks, scaleScores } from "./ticks.js";
import { readStyle } from "./picture.js";

const MARGIN = { left: 64, right: 12, top: 20, bottom: 40 };
const [DOT, SMALL_DOT] = [3.5, 2]; // radius
const CROWD = 8; // pixels for each dot

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Curve} curve
 */
export function drawCurve(canvas, { scores, alarm, axis, current }) {
  const { context, plot } = prepare(canvas);
  const scale = scaleScores(scores, alarm?.threshold ?? 0);
  const x = (place) => plot.left + plot.width * toFraction(axis.first + place * axis.step, axis);
  const y = (score) => plot.bottom - plot.height * scale.toFraction(score);
  const draw = { context, plot, x, y };
  drawAxes(draw, axis, scale);
  if (current !== null) drawCurrent(draw, current);
  drawLine(draw, scores);
  if (alarm !== null) drawThreshold(draw, alarm.threshold);
  drawAlarms(draw, scores, findAlarms(scores, alarm));
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} clientX Of a pointer.
 * @param {Axis} axis
 * @param {number} count Scores.
 * @returns {number} The place of the score nearest to it.
 */
export function findPlace(canvas, clientX, { first, step, low, high }, count) {
  const { left, width } = canvas.getBoundingClientRect();
  const fraction = (clientX - left - MARGIN.left) / (width - MARGIN.left - MARGIN.right);
  const place = Math.round((low + fraction * (high - low) - first) / step);
  return Math.min(count - 1, Math.max(0, place));
}

/** Gives the canvas the pixels of its place on the page, and clears it. */
function prepare(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const density = globalThis.devicePixelRatio || 1;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const context = canvas.getContext("2d");
  context.scale(density, density);
  context.font = `12px ${getComputedStyle(canvas).fontFamily}`;
  const { left, right, top, bottom } = MARGIN;
  return {
    context,
    plot: { left, top, bottom: height - bottom, right: width - right, width: width - left - right, height: height - top - bottom },
  };
}

function drawAxes({ context, plot, y }, axis, scale) {
  context.strokeStyle = readStyle("--grid");
  context.fillStyle = readStyle("--quiet");
  context.lineWidth = 1;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of scale.ticks) {
    const place = Math.round(y(tick)) + 0.5;
    strokeLine(context, plot.left, place, plot.right, place);
    context.fillText(formatNumber(tick), plot.left - 8, place);
  }
  context.textBaseline = "top";
  for (const tick of findTicks(axis, Math.max(4, plot.width / 90))) {
    const place = plot.left + plot.width * toFraction(tick, axis);
    context.textAlign = place > plot.right - 16 ? "right" : "center";
    context.fillText(formatNumber(tick), place, plot.bottom + 6);
  }
  context.textAlign = "right";
  context.fillText(axis.label, plot.right, plot.bottom + 22);
  context.textAlign = "left";
  context.textBaseline = "bottom";
  context.fillText(scale.label, 0, plot.top - 6);
}

function drawThreshold({ context, plot, y }, threshold) {
  const place = Math.round(y(threshold)) + 0.5;
  context.strokeStyle = readStyle("--bad");
  context.lineWidth = 1.5;
  context.setLineDash([6, 4]);
  strokeLine(context, plot.left, place, plot.right, place);
  context.setLineDash([]);
}

function drawCurrent({ context, plot, x }, current) {
  context.strokeStyle = readStyle("--accent");
  context.lineWidth = 2;
  strokeLine(context, x(current), plot.top, x(current), plot.bottom);
}

/** Draws the line; of many scores at one pixel the least and the largest. */
function drawLine({ context, plot, x, y }, scores) {
  context.strokeStyle = readStyle("--line-row");
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.beginPath();
  const together = Math.max(1, Math.floor(scores.length / plot.width));
  for (let start = 0; start < scores.length; start += together) {
    const { low, high } = extent(scores.subarray(start, start + together), { low: Infinity, high: -Infinity });
    context.lineTo(x(start), y(low));
    if (together > 1) context.lineTo(x(start), y(high));
  }
  context.stroke();
  if (scores.length === 1) drawDot(context, x(0), y(scores[0]), DOT, readStyle("--line-row"));
}

/** Draws a dot at each alarm, a small one where there are many; of several at one pixel the highest. */
function drawAlarms({ context, plot, x, y }, scores, alarms) {
  const highest = new Map();
  for (const place of alarms) {
    const pixel = Math.round(x(place));
    highest.set(pixel, Math.max(scores[place], highest.get(pixel) ?? 0));
  }
  const radius = highest.size > plot.width / CROWD ? SMALL_DOT : DOT;
  for (const [pixel, score] of highest) drawDot(context, pixel, y(score), radius, readStyle("--bad"));
}

function drawDot(context, x, y, radius, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

function strokeLine(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}
