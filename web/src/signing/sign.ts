/** One sign, as `text_to_pose.generation.generate_signs`. */

import type { Condition, Network } from "../model/network";
import { refine } from "../model/sampler";
import { anchored } from "../motion/anchoring";
import { SIDES } from "../motion/body";
import { toFeatures, toKeypoints } from "../motion/features";
import { correctWrists, limitHands, limitMotion } from "../motion/limits";
import { zeroMissing, type PoseSequence } from "../poses/sequence";
import type { Description } from "../model/description";

export interface Sampling {
  /** Sampling steps. */
  steps: number;
  /** Classifier-free guidance scale; 1 is no guidance. */
  guidance: number;
}

/** A sign of so many frames, in shoulder widths. */
export async function generateSign(
  network: Network, language: string, condition: Condition, frames: number, sampling: Sampling, between?: () => Promise<void>,
): Promise<PoseSequence> {
  const { description } = network;
  const { start, startSeen } = condition;
  const predict = await network.predictor(condition, frames, sampling.guidance);
  const repeated = Float32Array.from({ length: frames * start.length }, (_, i) => start[i % start.length]);
  const { features, presence } = await refine(predict, repeated, sampling.steps, between);
  const keypoints = toKeypoints(anchor(description, features, start, startSeen), description.features);
  return finished(description, language, keypoints, presence, frames);
}

/** The sequence, anchored at a frame. */
export function beginAt(description: Description, sequence: PoseSequence, frame: PoseSequence): PoseSequence {
  const features = toFeatures(sequence.keypoints, description.features);
  const start = toFeatures(frame.keypoints, description.features);
  const visible = Array.from(frame.confidence, (confidence) => confidence > 0);
  const keypoints = toKeypoints(anchor(description, features, start, visible), description.features);
  return zeroMissing({ ...sequence, keypoints });
}

function anchor(description: Description, features: Float32Array, start: Float32Array, visible: boolean[]): Float32Array {
  const { numKeypoints, numDims } = description.skeleton;
  const { isRoot, stored: { body: { wristPairs }, anchorSpeed: maxSpeed } } = description;
  return anchored(features, start, visible, { numKeypoints, numDims, wristPairs, isRoot, maxSpeed });
}

/** Keypoints are visible in all frames or in none, a hand as a whole, the dominant one always. */
function finished(
  description: Description, language: string, keypoints: Float32Array, presence: Float32Array, frames: number,
): PoseSequence {
  const { skeleton, stored: { fps, body } } = description;
  const K = skeleton.numKeypoints;
  const { dominantHand, maxStep } = description.language(language);
  const visible = new Array<number>(K).fill(0);
  presence.forEach((logit, i) => (visible[i % K] += 1 / (1 + Math.exp(-logit)) / frames));
  for (const side of SIDES) {
    const hand = body.hands[side];
    const share = side === dominantHand ? 1 : hand.reduce((sum, k) => sum + visible[k], 0) / hand.length;
    for (const k of hand) visible[k] = share;
  }
  const confidence = Float32Array.from({ length: frames * K }, (_, i) => (visible[i % K] > 0.5 ? 1 : 0));
  const sequence: PoseSequence = { frames, keypoints, confidence, fps, skeleton, size: [0, 0, 0] };
  const limited = limitMotion(limitHands(sequence, body), maxStep ?? Infinity, body);
  return correctWrists(zeroMissing(limited), body);
}
