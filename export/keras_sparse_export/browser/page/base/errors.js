/** A bundle that cannot be run. `file` names the file at fault, if there is one. */
export class BundleError extends Error {
  /**
   * @param {string} message
   * @param {string | null} [file]
   */
  constructor(message, file = null) {
    super(message);
    this.name = "BundleError";
    this.file = file;
  }
}

/** Rows, or a recording, that the encoder does not take. The message says why. */
export class RowError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "RowError";
  }
}
