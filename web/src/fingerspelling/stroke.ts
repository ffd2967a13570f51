/** What of a letter's clip says the letter, as `text_to_pose.fingerspelling.strokes`. */

import type { Body, Side } from "../motion/body";
import type { PoseSequence } from "../poses/sequence";

// Shoulder widths per frame, of the wrist and of fingers beside it.
const AT_REST = 0.03;
const UNDER_WAY = 0.06;
const SLOWED = 0.35; // of its speed on the way: a hand that is as slow has arrived, if it then gains speed again
const SHORTEST_REST = 4; // frames at the end of a clip in which a hand that holds its letter to the end does not move
const RISING = 0.12; // shoulder widths in two frames: a hand that goes on rising so fast has not arrived
const MOVING = 0.2; // shoulder widths: a hand that goes no farther while it says a letter stands still
const NEAR = 0.05; // shoulder widths: frames of a movement that are as near to its ends are left out

/** The first and the last frame that say the letter; the same one where the hand stands still. */
export interface Stroke {
  first: number;
  last: number;
}

/** Points of hands in the picture, by frame. */
type Points = [number, number][][];

export function findStroke(clip: PoseSequence, hand: Side, body: Body): Stroke {
  const points = pointsOf(clip, hand, body);
  const speeds = points.slice(1).map((frame, t) => distance(frame, points[t]));
  let [first, last] = betweenWays(speeds, points);
  const middle = middleOf(points, first, last);
  if (!points.slice(first, last + 1).some((frame) => distance(frame, points[middle]) >= MOVING)) return { first: middle, last: middle };
  const end = last;
  const leaves = points.slice(first, end + 1).findIndex((frame) => distance(frame, points[first]) > NEAR);
  if (leaves >= 0) first += Math.max(0, leaves - 1);
  for (let t = end; t >= first; t--) {
    if (distance(points[t], points[end]) <= NEAR) continue;
    last = t + 1;
    break;
  }
  return { first, last };
}

function pointsOf(clip: PoseSequence, side: Side, body: Body): Points {
  const { numKeypoints: K, numDims: D } = clip.skeleton;
  const other = body.hands[side === "right" ? "left" : "right"];
  let hands = body.hands[side];
  const always = other.length && other.every((k) => {
    for (let t = 0; t < clip.frames; t++) if (!(clip.confidence[t * K + k] > 0)) return false;
    return true;
  });
  if (always) hands = [...hands, ...other];
  return Array.from({ length: clip.frames }, (_, t) =>
    hands.map((k): [number, number] => [clip.keypoints[(t * K + k) * D], clip.keypoints[(t * K + k) * D + 1]]));
}

/** Mean distance of points. */
function distance(first: Points[number], second: Points[number]): number {
  return first.reduce((sum, [x, y], i) => sum + Math.hypot(x - second[i][0], y - second[i][1]), 0) / first.length;
}

/** First and last frame between the hand's way up and its way down. */
function betweenWays(speeds: number[], points: Points): [number, number] {
  const first = endOfWay(speeds, points);
  const rest = speeds.findLastIndex((speed) => speed > AT_REST) + 1;
  const isLow = distance(points.at(-1)!, points[0]) < distance(points.at(-1)!, points[first]);
  if (speeds.length - rest >= SHORTEST_REST && !isLow) return [first, speeds.length]; // held to the end
  const last = speeds.length - endOfWay(speeds.slice().reverse(), points.slice().reverse());
  return first <= last ? [first, last] : [last, first];
}

/** How many steps a hand that sets out takes until it has arrived; 0 where it does not set out. */
function endOfWay(speeds: number[], points: Points): number {
  let begin = speeds.findIndex((speed) => speed > UNDER_WAY);
  if (begin < 0) begin = speeds.length;
  const half = Math.floor(speeds.length / 2);
  if (begin > half) return 0;
  const height = points.map((frame) => -frame.reduce((sum, [, y]) => sum + y, 0) / frame.length); // y is down
  let fastest = 0;
  for (let step = begin; step < speeds.length; step++) {
    fastest = Math.max(fastest, speeds[step]);
    const later = speeds[step + 1] ?? Infinity;
    const slow = speeds[step] <= AT_REST || (speeds[step] <= SLOWED * fastest && later >= speeds[step]);
    if (slow && Math.max(...height.slice(step, step + 3)) - height[step] < RISING) return step;
  }
  return half;
}

/** The frame that is nearest to the others of the middle half. */
function middleOf(points: Points, first: number, last: number): number {
  const quarter = Math.floor((last - first) / 4);
  let [best, least] = [first + quarter, Infinity];
  for (let t = first + quarter; t <= last - quarter; t++) {
    let sum = 0;
    for (let other = first + quarter; other <= last - quarter; other++) sum += distance(points[other], points[t]);
    if (sum < least) [best, least] = [t, sum];
  }
  return best;
}
