/** Features of poses, as `text_to_pose.nn.features.HandFeatures`: fingers relative to their own wrist, and enlarged. */

export interface HandFeatures {
  numKeypoints: number;
  numDims: number;
  /** The keypoint each one is relative to; itself where it is relative to none. */
  roots: number[];
  /** (K, D) */
  scales: Float32Array;
}

export function toFeatures(keypoints: Float32Array, { numKeypoints: K, numDims: D, roots, scales }: HandFeatures): Float32Array {
  return keypoints.map((value, i) => {
    const d = i % D;
    const k = Math.floor(i / D) % K;
    const origin = roots[k] === k ? 0 : keypoints[i + (roots[k] - k) * D];
    return (value - origin) * scales[k * D + d];
  });
}

export function toKeypoints(features: Float32Array, { numKeypoints: K, numDims: D, roots, scales }: HandFeatures): Float32Array {
  const points = features.map((value, i) => value / scales[i % (K * D)]);
  return points.map((value, i) => {
    const k = Math.floor(i / D) % K;
    return roots[k] === k ? value : value + points[i + (roots[k] - k) * D]; // a root is relative to none
  });
}
