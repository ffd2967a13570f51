/** Iterative refinement, as `text_to_pose.samplers.refine` with a linear schedule. */

/** The clean sequence (T, K, D) and logits (T, K), predicted from a current one at a level between 0 and 1. */
export type Predict = (current: Float32Array, level: number) => Promise<Prediction>;

export interface Prediction {
  /** (T, K, D) */
  features: Float32Array;
  /** (T, K) logits: whether keypoints are visible. */
  presence: Float32Array;
}

/** The level before each step and after the last: 0 is the start frame, 1 the clean sequence. */
export function levels(numSteps: number): Float32Array {
  return Float32Array.from({ length: numSteps + 1 }, (_, i) => i / numSteps);
}

/** The share of the remaining displacement that each step covers; the last one covers all of it. */
export function stepSizes(progress: Float32Array): number[] {
  return Array.from(progress.subarray(1), (next, i) => (next - progress[i]) / (1 - progress[i]));
}

/**
 * The start frame repeated, then `sequence += step size * predicted change`.
 *
 * @param start (T, K, D) features, the start frame in every frame
 * @param between is called before every step: the place to stop a sequence that nobody waits for any more
 */
export async function refine(
  predict: Predict, start: Float32Array, numSteps: number, between: () => Promise<void> = async () => {},
): Promise<Prediction> {
  const progress = levels(numSteps);
  let last: Prediction = { features: start, presence: new Float32Array() };
  for (const [step, size] of stepSizes(progress).entries()) {
    await between();
    const current = last.features;
    const clean = await predict(current, progress[step]);
    const features = clean.features.map((value, i) => current[i] + size * (value - current[i]));
    last = { features, presence: clean.presence };
  }
  return last;
}
