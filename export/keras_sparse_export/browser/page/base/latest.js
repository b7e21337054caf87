/** Rules for jobs that overlap: which result counts, and which job waits. */

/** Tells the latest of several overlapping jobs from those that it replaces. */
export class Latest {
  #count = 0;

  /** @returns {() => boolean} Whether the job that begins here is still the latest. */
  begin() {
    const job = (this.#count += 1);
    return () => job === this.#count;
  }
}

/**
 * Coalesces calls: a job that is called while it runs starts once more, however many calls came.
 *
 * @param {() => Promise<void>} job
 * @returns {() => Promise<void>} Rejects if the last run does.
 */
export function coalesce(job) {
  let running = null;
  let again = false;
  const run = async () => {
    do {
      again = false;
      await job().catch((error) => {
        if (!again) throw error;
      });
    } while (again);
  };
  return () => {
    again = running !== null;
    running ??= run().finally(() => (running = null));
    return running;
  };
}

/** Yields to pending events, such as clicks. */
export function pause() {
  return new Promise((resolve) => setTimeout(resolve));
}
