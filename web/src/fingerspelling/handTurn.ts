/** From one handshape to another as a hand moves, as `text_to_pose.fingerspelling.hand_turns`. */

import {
  EYE, fromVector, nearest, product, scaled, shortest, toVector, transposed, turn, type Matrix, type Vector,
} from "./rotations";

const KNUCKLES = [5, 9, 13, 17];
const DIGITS = 5;
const BONES = 4; // per digit: from the wrist to the tip

/** The palm takes the shortest turn; in its frame every digit is a chain whose joints go evenly from bend to bend. */
export class HandTurn {
  private readonly palm: Vector; // rotation vector
  private readonly directions: Vector[];
  private readonly first: Vector[][];
  private readonly second: Vector[][];
  private readonly lengths: [number[][], number[][]];

  /** The way between two hands of 21 points. */
  constructor(from: Vector[], to: Vector[]) {
    const about = (hand: Vector[]) => hand.map((point) => point.map((value, d) => value - hand[0][d]) as Vector);
    const [first, second] = [about(from), about(to)];
    const palm = nearest(KNUCKLES.map((k) => first[k]), KNUCKLES.map((k) => second[k]));
    this.palm = toVector(palm);
    const back = transposed(palm);
    const [bones, turned] = [bonesOf(first), bonesOf(second.map((point) => turn(back, point)))];
    const start = bones.map(({ directions }, digit) => shortest(directions[0], turned[digit].directions[0]));
    this.directions = bones.map(({ directions }) => directions[0]);
    this.first = bones.map(({ directions }) => [[0, 0, 0], ...bends(directions, EYE)]);
    this.second = turned.map(({ directions }, digit) => [toVector(start[digit]), ...bends(directions, start[digit])]);
    this.lengths = [bones.map(({ lengths }) => lengths), turned.map(({ lengths }) => lengths)];
  }

  /** By how much the palm turns, in radians. */
  get angle(): number {
    return Math.hypot(...this.palm);
  }

  /** By how much the joint bends that bends most, in radians. */
  get bend(): number {
    return Math.max(...this.first.flatMap((digit, i) =>
      digit.map((vector, j) => Math.hypot(...vector.map((value, d) => this.second[i][j][d] - value)))));
  }

  /** The hand about its wrist after a share of the way. */
  at(share: number): Vector[] {
    const points: Vector[] = Array.from({ length: 1 + DIGITS * BONES }, () => [0, 0, 0]);
    const palm = fromVector(scaled(this.palm, share));
    for (let digit = 0; digit < DIGITS; digit++) {
      let frame: Matrix = EYE;
      let direction = this.directions[digit];
      let joint: Vector = [0, 0, 0];
      for (let bone = 0; bone < BONES; bone++) {
        const [from, to] = [this.first[digit][bone], this.second[digit][bone]];
        const bend = from.map((value, d) => (1 - share) * value + share * to[d]) as Vector;
        const rotation = fromVector(turn(frame, bend));
        frame = product(rotation, frame);
        direction = turn(rotation, direction);
        const length = (1 - share) * this.lengths[0][digit][bone] + share * this.lengths[1][digit][bone];
        joint = joint.map((value, d) => value + length * direction[d]) as Vector;
        points[1 + digit * BONES + bone] = turn(palm, joint);
      }
    }
    return points;
  }
}

/** Mean length of the bones of a hand. */
export function boneLength(hand: Vector[]): number {
  const lengths = bonesOf(hand).flatMap((digit) => digit.lengths);
  return lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
}

/** Directions and lengths of the bones of each digit. */
function bonesOf(hand: Vector[]): { directions: Vector[]; lengths: number[] }[] {
  return Array.from({ length: DIGITS }, (_, digit) => {
    const joints = [hand[0], ...hand.slice(1 + digit * BONES, 1 + (digit + 1) * BONES)];
    const vectors = joints.slice(1).map((point, i) => point.map((value, d) => value - joints[i][d]) as Vector);
    const lengths = vectors.map((vector) => Math.hypot(...vector));
    // A bone that nobody sees, as it points to the camera, has any direction.
    const directions = vectors.map((vector, i): Vector => (lengths[i] > 1e-9 ? scaled(vector, 1 / lengths[i]) : [0, -1, 0]));
    return { directions, lengths };
  });
}

/** Bends from each bone of a digit to the next, in a frame that the first bone carries. */
function bends(bones: Vector[], frame: Matrix): Vector[] {
  return bones.slice(1).map((bone, i) => {
    const rotation = shortest(bones[i], bone);
    const bend = turn(transposed(frame), toVector(rotation));
    frame = product(rotation, frame);
    return bend;
  });
}
