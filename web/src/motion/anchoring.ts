/** Lets a generated sequence begin exactly at its start frame, as `text_to_pose.motion.anchoring`. */

const MIN_FRAMES = 3; // in which a sequence leaves its start frame

export interface Anchoring {
  numKeypoints: number;
  numDims: number;
  wristPairs: [number, number][];
  /** False for fingers. */
  isRoot: boolean[];
  /** Shoulder widths per frame: how fast a sequence may leave its start frame for its own path. */
  maxSpeed: number;
}

/**
 * Moves the first frames of a sequence onto its start frame, the first one entirely, later ones ever less: the offset
 * fades with a raised cosine, over as many frames as keep its speed within the limit.
 *
 * @param features (T, K, D)
 * @param start (K, D) features of the start frame
 * @param visible (K,) which of them count
 */
export function anchored(features: Float32Array, start: Float32Array, visible: boolean[], body: Anchoring): Float32Array {
  const { numKeypoints: K, numDims: D } = body;
  start = start.slice();
  visible = visible.slice();
  for (const [hand, arm] of body.wristPairs) {
    if (!visible[arm] || visible[hand]) continue; // a hand that the start frame lacks begins at the arm's wrist
    start.copyWithin(hand * D, arm * D, (arm + 1) * D);
    visible[hand] = true;
  }
  const gap = start.map((value, i) => (visible[Math.floor(i / D)] ? value - features[i] : 0));
  let largest = 0;
  for (let k = 0; k < K; k++)
    if (body.isRoot[k]) largest = Math.max(largest, Math.hypot(...gap.subarray(k * D, (k + 1) * D)));
  const frames = Math.max((largest * Math.PI) / 2 / body.maxSpeed, MIN_FRAMES);
  return features.map((value, i) => {
    const t = Math.floor(i / (K * D));
    return value + (0.5 + 0.5 * Math.cos(Math.PI * Math.min(t / frames, 1))) * gap[i % (K * D)];
  });
}
