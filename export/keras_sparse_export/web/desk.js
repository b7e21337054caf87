/**
 * What was entered last, and which row of it is shown.
 *
 * @typedef {{rows: Float32Array, count: number, source: string, golden?: string}} Entry
 *   Rows to encode, what they are, and which golden row that is.
 */

import { attempt, byId, say } from "./page.js";
import { look, showLook, showTable, tablePage, tablePages } from "./results.js";
import { latest, Turns } from "./turns.js";

export class Desk {
  #turns = new Turns();

  /**
   * @param {import("./encoder.js").Encoder} encoder
   * @param {import("./numbers.js").Range | null} range Of real rows; null for each row's own.
   */
  constructor(encoder, range) {
    Object.assign(this, { encoder, range, batch: null, found: null, index: 0, wanted: 0, page: 0 });
  }

  /** @returns {() => boolean} Whether nothing was entered since. */
  begin() {
    return this.#turns.begin();
  }

  /**
   * Encodes what an action gives, and shows its first row; if that fails, all stays as it was.
   *
   * @param {() => Entry | Promise<Entry>} give
   * @param {() => boolean} [current] Of the turn that began with the action, if not now.
   */
  async enter(give, current = this.begin()) {
    if (!current()) return;
    say("progress", "");
    await attempt(async () => {
      try {
        const shown = await this.#encoded(give, current);
        if (current()) Object.assign(this, shown, { index: 0, wanted: 0, page: 0 });
      } finally {
        if (current()) {
          say("progress", "");
          this.draw();
        }
      }
    }, current);
  }

  /** The batch of an entry, and what there is to show of its first row; null once it is out of date. */
  async #encoded(give, current) {
    const entry = await give();
    if (!current()) return null;
    const codes = await this.#codes(entry, current);
    if (!current()) return null;
    const batch = { ...entry, codes };
    return { batch, found: await lookAt(this.encoder, batch, 0) };
  }

  #codes({ rows, count }, current) {
    if (count === 1) return this.encoder.encodeRow(rows);
    const progress = (done) => {
      if (current()) say("progress", `Encoding: ${done} of ${count} rows …`);
      return current();
    };
    progress(0);
    return this.encoder.encode(rows, progress);
  }

  /**
   * Shows a row of the batch.
   *
   * @param {number} index
   */
  show(index) {
    const { batch } = this;
    this.wanted = index; // at once: the next click may come before the row is shown
    return attempt(() => this.#showWanted(), () => batch === this.batch);
  }

  #showWanted = latest(async () => {
    const { batch, wanted } = this;
    try {
      const found = await lookAt(this.encoder, batch, wanted);
      if (batch !== this.batch) return;
      Object.assign(this, { found, index: wanted, page: tablePage(wanted) });
      this.draw();
    } finally {
      if (batch === this.batch && wanted === this.wanted) this.wanted = this.index;
    }
  });

  /** The row before or after, around the ends. */
  turn(step) {
    const { count } = this.batch;
    return this.show((this.wanted + step + count) % count);
  }

  turnPage(step) {
    const pages = tablePages(this.batch.count);
    this.page = (this.page + step + pages) % pages;
    this.#drawTable();
  }

  /** Draws what is shown, anew after a change between light and dark. */
  draw() {
    const { batch, found, index } = this;
    byId("golden").value = batch?.golden ?? "";
    if (batch === null) return;
    const { count, source } = batch;
    byId("code").hidden = byId("all").hidden = false;
    byId("pager").hidden = count === 1;
    say("source", count === 1 ? "" : source);
    showLook(this.encoder, found, count === 1 ? source : `Row ${index + 1} of ${count}`, this.range);
    this.#drawTable();
  }

  #drawTable() {
    showTable(this.encoder, this.batch, this.index, this.page, (row) => this.show(row));
  }
}

function lookAt(encoder, { rows, codes }, index) {
  const part = (values, size) => values.slice(index * size, (index + 1) * size);
  return look(encoder, part(rows, encoder.inputSize), part(codes, encoder.codeSize));
}
