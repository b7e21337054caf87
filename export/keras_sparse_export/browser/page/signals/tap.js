/** Runs beside the page, on the thread of the audio: passes on the samples that arrive, in parts of one size. */

class Tap extends AudioWorkletProcessor {
  /** @param {{processorOptions: {size: number}}} options `size` is the number of samples of a part. */
  constructor({ processorOptions: { size } }) {
    super();
    this.part = new Float32Array(size);
    this.filled = 0;
  }

  /** @param {Float32Array[][]} inputs One input of one channel; without a channel while nothing is connected. */
  process([[samples = new Float32Array()]]) {
    for (const sample of samples) {
      this.part[this.filled] = sample;
      this.filled += 1;
      if (this.filled === this.part.length) {
        this.port.postMessage(this.part);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("tap", Tap);
