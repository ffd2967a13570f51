import type { Skeleton } from "./skeleton";

/** A clip: keypoints (T, K, D) in pixels or in shoulder widths, confidence (T, K), 0 = missing. */
export interface PoseSequence {
  frames: number;
  keypoints: Float32Array;
  confidence: Float32Array;
  fps: number;
  skeleton: Skeleton;
  /** Width, height and depth of the picture in pixels; 0 where there is none. */
  size: [number, number, number];
}

export function slice(sequence: PoseSequence, start: number, end = sequence.frames): PoseSequence {
  const K = sequence.skeleton.numKeypoints;
  const D = sequence.skeleton.numDims;
  return {
    ...sequence,
    frames: end - start,
    keypoints: sequence.keypoints.slice(start * K * D, end * K * D),
    confidence: sequence.confidence.slice(start * K, end * K),
  };
}

/** One frame repeated: a still. */
export function still(sequence: PoseSequence, frame: number, frames: number): PoseSequence {
  return concatenate(Array.from({ length: frames }, () => slice(sequence, frame, frame + 1)));
}

export function concatenate(sequences: PoseSequence[]): PoseSequence {
  const frames = sequences.reduce((sum, each) => sum + each.frames, 0);
  return {
    ...sequences[0],
    frames,
    keypoints: joined(sequences.map((each) => each.keypoints)),
    confidence: joined(sequences.map((each) => each.confidence)),
  };
}

export function joined(arrays: Float32Array[]): Float32Array {
  const all = new Float32Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let start = 0;
  for (const array of arrays) {
    all.set(array, start);
    start += array.length;
  }
  return all;
}

/** Missing keypoints lie at 0. */
export function zeroMissing(sequence: PoseSequence): PoseSequence {
  const D = sequence.skeleton.numDims;
  const keypoints = sequence.keypoints.slice();
  sequence.confidence.forEach((confidence, i) => {
    if (!(confidence > 0)) keypoints.fill(0, i * D, (i + 1) * D);
  });
  return { ...sequence, keypoints };
}

/** Scales keypoints and moves them: the inverse of a normalization. */
export function placed(sequence: PoseSequence, size: [number, number, number]): PoseSequence {
  // As `pose_core.transforms.Placement.default`: shoulders a quarter of the picture wide, room for the hips below.
  const [width, height] = size;
  const center = [width / 2, height * 0.4, 0];
  const scale = Math.min(width, height) / 4;
  const D = sequence.skeleton.numDims;
  const keypoints = sequence.keypoints.map((value, i) => value * scale + center[i % D]);
  return zeroMissing({ ...sequence, keypoints, size });
}
