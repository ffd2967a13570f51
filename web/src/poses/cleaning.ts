/** Clips as models take them, as `pose_core.transforms.clean` and `PoseSequence.on_skeleton`. */

import type { PoseSequence } from "./sequence";
import type { Skeleton } from "./skeleton";

const LARGEST = 1e6; // coordinate, in any unit; larger ones are damage
const OUTSIDE = 2; // picture sizes a point may lie outside the picture

/** The model's keypoints by name; those that the clip lacks are missing. Throws an Error whose message is for people. */
export function onSkeleton(clip: PoseSequence, skeleton: Skeleton): PoseSequence {
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
export function cleaned(clip: PoseSequence): PoseSequence {
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
