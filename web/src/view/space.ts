/** Where the keypoints of a clip are: which are visible, the box around them, and how they look from another side. */

import type { PoseSequence } from "../poses/sequence";
import { HAND, REPEATED } from "../poses/skeleton";

const REACH = 3; // shoulder widths from the mid-shoulder point; an arm and a hand reach two and a half
const MARGIN = 0.12; // shoulder widths around what is shown
const FLAT = 0.1; // shoulder widths of depth; a clip with less has none that is worth turning it for
const LEGS = /HIP|KNEE|ANKLE|HEEL|FOOT|TOE|hip|knee|ankle|heel|toe/;

export interface Point {
  x: number;
  y: number;
  z: number;
}

export class Space {
  readonly shoulders?: [number, number];
  /** Keypoints of each hand. */
  readonly hands: number[][];
  /** What is turned about: between the shoulders. */
  readonly center: Point;
  /** Of the shoulders, its median; of what is visible where there are none. */
  readonly unit: number;
  /** Whether the poses have a depth. */
  readonly deep: boolean;
  readonly box: { left: number; right: number; top: number; bottom: number };
  private readonly dims: number;
  private readonly keypoints: number;
  private readonly hidden: boolean[];

  constructor(readonly sequence: PoseSequence) {
    const { skeleton } = sequence;
    this.dims = skeleton.numDims;
    this.keypoints = skeleton.numKeypoints;
    this.hidden = skeleton.names.map((name) => REPEATED.test(name));
    this.hands = skeleton.componentsLike(HAND).filter((points) => points.length === 21);
    const [left, right] = [skeleton.find(/^(LEFT_SHOULDER|left_shoulder|LShoulder)$/), skeleton.find(/^(RIGHT_SHOULDER|right_shoulder|RShoulder)$/)];
    if (left !== undefined && right !== undefined) this.shoulders = [left, right];
    const both = this.frames().filter((t) => this.shoulders?.every((k) => this.visible(t, k)));
    const seen = this.allVisible();
    if (both.length && this.shoulders) {
      const [l, r] = this.shoulders;
      const pairs = both.map((t) => [this.point(t, l), this.point(t, r)]);
      const middle = (axis: keyof Point) => median(pairs.map(([a, b]) => (a[axis] + b[axis]) / 2));
      this.center = { x: middle("x"), y: middle("y"), z: middle("z") };
      this.unit = median(pairs.map(([a, b]) => Math.hypot(a.x - b.x, a.y - b.y))) || 1;
    } else {
      const axis = (name: keyof Point) => median(seen.map((point) => point[name]));
      this.center = { x: axis("x"), y: axis("y"), z: axis("z") };
      this.unit = Math.max(median(seen.map(({ x, y }) => Math.hypot(x - this.center.x, y - this.center.y))), 1e-6);
    }
    const upper = this.allVisible((name) => !LEGS.test(name));
    const near = (upper.length ? upper : seen).filter(({ x, y }) =>
      Math.max(Math.abs(x - this.center.x), Math.abs(y - this.center.y)) <= REACH * this.unit);
    const depth = near.map(({ z }) => z);
    this.deep = this.dims > 2 && near.length > 0 && spread(depth) > FLAT * this.unit;
    this.box = this.boxAround(near, both.length > 0);
  }

  frames(): number[] {
    return Array.from({ length: this.sequence.frames }, (_, t) => t);
  }

  visible(t: number, k: number): boolean {
    const at = (t * this.keypoints + k) * this.dims;
    const { keypoints, confidence } = this.sequence;
    return confidence[t * this.keypoints + k] > 0 && Number.isFinite(keypoints[at]) && Number.isFinite(keypoints[at + 1]) && !this.hidden[k];
  }

  point(t: number, k: number): Point {
    const at = (t * this.keypoints + k) * this.dims;
    const { keypoints } = this.sequence;
    const z = this.dims > 2 ? keypoints[at + 2] : 0;
    return { x: keypoints[at], y: keypoints[at + 1], z: Number.isFinite(z) ? z : 0 };
  }

  /** A point as it is seen when the person has turned by an angle, in radians. */
  turned({ x, y, z }: Point, angle: number): [number, number] {
    if (!this.deep || angle === 0) return [x, y];
    return [this.center.x + (x - this.center.x) * Math.cos(angle) + (z - this.center.z) * Math.sin(angle), y];
  }

  private allVisible(wanted: (name: string) => boolean = () => true): Point[] {
    const points: Point[] = [];
    const chosen = this.sequence.skeleton.names.flatMap((name, k) => (wanted(name) ? [k] : []));
    for (const t of this.frames()) for (const k of chosen) if (this.visible(t, k)) points.push(this.point(t, k));
    return points;
  }

  private boxAround(points: Point[], withHead: boolean): Space["box"] {
    const { center, unit } = this;
    const box = { left: center.x - unit / 2, right: center.x + unit / 2, top: center.y, bottom: center.y };
    const margin = MARGIN * unit;
    for (const { x, y, z } of points) {
      const aside = this.deep ? Math.hypot(x - center.x, z - center.z) : 0; // it may be turned there
      box.left = Math.min(box.left, x, center.x - aside);
      box.right = Math.max(box.right, x, center.x + aside);
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y);
    }
    if (withHead) box.top = Math.min(box.top, center.y - 1.05 * unit);
    box.left -= margin;
    box.right += margin;
    box.top -= margin;
    box.bottom += margin;
    return box;
  }
}

function median(values: number[]): number {
  const sorted = values.slice().sort((a, b) => a - b);
  return sorted.length ? sorted[Math.floor(sorted.length / 2)] : 0;
}

/** Between the 5th and the 95th percentile. */
function spread(values: number[]): number {
  const sorted = values.slice().sort((a, b) => a - b);
  return sorted[Math.floor(0.95 * (sorted.length - 1))] - sorted[Math.floor(0.05 * (sorted.length - 1))];
}
