/** Lengths of signs from their predicted distributions, as `text_to_pose.lengths`. */

/** Of the logarithm of a sign's number of frames. */
export interface LengthDistribution {
  mean: number;
  logStd: number;
}

/** The median, between the shortest and the longest sign. */
export function medianLength({ mean }: LengthDistribution, shortest: number, longest: number): number {
  return Math.max(roundHalfEven(Math.exp(Math.min(mean, Math.log(longest)))), shortest);
}

/**
 * Lengths of the signs of one text, `frames` together: exp(mean + z std) with one z for the text, found by bisection;
 * what exceeds the shortest is then scaled to the exact sum, and the largest remainders are rounded up.
 */
export function sharedLengths(signs: LengthDistribution[], frames: number, shortest: number): number[] {
  const minimum = shortest * signs.length;
  if (frames < minimum) throw new Error("that is too fast for so many letters");
  const lengths = (z: number) =>
    signs.map(({ mean, logStd }) => Math.max(Math.exp(Math.min(mean + z * Math.exp(logStd), 50)), shortest));
  let [low, high] = [-1e4, 1e4];
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (sum(lengths(middle)) < frames) low = middle;
    else high = middle;
  }
  const excess = lengths(high).map((length) => length - shortest);
  const scale = (frames - minimum) / Math.max(sum(excess), 1e-9);
  const exact = excess.map((length) => shortest + length * scale);
  const whole = exact.map(Math.floor);
  const order = exact.map((_, i) => i).sort((a, b) => exact[b] - whole[b] - (exact[a] - whole[a]));
  for (const i of order.slice(0, frames - sum(whole))) whole[i]++;
  return whole;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** As numpy and torch round. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}
