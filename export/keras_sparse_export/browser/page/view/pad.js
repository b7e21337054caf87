/** A grid of cells to draw on with mouse, finger, pen or keyboard. */

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const WIDTH = 560; // pixels of the canvas; the style sheet scales it
const MAX_LINED = 16; // columns; on finer grids the lines would hide the ink

/** Ink on a grid whose cells hold values in the range of real rows. */
export class Ink {
  /**
   * @param {import("./picture.js").Size} size
   * @param {import("../base/numbers.js").Range} range
   */
  constructor({ rows, columns }, { low, high }) {
    Object.assign(this, { rows, columns, low, high });
    this.radius = 0.5 + (columns - 8) * 0.04; // digits are drawn with thicker pens on finer grids
    this.cells = new Float32Array(rows * columns).fill(low);
  }

  clear() {
    this.cells.fill(this.low);
  }

  /**
   * Draws a line between two points, in units of cells.
   *
   * @param {[number, number]} from Row and column.
   * @param {[number, number]} to
   */
  stroke(from, to) {
    this.#touch(from, to, (ink, cell) => Math.max(cell, this.low + ink * (this.high - this.low)));
  }

  /** @param {[number, number]} point */
  erase(point) {
    this.#touch(point, point, (ink, cell) => Math.min(cell, this.high - ink * (this.high - this.low)));
  }

  /**
   * Returns the ink in a cell, from 0 to 1.
   *
   * @param {number} row
   * @param {number} column
   * @returns {number}
   */
  at(row, column) {
    return (this.cells[row * this.columns + column] - this.low) / (this.high - this.low);
  }

  #touch(from, to, change) {
    for (let row = 0; row < this.rows; row += 1) {
      for (let column = 0; column < this.columns; column += 1) {
        const ink = this.radius + 0.5 - distance([row + 0.5, column + 0.5], from, to);
        const place = row * this.columns + column;
        if (ink > 0) this.cells[place] = change(Math.min(1, ink), this.cells[place]);
      }
    }
  }
}

/** The distance of a point from the line between two others. */
function distance([y, x], [y0, x0], [y1, x1]) {
  const [dy, dx] = [y1 - y0, x1 - x0];
  const length = dy * dy + dx * dx;
  const fraction = length && Math.min(1, Math.max(0, ((y - y0) * dy + (x - x0) * dx) / length));
  return Math.hypot(y - y0 - fraction * dy, x - x0 - fraction * dx);
}

/** A canvas to draw on. */
export class Pad {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Ink} ink
   * @param {() => void} changed Called after each stroke or part of one.
   * @param {(text: string) => void} announce Called with the position of the cursor and its cell.
   */
  constructor(canvas, ink, changed, announce) {
    Object.assign(this, { canvas, ink, changed, announce });
    this.cursor = [Math.floor(ink.rows / 2), Math.floor(ink.columns / 2)];
    this.last = null;
    this.cell = WIDTH / ink.columns;
    canvas.width = WIDTH;
    canvas.height = ink.rows * this.cell;
    canvas.tabIndex = 0;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => this.#end(event));
    }
    canvas.addEventListener("keydown", (event) => this.#key(event));
    for (const type of ["focus", "blur"]) canvas.addEventListener(type, () => this.draw());
    this.draw();
  }

  clear() {
    this.ink.clear();
    this.draw();
  }

  draw() {
    const { canvas, ink, cell } = this;
    const context = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    const readColour = (name) => style.getPropertyValue(name).trim();
    context.fillStyle = readColour("--picture-low");
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = readColour("--picture-high");
    this.#forEachCell((row, column) => {
      context.globalAlpha = ink.at(row, column);
      context.fillRect(column * cell, row * cell, cell, cell);
    });
    context.globalAlpha = 1;
    context.lineWidth = 2;
    context.strokeStyle = readColour("--grid");
    if (ink.columns <= MAX_LINED) {
      this.#forEachCell((row, column) => context.strokeRect(column * cell, row * cell, cell, cell));
    }
    if (canvas.matches(":focus-visible")) this.#drawCursor(context, readColour("--accent"));
  }

  #drawCursor(context, colour) {
    const [y, x] = this.cursor.map((place) => place * this.cell);
    context.strokeStyle = colour;
    context.lineWidth = 6;
    context.strokeRect(x, y, this.cell, this.cell);
  }

  #forEachCell(visit) {
    for (let row = 0; row < this.ink.rows; row += 1) {
      for (let column = 0; column < this.ink.columns; column += 1) visit(row, column);
    }
  }

  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    return [
      ((event.clientY - box.top) / box.height) * this.ink.rows,
      ((event.clientX - box.left) / box.width) * this.ink.columns,
    ];
  }

  #down(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.last = this.#point(event);
    this.#stroke(this.last);
  }

  #move(event) {
    if (this.last === null || !event.isPrimary) return;
    for (const part of event.getCoalescedEvents?.() ?? []) this.#line(this.#point(part));
    this.#stroke(this.#point(event));
  }

  #end(event) {
    if (event.isPrimary) this.last = null; // lifting a second finger does not end the stroke
  }

  #stroke(to) {
    this.#line(to);
    this.draw();
    this.changed();
  }

  #line(to) {
    this.ink.stroke(this.last, to);
    this.last = to;
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const [row, column] = this.cursor;
    if (event.key in ARROWS) {
      const [down, right] = ARROWS[event.key];
      const clamp = (place, size) => Math.min(size - 1, Math.max(0, place));
      this.cursor = [clamp(row + down, this.ink.rows), clamp(column + right, this.ink.columns)];
      if (event.shiftKey) this.ink.stroke(middle([row, column]), middle(this.cursor));
    } else if (event.key === " " || event.key === "Enter") {
      const act = this.ink.at(row, column) < 1 ? "stroke" : "erase";
      this.ink[act](middle(this.cursor), middle(this.cursor));
    } else return;
    event.preventDefault();
    this.draw();
    const ink = Math.round(100 * this.ink.at(...this.cursor));
    this.announce(`Row ${this.cursor[0] + 1}, column ${this.cursor[1] + 1}: ${ink ? `${ink}% ink` : "empty"}.`);
    if (!(event.key in ARROWS) || event.shiftKey) this.changed();
  }
}

function middle([row, column]) {
  return [row + 0.5, column + 0.5];
}
