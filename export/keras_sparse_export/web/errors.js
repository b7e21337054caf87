/** A bundle that is not run, and the file at fault where it is one. */
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
