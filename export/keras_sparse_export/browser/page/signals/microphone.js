/** Samples of the microphone, at the rate that an encoder takes. */

import { RowError } from "../base/errors.js";

const PARTS = 10; // a second
const CAUSES = {
  NotAllowedError: ["permission to use the microphone", "none", "allow it for this page in the browser, and try again"],
  NotFoundError: ["a microphone", "none", "connect one"],
  NotReadableError: ["a microphone that no other program keeps", "one that cannot be opened", "close the other program"],
};

/**
 * Asks for the microphone, and passes on what it hears until it is stopped.
 *
 * @param {number} rate Samples per second.
 * @param {(samples: Float32Array) => void} take Called with parts of a tenth of a second.
 * @param {() => void} ended Called if the microphone ends by itself, as when it is unplugged.
 * @returns {Promise<{stop: () => void}>}
 * @throws {RowError} If there is no microphone, no permission, or no samples of this rate; the message says which.
 */
export async function listen(rate, take, ended) {
  const stream = await open(rate);
  const stop = () => stream.getTracks().forEach((track) => track.stop());
  try {
    const context = await connect(stream, rate, take);
    stream.getTracks().forEach((track) => track.addEventListener("ended", ended));
    return {
      stop() {
        stop();
        context.close();
      },
    };
  } catch (error) {
    stop();
    throw error;
  }
}

/** Opens the microphone without anything that changes what it hears. */
async function open(rate) {
  if (navigator.mediaDevices?.getUserMedia === undefined) {
    throw new RowError(
      "Expected a page from https, or from localhost: only there do browsers offer the microphone. " +
        `Received: ${location.origin}. Remedy: serve this folder over https`,
    );
  }
  const audio = {
    sampleRate: rate,
    channelCount: 1,
    echoCancellation: false,
    noiseSuppression: false,
    autoGainControl: false,
  };
  return navigator.mediaDevices.getUserMedia({ audio }).catch(({ name, message }) => {
    const [expected, received, remedy] = CAUSES[name] ?? ["a microphone", message, "another browser or microphone"];
    throw new RowError(`Expected ${expected}. Received: ${received}. Remedy: ${remedy}`);
  });
}

async function connect(stream, rate, take) {
  const context = createContext(rate);
  try {
    await context.audioWorklet.addModule(new URL("tap.js", import.meta.url));
    const source = createSource(context, stream, rate);
    const tap = new AudioWorkletNode(context, "tap", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit", // several channels are averaged
      processorOptions: { size: Math.max(1, Math.round(rate / PARTS)) },
    });
    tap.port.onmessage = ({ data }) => take(data);
    source.connect(tap);
    await context.resume();
    return context;
  } catch (error) {
    context.close();
    throw error;
  }
}

function createContext(rate) {
  let context;
  try {
    context = new AudioContext({ sampleRate: rate });
  } catch {
    throw rateError(rate, "a browser that does not give them");
  }
  if (context.sampleRate === rate) return context;
  context.close();
  throw rateError(rate, context.sampleRate);
}

/** Connects the microphone; some browsers do not convert its rate. */
function createSource(context, stream, rate) {
  try {
    return context.createMediaStreamSource(stream);
  } catch {
    const { sampleRate = "another rate" } = stream.getAudioTracks()[0].getSettings();
    throw rateError(rate, `${sampleRate} of the microphone, which this browser does not convert`);
  }
}

function rateError(rate, received) {
  return new RowError(
    `Expected ${rate} samples a second, the sampling rate of the manifest. Received: ${received}. ` +
      "Remedy: another browser or microphone, or a recording of this rate",
  );
}
