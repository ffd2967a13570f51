/** One body per text, as `text_to_pose.motion.steady_body`: its torso throughout, arms of constant length. */

import { slice, zeroMissing, type PoseSequence } from "../poses/sequence";
import { SIDES, type Body, type Side } from "./body";

const MIN_WIDTH = 0.05; // shoulder widths: shoulders closer than that in the picture have no direction
const SCALES = [0.8, 1.25]; // within which the predicted shoulders may say how large the person was drawn
const UPPER_ARM = [0.83, 1.1]; // shoulder widths
const FOREARM_SHARE = [0.85, 1.1]; // of the upper arm
const PROJECTIONS = 8; // onto the two discs that an elbow has to lie in

type Arm = { shoulder: number; elbow: number; wrist: number };

/**
 * Retargets a sign to the body of its text; only the hands are kept, and the arms within their reach.
 *
 * @param sequence in shoulder widths; it begins with its start frame
 * @param reference its first frame has the body
 * @param dominantHand its arm signs even where no hand is visible
 * @param maxStep largest displacement of a resting arm from one frame to the next, in shoulder widths
 */
export function steadyBody(
  sequence: PoseSequence, reference: PoseSequence, dominantHand: Side | undefined, maxStep: number, body: Body,
): PoseSequence {
  const first = slice(reference, 0, 1);
  if (!hasShoulders(first, body)) return sequence;
  const K = sequence.skeleton.numKeypoints;
  let steady = steadyTorso(sequence, first, body);
  for (const side of SIDES) {
    const arm = armOf(body, side);
    if (!arm) continue;
    const wrist = body.hands[side][0];
    let seen = side === dominantHand;
    for (let t = 0; wrist !== undefined && t < steady.frames; t++) seen ||= steady.confidence[t * K + wrist] > 0;
    steady = seen
      ? armOfFixedLength(steady, first, arm, body.hands[side])
      : restingArm(steady, first, [arm.elbow, arm.wrist], maxStep);
  }
  return steady;
}

function armOf(body: Body, side: Side): Arm | undefined {
  const [elbow, wrist] = [body.elbows[side], body.wrists[side]];
  return elbow === null || wrist === null ? undefined : { shoulder: body.shoulders[side === "left" ? 0 : 1], elbow, wrist };
}

function hasShoulders({ keypoints, confidence, skeleton }: PoseSequence, body: Body): boolean {
  const [left, right] = body.shoulders;
  const D = skeleton.numDims;
  const width = Math.hypot(keypoints[left * D] - keypoints[right * D], keypoints[left * D + 1] - keypoints[right * D + 1]);
  return confidence[left] > 0 && confidence[right] > 0 && width > MIN_WIDTH;
}

/** Maps every frame in the picture by a similarity that brings its shoulders to those of the reference. */
function steadyTorso(sequence: PoseSequence, first: PoseSequence, body: Body): PoseSequence {
  const { numKeypoints: K, numDims: D } = sequence.skeleton;
  const [left, right] = body.shoulders;
  const keypoints = sequence.keypoints.slice();
  const confidence = sequence.confidence.slice();
  const target = (k: number) => [first.keypoints[k * D], first.keypoints[k * D + 1]];
  const [L, R] = [target(left), target(right)];
  const goal = [L[0] - R[0], L[1] - R[1]];
  const center = [(L[0] + R[0]) / 2, (L[1] + R[1]) / 2];
  const torso = [left, right, ...body.hips].filter((k) => first.confidence[k] > 0);
  for (let t = 0; t < sequence.frames; t++) {
    const [l, r] = [(t * K + left) * D, (t * K + right) * D];
    const middle = [(keypoints[l] + keypoints[r]) / 2, (keypoints[l + 1] + keypoints[r + 1]) / 2];
    let predicted = [keypoints[l] - keypoints[r], keypoints[l + 1] - keypoints[r + 1]];
    if (!(Math.hypot(...predicted) > MIN_WIDTH)) predicted = goal;
    // goal / predicted as complex numbers: the argument rotates, the absolute value, within limits, scales.
    const square = predicted[0] ** 2 + predicted[1] ** 2;
    let re = (goal[0] * predicted[0] + goal[1] * predicted[1]) / square;
    let im = (goal[1] * predicted[0] - goal[0] * predicted[1]) / square;
    const size = Math.hypot(re, im);
    const scale = Math.min(Math.max(size, SCALES[0]), SCALES[1]);
    re *= scale / size;
    im *= scale / size;
    for (let k = 0; k < K; k++) {
      const at = (t * K + k) * D;
      const [x, y] = [keypoints[at] - middle[0], keypoints[at + 1] - middle[1]];
      keypoints[at] = center[0] + x * re - y * im;
      keypoints[at + 1] = center[1] + x * im + y * re;
      for (let d = 2; d < D; d++) keypoints[at + d] *= scale;
    }
    for (const k of torso) {
      keypoints.set(first.keypoints.subarray(k * D, (k + 1) * D), (t * K + k) * D);
      confidence[t * K + k] = first.confidence[k];
    }
  }
  return zeroMissing({ ...sequence, keypoints, confidence });
}

/** Limits upper arm and forearm to the reference's lengths; a wrist out of reach is pulled in, its hand with it. */
function armOfFixedLength(sequence: PoseSequence, first: PoseSequence, arm: Arm, hand: number[]): PoseSequence {
  const { numKeypoints: K, numDims: D } = sequence.skeleton;
  const [upper, lower] = armLengths(first, arm);
  const keypoints = sequence.keypoints.slice();
  const moved = [arm.wrist, ...hand.filter((k) => k !== arm.wrist)];
  for (let t = 0; t < sequence.frames; t++) {
    const point = (k: number): Point => [keypoints[(t * K + k) * D], keypoints[(t * K + k) * D + 1]];
    const [S, W] = [point(arm.shoulder), point(arm.wrist)];
    let E = point(arm.elbow);
    const reachable = within(W, S, upper + lower);
    for (const k of moved) for (let d = 0; d < 2; d++) keypoints[(t * K + k) * D + d] += reachable[d] - W[d];
    // Alternating projections onto the two discs converge to a point in both.
    for (let i = 0; i < PROJECTIONS; i++) E = within(within(E, S, upper), reachable, lower);
    keypoints.set(E, (t * K + arm.elbow) * D);
  }
  return zeroMissing({ ...sequence, keypoints });
}

function armLengths(first: PoseSequence, arm: Arm): [number, number] {
  const D = first.skeleton.numDims;
  const length = (a: number, b: number) =>
    first.confidence[a] > 0 && first.confidence[b] > 0
      ? Math.hypot(first.keypoints[a * D] - first.keypoints[b * D], first.keypoints[a * D + 1] - first.keypoints[b * D + 1])
      : 0;
  const upper = Math.min(Math.max(length(arm.shoulder, arm.elbow), UPPER_ARM[0]), UPPER_ARM[1]);
  const lower = length(arm.elbow, arm.wrist);
  return [upper, Math.min(Math.max(lower, upper * FOREARM_SHARE[0]), upper * FOREARM_SHARE[1])];
}

/** Moves an arm along a raised cosine from its position in the first frame to that in the reference. */
function restingArm(sequence: PoseSequence, first: PoseSequence, joints: number[], maxStep: number): PoseSequence {
  const { numKeypoints: K, numDims: D } = sequence.skeleton;
  const keypoints = sequence.keypoints.slice();
  const confidence = sequence.confidence.slice();
  const visible = joints.filter((k) => first.confidence[k] > 0);
  const known = visible.every((k) => confidence[k] > 0); // else it is not known where the arm comes from
  const displacement = visible.map((k) =>
    Array.from({ length: D }, (_, d) => (known ? keypoints[k * D + d] - first.keypoints[k * D + d] : 0)));
  const distance = Math.max(0, ...displacement.map((each) => Math.hypot(...each)));
  const frames = Math.max(1, (distance * Math.PI) / 2 / maxStep); // a cosine is steepest half way, by pi / 2
  for (let t = 0; t < sequence.frames; t++) {
    const weight = 0.5 + 0.5 * Math.cos(Math.PI * Math.min(t / frames, 1));
    visible.forEach((k, i) => {
      for (let d = 0; d < D; d++) keypoints[(t * K + k) * D + d] = first.keypoints[k * D + d] + weight * displacement[i][d];
      confidence[t * K + k] = first.confidence[k];
    });
    for (const k of joints) if (!visible.includes(k)) confidence[t * K + k] = 0;
  }
  return zeroMissing({ ...sequence, keypoints, confidence });
}

type Point = [number, number];

/** A point, moved straight towards a center until it is at most `radius` away. */
function within(point: Point, center: Point, radius: number): Point {
  const [x, y] = [point[0] - center[0], point[1] - center[1]];
  const share = Math.min(1, radius / Math.max(Math.hypot(x, y), 1e-9));
  return [center[0] + x * share, center[1] + y * share];
}
