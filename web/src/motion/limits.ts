/** Anatomical limits, as `text_to_pose.motion.limits`: sizes of hands, and speeds of keypoints in real clips. */

import type { PoseSequence } from "../poses/sequence";
import type { Body } from "./body";

const MAX_HAND_LENGTH = 0.7; // shoulder widths from the wrist to the farthest fingertip
const MAX_PALM_LENGTH = 0.4; // to the farthest knuckle
const KNUCKLES = [5, 9, 13, 17]; // of a hand's 21 points, where index, middle, ring and little finger begin

/** Hands within anatomical limits, each scaled about its wrist. */
export function limitHands(sequence: PoseSequence, body: Body): PoseSequence {
  const { numKeypoints: K, numDims: D } = sequence.skeleton;
  const keypoints = sequence.keypoints.slice();
  for (let t = 0; t < sequence.frames; t++) {
    for (const hand of Object.values(body.hands)) {
      if (!hand.length) continue;
      const wrist = (t * K + hand[0]) * D;
      const reach = hand.map((k) => {
        const at = (t * K + k) * D;
        return Math.max(Math.hypot(keypoints[at] - keypoints[wrist], keypoints[at + 1] - keypoints[wrist + 1]), 1e-9);
      });
      const palm = Math.max(...KNUCKLES.map((i) => reach[i]));
      const scale = Math.min(1, MAX_HAND_LENGTH / Math.max(...reach), MAX_PALM_LENGTH / palm);
      if (scale === 1) continue;
      for (const k of hand) {
        const at = (t * K + k) * D;
        for (let d = 0; d < D; d++) keypoints[at + d] = keypoints[wrist + d] + (keypoints[at + d] - keypoints[wrist + d]) * scale;
      }
    }
  }
  return { ...sequence, keypoints };
}

/** Keypoints that move at most `maxStep` from one frame to the next; a hand and its arm's wrist keep their shape. */
export function limitMotion(sequence: PoseSequence, maxStep: number, body: Body): PoseSequence {
  const { numKeypoints: K, numDims: D } = sequence.skeleton;
  const hands = (["left", "right"] as const)
    .filter((side) => body.hands[side].length)
    .map((side) => (body.wrists[side] === null ? body.hands[side] : [...body.hands[side], body.wrists[side]]));
  const keypoints = sequence.keypoints.slice();
  const distance = new Float64Array(K);
  for (let t = 1; t < sequence.frames; t++) {
    for (let k = 0; k < K; k++) {
      let square = 0;
      for (let d = 0; d < D; d++) {
        const at = (t * K + k) * D + d;
        square += (keypoints[at] - keypoints[at - K * D]) ** 2;
      }
      distance[k] = Math.sqrt(square);
    }
    for (const hand of hands) {
      const fastest = Math.max(...hand.map((k) => distance[k]));
      for (const k of hand) distance[k] = fastest;
    }
    for (let k = 0; k < K; k++) {
      const share = Math.min(1, maxStep / Math.max(distance[k], 1e-9));
      if (share === 1) continue;
      for (let d = 0; d < D; d++) {
        const at = (t * K + k) * D + d;
        keypoints[at] = keypoints[at - K * D] + (keypoints[at] - keypoints[at - K * D]) * share;
      }
    }
  }
  return { ...sequence, keypoints };
}

/** Hands at their arm's wrist where they are missing: nothing says where they are, and from there they appear. */
export function hiddenHandsOnArms(sequence: PoseSequence, body: Body): PoseSequence {
  const { numKeypoints: K, numDims: D } = sequence.skeleton;
  const keypoints = sequence.keypoints.slice();
  for (const [wrist, arm] of body.wristPairs) {
    const hand = Object.values(body.hands).find((points) => points.includes(wrist))!;
    for (let t = 0; t < sequence.frames; t++) {
      if (sequence.confidence[t * K + wrist] > 0) continue;
      for (let d = 0; d < D; d++) {
        const offset = sequence.keypoints[(t * K + arm) * D + d] - sequence.keypoints[(t * K + wrist) * D + d];
        for (const k of hand) keypoints[(t * K + k) * D + d] += offset;
      }
    }
  }
  return { ...sequence, keypoints };
}

/** The arms' wrists at those of the hands, with their confidence, in frames that show the hand. */
export function correctWrists(sequence: PoseSequence, body: Body): PoseSequence {
  const { numKeypoints: K, numDims: D } = sequence.skeleton;
  const keypoints = sequence.keypoints.slice();
  const confidence = sequence.confidence.slice();
  for (const [hand, arm] of body.wristPairs)
    for (let t = 0; t < sequence.frames; t++) {
      if (!(confidence[t * K + hand] > 0)) continue;
      confidence[t * K + arm] = confidence[t * K + hand];
      keypoints.copyWithin((t * K + arm) * D, (t * K + hand) * D, (t * K + hand + 1) * D);
    }
  return { ...sequence, keypoints, confidence };
}
