/** The start frame of a dropped clip, as `text_to_pose.start_frames` and `pose_core.transforms.clean` make it. */

import type { Description } from "../model/description";
import type { Side } from "../motion/body";
import { cleaned, onSkeleton } from "../poses/cleaning";
import { slice, type PoseSequence } from "../poses/sequence";

const MIN_HAND_SHARE = 0.05; // of a clip's frames: a hand visible in fewer says nothing about who signs with it
const DOMINANCE = 2; // times as often as the other hand

export interface StartFrame {
  /** One frame on the model's skeleton, in shoulder widths. */
  frame: PoseSequence;
  /** The hand that the person signs with; undefined where the clip does not tell. */
  dominantHand?: Side;
}

/** The first frame in which somebody is visible. Throws an Error whose message is for people. */
export function startFrameOf(clip: PoseSequence, description: Description): StartFrame {
  const { shoulders, hands } = description.stored.body;
  const own = cleaned(onSkeleton(clip, description.skeleton));
  const { numKeypoints: K, numDims: D } = own.skeleton;
  const visible = (t: number, k: number) => own.confidence[t * K + k] > 0;
  const first = own.confidence.findIndex((confidence) => confidence > 0);
  if (first < 0) throw new Error("nobody is visible in it");

  // Normalized by the shoulders, over all frames that show both.
  const center = new Array<number>(D).fill(0);
  let [width, frames] = [0, 0];
  for (let t = 0; t < own.frames; t++) {
    if (!shoulders.every((k) => visible(t, k))) continue;
    const [left, right] = shoulders.map((k) => own.keypoints.subarray((t * K + k) * D, (t * K + k + 1) * D));
    left.forEach((value, d) => (center[d] += (value + right[d]) / 2));
    width += Math.hypot(...left.map((value, d) => value - right[d]));
    frames++;
  }
  if (!frames || !(width / frames > 0)) throw new Error("both shoulders are visible in no frame of it");
  const frame = slice(own, Math.floor(first / K), Math.floor(first / K) + 1);
  const keypoints = frame.keypoints.map((value, i) =>
    frame.confidence[Math.floor(i / D)] > 0 ? (value - center[i % D] / frames) / (width / frames) : 0);

  const share = (side: Side) => {
    let count = 0;
    for (let t = 0; t < own.frames; t++) count += Number(hands[side].some((k) => visible(t, k)));
    return count / own.frames;
  };
  const [left, right] = [share("left"), share("right")];
  const clear = Math.max(left, right) >= MIN_HAND_SHARE && Math.max(left, right) >= DOMINANCE * Math.min(left, right);
  const dominantHand = clear ? (left > right ? "left" : "right") : undefined;
  return { frame: { ...frame, keypoints, size: [0, 0, 0] }, dominantHand };
}
