/** The start frame of a dropped clip, as `text_to_pose.start_frames` and `pose_core.transforms.clean` make it. */

import type { Description } from "../model/description";
import type { Side } from "../motion/body";
import { slice, type PoseSequence } from "../poses/sequence";

const LARGEST = 1e6; // coordinate, in any unit; larger ones are damage
const OUTSIDE = 2; // picture sizes a point may lie outside the picture
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
  const own = cleaned(onSkeleton(clip, description));
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

/** The model's keypoints by name; those that the clip lacks are missing. */
function onSkeleton(clip: PoseSequence, description: Description): PoseSequence {
  const { skeleton } = description;
  const position = new Map(clip.skeleton.names.map((name, i) => [name, i]));
  const pairs = skeleton.names.flatMap((name, k) => (position.has(name) ? [[k, position.get(name)!]] : []));
  if (!pairs.length) throw new Error("its keypoints have other names than the model's, which are MediaPipe's");
  if (clip.skeleton.numDims < skeleton.numDims) throw new Error(`its points have ${clip.skeleton.numDims} coordinates, and the model's ${skeleton.numDims}`);
  const [K, D] = [skeleton.numKeypoints, skeleton.numDims];
  const [clipK, clipD] = [clip.skeleton.numKeypoints, clip.skeleton.numDims];
  const keypoints = new Float32Array(clip.frames * K * D);
  const confidence = new Float32Array(clip.frames * K);
  for (let t = 0; t < clip.frames; t++)
    for (const [k, from] of pairs) {
      confidence[t * K + k] = clip.confidence[t * clipK + from];
      for (let d = 0; d < D; d++) keypoints[(t * K + k) * D + d] = clip.keypoints[(t * clipK + from) * clipD + d];
    }
  return { ...clip, keypoints, confidence, skeleton };
}

/** Without what no estimator means: points that are no number, far outside the picture, or at its corner. */
function cleaned(clip: PoseSequence): PoseSequence {
  const { numKeypoints: K, numDims: D, components } = clip.skeleton;
  const keypoints = clip.keypoints.map((value, i) => (i % D === 2 && Number.isNaN(value) ? 0 : value));
  const confidence = clip.confidence.map((value) => (Number.isNaN(value) ? 0 : Math.min(Math.max(value, 0), 1)));
  const picture = Math.min(clip.size[0], clip.size[1]) > 1;
  for (let t = 0; t < clip.frames; t++) {
    let start = 0;
    for (const component of components) {
      const points = component.points.map((_, i) => t * K + start + i);
      start += component.points.length;
      const at = (i: number) => keypoints.subarray(i * D, (i + 1) * D);
      const finite = (i: number) => at(i).every((value) => Math.abs(value) <= LARGEST);
      const zero = (i: number) => at(i).every((value) => value === 0);
      // An estimator without confidences: its keypoints count as visible.
      if (points.every((i) => Number.isNaN(clip.confidence[i]))) for (const i of points) confidence[i] = 1;
      const hidden = points.length >= 5 && points.every(zero);
      for (const i of points) {
        const outside = [0, 1].some((d) => {
          const [value, extent] = [keypoints[i * D + d], clip.size[d]];
          return extent > 1 && !(value > -OUTSIDE * extent && value < (1 + OUTSIDE) * extent);
        });
        if (!finite(i) || outside || (picture ? zero(i) : hidden)) confidence[i] = 0;
      }
    }
  }
  return { ...clip, keypoints: keypoints.map((value, i) => (confidence[Math.floor(i / D)] > 0 ? value : 0)), confidence };
}
