/**
 * The rows that were entered last, their codes, and the row that is shown.
 *
 * @typedef {{rows: Float32Array | import("../signals/windows.js").Windows, count: number, source: string,
 *   golden?: string, cut?: import("../signals/windows.js").Cut}} Entry Rows to encode, their description, the number of
 *   the golden row if it is one, and how a recording was cut if they are its windows.
 */

import { attempt, byId, setText } from "./dom.js";
import { countTablePages, describeRow, findTablePage, showDetails, showTable } from "./results.js";
import { nameUnit, showScores } from "./scores.js";
import { formatNumber } from "../base/numbers.js";
import { coalesce, Latest } from "../base/latest.js";

export class Workspace {
  #entries = new Latest();

  /**
   * @param {import("../model/encoder.js").Encoder} encoder
   * @param {import("../base/numbers.js").Range | null} range Range of real rows; null for the range of each row.
   */
  constructor(encoder, range) {
    Object.assign(this, { encoder, range, batch: null, details: null, index: 0, wanted: 0, page: 0 });
    this.entering = null; // reads the entry that is being encoded
  }

  /** @returns {() => boolean} Whether nothing has been entered since. */
  begin() {
    return this.#entries.begin();
  }

  /**
   * Encodes an entry and shows its first row; on failure the previous entry stays.
   *
   * @param {() => Entry | Promise<Entry>} read
   * @param {() => boolean} [current] Result of `begin`, for an action that began earlier.
   * @param {number} [index] The row to show.
   */
  async enter(read, current = this.begin(), index = 0) {
    if (!current()) return;
    this.entering = read;
    setText("progress", "");
    await attempt(async () => {
      try {
        const encoded = await this.#encode(read, current, index);
        if (current()) Object.assign(this, encoded, { index, wanted: index, page: findTablePage(index) });
      } finally {
        if (current()) {
          this.entering = null;
          setText("progress", "");
          this.draw();
        }
      }
    }, current);
  }

  /** Encodes what is shown again, or what is about to be, after a change of the encoder. */
  again = coalesce(async () => {
    if (this.entering) await this.enter(this.entering);
    else if (this.batch) await this.enter(() => this.batch, this.begin(), this.index);
  });

  /** Encodes an entry and describes one of its rows; null if something newer was entered. */
  async #encode(read, current, index) {
    const entry = await read();
    if (!current()) return null;
    const encoded = await this.#encodeRows(entry, current);
    if (!current()) return null;
    const errors = await this.#measureErrors(entry, encoded.codes, current);
    if (!current()) return null;
    const batch = { ...entry, ...encoded, errors };
    return { batch, details: await describeBatchRow(this.encoder, batch, index) };
  }

  #encodeRows({ rows, count, cut }, current) {
    if (count === 1) return this.encoder.encodeRow(rows.subarray(0, rows.length));
    return this.encoder.encode(rows, showProgress("Encoding", count, current, cut), rows.length / count);
  }

  #measureErrors({ rows, count, cut }, codes, current) {
    if (this.encoder.decoder === null) return null;
    return this.encoder.measureErrors(rows, codes, count === 1 ? current : showProgress("Decoding", count, current, cut));
  }

  /**
   * Shows a row of the batch.
   *
   * @param {number} index
   */
  show(index) {
    const { batch } = this;
    this.wanted = index; // at once, because the next click may come before the row is shown
    return attempt(() => this.#showWanted(), () => batch === this.batch);
  }

  #showWanted = coalesce(async () => {
    const { batch, wanted } = this;
    try {
      const details = await describeBatchRow(this.encoder, batch, wanted);
      if (batch !== this.batch) return;
      Object.assign(this, { details, index: wanted, page: findTablePage(wanted) });
      this.draw();
    } finally {
      if (batch === this.batch && wanted === this.wanted) this.wanted = this.index;
    }
  });

  /** Shows the previous or next row; the last is followed by the first. */
  step(change) {
    const { count } = this.batch;
    return this.show((this.wanted + change + count) % count);
  }

  turnPage(change) {
    const pages = countTablePages(this.batch.count);
    this.page = (this.page + change + pages) % pages;
    this.#drawTable();
  }

  /** Redraws everything, for example after a change between light and dark. */
  draw() {
    const { batch, details, index } = this;
    byId("golden").value = batch?.golden ?? "";
    if (batch === null) return;
    const { count, source, cut } = batch;
    byId("code").hidden = byId("all").hidden = false;
    byId("pager").hidden = count === 1;
    setText("source", count === 1 ? "" : source);
    showDetails(this.encoder, details, count === 1 ? source : nameRow(index, count, cut), this.range);
    showScores(this);
    this.#drawTable();
  }

  #drawTable() {
    showTable(this.encoder, this.batch, this.index, this.page, (row) => this.show(row));
  }
}

function nameRow(index, count, cut) {
  if (cut === undefined) return `Row ${index + 1} of ${count}`;
  const { window, hop, sampling_rate: rate } = cut;
  const [start, end] = [index * hop, index * hop + window].map((sample) => formatNumber(sample / (rate ?? 1)));
  const where = rate === null ? `samples ${start} to ${end}` : `${start} to ${end} s`;
  return `Window ${index + 1} of ${count}, ${where}`;
}

/** Shows how many rows are done, from now on; the result reports more, and tells whether to go on. */
function showProgress(action, count, current, cut) {
  const progress = (done) => {
    if (current()) setText("progress", `${action}: ${done} of ${count} ${nameUnit(cut)}s …`);
    return current();
  };
  progress(0);
  return progress;
}

function describeBatchRow(encoder, { rows, codes, scores, count }, index) {
  const part = (values) => values.slice((index * values.length) / count, ((index + 1) * values.length) / count);
  return describeRow(encoder, part(rows), part(codes), scores?.[index] ?? null);
}
