/** Jobs that meet: which of them counts, and which waits. Needs no document. */

/** Turns, of which the newest alone is current. */
export class Turns {
  #newest = 0;

  /** @returns {() => boolean} Whether the turn that begins here is still the newest. */
  begin() {
    const turn = (this.#newest += 1);
    return () => turn === this.#newest;
  }
}

/**
 * A job that is asked for again while it runs starts once more, however often that was.
 *
 * @param {() => Promise<void>} job
 * @returns {() => Promise<void>} Fails if the last one does.
 */
export function latest(job) {
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

/** Lets what was clicked meanwhile come first. */
export function pause() {
  return new Promise((resolve) => setTimeout(resolve));
}
