/**
 * Reads recordings from wav files, as `signals/wav.py` does: samples at their own rate, which `decodeAudioData` changes.
 *
 * A file is a list of chunks: a name of four letters, a size, and as many bytes. `fmt ` says how `data` holds the
 * samples; other chunks are skipped.
 *
 * @typedef {{channels: number, rate: number | null, frames: number, read: (start: number, end: number) => Float32Array}}
 *   Recording `read` gives the samples from one to another, the channels of each side by side. `rate` is in samples
 *   per second; null if the file does not tell it.
 */

import { RowError } from "../base/errors.js";

const [PCM, FLOAT, EXTENSIBLE] = [1, 3, 0xfffe];
const CODECS = { 2: "ADPCM", 6: "A-law", 7: "µ-law", 17: "IMA ADPCM", 49: "GSM 6.10", 80: "MPEG", 85: "MP3" };
const GUID_TAIL = "000000001000800000aa00389b71"; // of a format in the extensible form: its number comes before
const UNKNOWN = 0xffffffff; // the size that ffmpeg writes into a pipe
const MAX_CHANNELS = 1024;
const MAX_CHUNKS = 1024;
const TO_PCM = "ffmpeg -i IN -c:a pcm_s16le OUT.wav";
const COPY = `copy the file again; of what there is, ${TO_PCM} makes a whole file`;

/** How bytes become samples in [-1, 1]. The bytes are a copy, so that they begin where numbers may. */
const DECODERS = {
  [`${PCM} 8`]: (bytes) => Float32Array.from(bytes, (value) => (value - 128) / 2 ** 7), // the only ones without a sign
  [`${PCM} 16`]: ({ buffer }) => Float32Array.from(new Int16Array(buffer), (value) => value / 2 ** 15),
  [`${PCM} 24`]: decode24,
  [`${PCM} 32`]: ({ buffer }) => Float32Array.from(new Int32Array(buffer), (value) => value / 2 ** 31),
  [`${FLOAT} 32`]: ({ buffer }) => new Float32Array(buffer),
  [`${FLOAT} 64`]: ({ buffer }) => Float32Array.from(new Float64Array(buffer)),
};

function decode24(bytes) {
  const samples = new Float32Array(bytes.length / 3);
  for (let place = 0; place < samples.length; place += 1) {
    const [low, middle, high] = [bytes[3 * place], bytes[3 * place + 1], bytes[3 * place + 2]];
    samples[place] = ((low << 8) | (middle << 16) | (high << 24)) / 2 ** 31; // the upper bytes of 32 bits
  }
  return samples;
}

/**
 * Reads the header of a recording; samples are decoded when they are read.
 *
 * @param {Uint8Array} bytes Of the file.
 * @param {string} name Of the file, for messages.
 * @returns {Recording}
 * @throws {RowError} If it is no wav, is compressed, is cut off, or contradicts itself; the message says which, and
 *   what helps.
 */
export function readWav(bytes, name) {
  const fail = (expected, received, remedy) => {
    throw new RowError(`Expected ${expected} in ${name}. Received: ${received}. Remedy: ${remedy}`);
  };
  const { form, start, claimed, end } = findData(bytes, fail);
  const { channels, rate, frameBytes, decode } = form;
  const frames = findSize(bytes.length - start, claimed, start, end, frameBytes, fail) / frameBytes;
  const read = (first, last) => decode(bytes.slice(start + first * frameBytes, start + last * frameBytes));
  return { channels, rate, frames, read };
}

/** Finds the samples, and reads their form before. */
function findData(bytes, fail) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const head = readName(bytes, 0);
  if (["RF64", "BW64", "RIFX"].includes(head)) {
    fail("a wav file of RIFF, up to 4 GiB", head, "shorter recordings, or ffmpeg -i IN -rf64 never OUT.wav");
  }
  if (head !== "RIFF" || readName(bytes, 8) !== "WAVE") {
    fail("a wav file, which begins with RIFF and WAVE", "another file", TO_PCM);
  }
  let form = null;
  let place = 12;
  for (let chunk = 0; chunk < MAX_CHUNKS; chunk += 1) {
    if (place + 8 > bytes.length) fail("a chunk `data` with the samples", "the end of the file", COPY);
    const [kind, size, start] = [readName(bytes, place), view.getUint32(place + 4, true), place + 8];
    if (kind === "data") {
      if (form === null) fail("a chunk `fmt ` before `data`", "none", TO_PCM);
      return { form, start, claimed: size, end: 8 + view.getUint32(4, true) };
    }
    if (kind === "fmt ") form = parseForm(bytes.slice(start, start + Math.min(size, 40)), fail);
    place = start + size + (size % 2);
  }
  return fail(`${MAX_CHUNKS} chunks at most before \`data\``, "more", TO_PCM);
}

function parseForm(bytes, fail) {
  if (bytes.length < 16) fail("16 bytes of `fmt ` or more", bytes.length, TO_PCM);
  const view = new DataView(bytes.buffer);
  const [tag, bits] = [readTag(bytes, view, fail), view.getUint16(14, true)];
  const decode = DECODERS[`${tag} ${bits}`];
  if (decode === undefined) {
    const known = CODECS[tag] === undefined ? `the format ${tag}` : `${CODECS[tag]}, which is compressed`;
    const plain = { [PCM]: "PCM", [FLOAT]: "floats" }[tag];
    const received = plain === undefined ? known : `${plain} of ${bits} bits`;
    fail("PCM of 8, 16, 24 or 32 bits, or floats of 32 or 64", received, TO_PCM);
  }
  const [channels, rate, frameBytes] = [view.getUint16(2, true), view.getUint32(4, true), view.getUint16(12, true)];
  if (channels < 1 || channels > MAX_CHANNELS || rate === 0 || frameBytes !== (channels * bits) / 8) {
    fail(
      `1 to ${MAX_CHANNELS} channels, a sampling rate above 0, and samples of whole channels`,
      `${channels} channels, ${rate} samples a second of ${frameBytes} bytes, ${bits} bits`,
      "a file whose header is right",
    );
  }
  return { channels, rate, frameBytes, decode };
}

function readTag(bytes, view, fail) {
  const tag = view.getUint16(0, true);
  if (tag !== EXTENSIBLE) return tag;
  const tail = Array.from(bytes.subarray(26, 40), (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (tail !== GUID_TAIL) fail("PCM or floats in the extensible form", "another form", TO_PCM);
  return view.getUint16(24, true);
}

/** Finds the bytes of samples that there are. */
function findSize(there, claimed, start, end, frameBytes, fail) {
  // Sizes that were never filled in: by ffmpeg in a pipe, or by a recorder that was killed.
  if (claimed === UNKNOWN || (claimed === 0 && (end <= start || end > UNKNOWN))) return there - (there % frameBytes);
  if (there < claimed) {
    const [told, found] = [claimed, there].map((size) => Math.floor(size / frameBytes));
    fail(`${told} samples, which the header tells`, `${found}, then the end of the file`, COPY);
  }
  if (claimed % frameBytes !== 0) fail(`whole samples of ${frameBytes} bytes`, `${claimed} bytes of \`data\``, TO_PCM);
  return claimed;
}

function readName(bytes, place) {
  return String.fromCharCode(...bytes.subarray(place, place + 4));
}
