/** What a code says: how many units are active, which are the largest. */

/**
 * The mean of a code over its positions; the code itself where it has one.
 *
 * @param {Float32Array} code
 * @param {number} units
 * @returns {Float32Array}
 */
export function meanOverPositions(code, units) {
  const positions = code.length / units;
  return Float32Array.from({ length: units }, (_, unit) => {
    let sum = 0;
    for (let place = unit; place < code.length; place += units) sum += code[place];
    return sum / positions;
  });
}

/**
 * How many units of a code are active, per position.
 *
 * @param {Float32Array} code
 * @param {number} units
 * @param {number} threshold τ: a unit is active where its code exceeds it.
 * @returns {number}
 */
export function activeCount(code, units, threshold) {
  const active = code.reduce((count, value) => count + (value > threshold), 0);
  return (active * units) / code.length;
}

/**
 * Which units of a code are active; of one with positions, at any of them.
 *
 * @param {Float32Array} code
 * @param {number} units
 * @param {number} threshold τ
 * @returns {Uint8Array} 1 for each that is, 0 for others.
 */
export function activeUnits(code, units, threshold) {
  const active = new Uint8Array(units);
  code.forEach((value, place) => {
    if (value > threshold) active[place % units] = 1;
  });
  return active;
}

/**
 * Active units with the largest codes, falling; of equal ones the lower unit comes first.
 *
 * @param {Float32Array} code One position, or the mean over all.
 * @param {Uint8Array} active
 * @param {number} most
 * @returns {{unit: number, value: number}[]}
 */
export function largest(code, active, most) {
  return Array.from(code, (value, unit) => ({ unit, value }))
    .filter(({ unit }) => active[unit])
    .sort((a, b) => b.value - a.value || a.unit - b.unit)
    .slice(0, most);
}

/**
 * What each unit adds to the decoded row: `decode(e_j · value) − decode(0)`.
 *
 * Of codes with positions a unit has its value at each of them.
 *
 * @param {import("./encoder.js").Encoder} encoder
 * @param {{unit: number, value: number}[]} units
 * @returns {Promise<Float32Array[]>}
 */
export async function unitImages(encoder, units) {
  const codes = new Float32Array((units.length + 1) * encoder.codeSize);
  units.forEach(({ unit, value }, index) => {
    for (let position = 0; position < encoder.positions; position += 1) {
      codes[index * encoder.codeSize + position * encoder.units + unit] = value;
    }
  });
  const rows = await encoder.decode(codes);
  const size = encoder.inputSize;
  const nothing = rows.subarray(units.length * size);
  return units.map((_, index) =>
    rows.slice(index * size, (index + 1) * size).map((value, place) => value - nothing[place]),
  );
}

/**
 * @param {Float32Array} a
 * @param {Float32Array} b
 * @returns {number} `mean((a − b)²)`.
 */
export function meanSquaredError(a, b) {
  return a.reduce((sum, value, place) => sum + (value - b[place]) ** 2, 0) / a.length;
}
