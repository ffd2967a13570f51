/** Transitions from one frame to another, as `text_to_pose.fingerspelling.transitions`: with the least jerk. */

import type { Skeleton } from "../poses/skeleton";
import { SIDES, type Body } from "../motion/body";
import { boneLength, HandTurn } from "./handTurn";
import type { Vector } from "./rotations";

const FASTEST = 7.3; // wrist, in shoulder widths per second
const FASTEST_TURN = 16; // of a hand, in radians per second
const FASTEST_BEND = 25; // of a finger joint, in radians per second
const PEAK = 1.875; // the greatest speed of a movement with the least jerk, in what it is on average
const MAX_GROWTH = 2; // of the hand in a mean of frames, which is smaller the more they differ

/** How fast hands are, and in which unit their depth is. */
export interface Limits {
  /** Shoulder widths that a keypoint moves at most from one frame to the next. */
  maxStep: number;
  fps: number;
  /** How much larger z of hands is than in the unit of x and y. */
  handDepth: number;
  body: Body;
  skeleton: Skeleton;
}

/** The way from one frame (K, D) to another, in which hands are visible or are where they would be. */
export class Transition {
  private readonly hands: { points: number[]; way: HandTurn }[];

  constructor(
    private readonly first: Float64Array,
    private readonly second: Float64Array,
    private readonly limits: Limits,
  ) {
    this.hands = wholeHands(limits.body).map((points) => ({
      points, way: new HandTurn(inSpace(first, points, limits), inSpace(second, points, limits)),
    }));
  }

  /** Seconds that it takes at least. */
  shortest(): number {
    const { numKeypoints: K } = this.limits.skeleton;
    const farthest = Math.max(...Array.from({ length: K }, (_, k) => this.moved(k)));
    const times = [farthest / (this.limits.maxStep * this.limits.fps)];
    for (const { points, way } of this.hands) times.push(this.moved(points[0]) / FASTEST, way.angle / FASTEST_TURN, way.bend / FASTEST_BEND);
    return PEAK * Math.max(...times);
  }

  /** Shoulder widths from wrist to wrist, of the hand that goes farther. */
  distance(): number {
    return Math.max(0, ...this.hands.map(({ points }) => this.moved(points[0])));
  }

  /** Keypoints (K, D) after a share of its time. */
  at(share: number): Float64Array {
    const D = this.limits.skeleton.numDims;
    const time = Math.min(Math.max(share, 0), 1);
    const way = time ** 3 * (10 + time * (6 * time - 15));
    const frame = this.first.map((value, i) => value + way * (this.second[i] - value));
    for (const { points, way: turn } of this.hands) {
      const shape = turn.at(way);
      const wrist = points[0] * D;
      points.forEach((k, i) => {
        for (let d = 0; d < D; d++) frame[k * D + d] = frame[wrist + d] + shape[i][d] / (d === 2 ? this.limits.handDepth : 1);
      });
    }
    return frame;
  }

  private moved(k: number): number {
    const D = this.limits.skeleton.numDims;
    return Math.hypot(this.second[k * D] - this.first[k * D], this.second[k * D + 1] - this.first[k * D + 1]);
  }
}

/** A frame whose hands are as large as in another, if they were smaller, and at most `MAX_GROWTH` larger. */
export function withSizes(frame: Float64Array, like: Float64Array, limits: Limits): Float64Array {
  const D = limits.skeleton.numDims;
  const resized = frame.slice();
  for (const hand of wholeHands(limits.body)) {
    const [own, other] = [frame, like].map((points) => boneLength(inSpace(points, hand, limits)));
    const growth = Math.min(Math.max(other / Math.max(own, 1e-9), 1), MAX_GROWTH);
    for (const k of hand)
      for (let d = 0; d < D; d++) resized[k * D + d] = frame[hand[0] * D + d] + growth * (frame[k * D + d] - frame[hand[0] * D + d]);
  }
  return resized;
}

function wholeHands(body: Body): number[][] {
  return SIDES.map((side) => body.hands[side]).filter((hand) => hand.length === 21);
}

/** A hand in three dimensions of one unit. */
function inSpace(frame: Float64Array, hand: number[], { skeleton: { numDims: D }, handDepth }: Limits): Vector[] {
  return hand.map((k) => [frame[k * D], frame[k * D + 1], D > 2 ? frame[k * D + 2] * handDepth : 0]);
}
