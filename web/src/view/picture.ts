/** Pictures of a clip: the signer, and beside it the hands, magnified: letters differ by fingers. */

import type { PoseSequence } from "../poses/sequence";
import { FACE, HAND, REPEATED } from "../poses/skeleton";
import { colorsOf, LIGHT, type Ground } from "./colors";
import { drawHead, FACELESS } from "./head";
import { Space } from "./space";

const OFTEN = 0.2; // share of the frames in which a hand is visible, or it is not magnified
const ONE = 0.62; // width of the column of one hand by the picture's height
const TWO = 0.5; // of two, one above the other
const FILL = 0.8; // of its panel, filled by a hand
const ASPECT = [0.6, 1.3]; // width by height of the signer's part
const HAND_LINE = 28; // the size of a hand by the thickness of its lines

interface Panel {
  hand: number[];
  /** Per frame. */
  centers: { x: number; y: number; z: number }[];
  /** The widest that the hand is, in the clip's units. */
  extent: number;
}

interface Lines {
  limbs: [number, number][];
  dots: number[];
  /** Thickness by the picture's height. */
  thickness: number;
}

export class Picture {
  readonly space: Space;
  readonly box: Space["box"];
  private readonly panels: Panel[];
  private readonly body: Lines;
  private readonly face: Lines;
  private readonly hands: number[][];
  private colors: string[] = [];
  private ground: Ground = LIGHT;

  /** @param box what the signer's part shows: all of the clip, unless it is to be compared with another one's picture */
  constructor(readonly sequence: PoseSequence, box?: Space["box"]) {
    this.space = new Space(sequence);
    this.box = box ?? this.space.box;
    const { skeleton } = sequence;
    const part = (pattern: RegExp) => new Set(skeleton.componentsLike(pattern).flat());
    const [hand, face, repeated] = [part(HAND), part(FACE), part(REPEATED)];
    const body = skeleton.names.map((_, k) => k).filter((k) => !hand.has(k) && !face.has(k) && !repeated.has(k));
    this.body = this.lines(body, 4 / 480);
    this.face = this.lines([...face], 1 / 480);
    this.hands = skeleton.componentsLike(HAND);
    this.panels = this.space.hands.flatMap((points) => this.panelOf(points));
    this.paintOn(LIGHT);
  }

  /** Width by height. */
  get aspect(): number {
    return this.figureAspect + this.columnWidth;
  }

  paintOn(ground: Ground): void {
    this.ground = ground;
    this.colors = colorsOf(this.sequence.skeleton, ground);
  }

  /** Draws a frame over the whole canvas; `angle`: by how much the person has turned, in radians. */
  draw(context: Context, width: number, height: number, frame: number, angle = 0): void {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = this.ground.color;
    context.fillRect(0, 0, width, height);
    context.lineCap = "round";
    const figure = Math.round(width * (this.figureAspect / this.aspect));
    this.clipped(context, 0, 0, figure, height, () => this.drawFigure(context, figure, height, frame, angle));
    this.panels.forEach((panel, i) => {
      const high = height / this.panels.length;
      this.clipped(context, figure, i * high, width - figure, high, () => this.drawPanel(context, panel, width - figure, high, frame, angle));
    });
  }

  private get figureAspect(): number {
    const { left, right, top, bottom } = this.box;
    return Math.min(Math.max((right - left) / Math.max(bottom - top, 1e-9), ASPECT[0]), ASPECT[1]);
  }

  private get columnWidth(): number {
    return [0, ONE, TWO][Math.min(this.panels.length, 2)];
  }

  private drawFigure(context: Context, width: number, height: number, frame: number, angle: number): void {
    const { left, right, top, bottom } = this.box;
    const scale = Math.min(width / (right - left), height / (bottom - top));
    const at: Project = (k) => {
      const [x, y] = this.space.turned(this.space.point(frame, k), angle);
      return [width / 2 + (x - (left + right) / 2) * scale, height / 2 + (y - (top + bottom) / 2) * scale];
    };
    const faceless = !this.face.dots.concat(this.face.limbs.flat()).some((k) => this.space.visible(frame, k));
    if (faceless) drawHead(context, this.space, frame, at, scale, Math.max(1, this.body.thickness * height), FACELESS);
    for (const lines of [this.body, this.face]) this.stroke(context, lines, frame, at, Math.max(1, lines.thickness * height), 0);
    for (const hand of this.hands) {
      const size = this.extentOf(hand, frame) * scale;
      const thickness = Math.min(Math.max(1, size / HAND_LINE), Math.max(2, (7 * height) / 480));
      this.stroke(context, this.lines(hand, 0), frame, at, thickness, thickness / 2);
    }
  }

  private drawPanel(context: Context, panel: Panel, width: number, height: number, frame: number, angle: number): void {
    const scale = (FILL * Math.min(width, height)) / panel.extent;
    const [cx, cy] = this.space.turned(panel.centers[frame], angle);
    const at: Project = (k) => {
      const [x, y] = this.space.turned(this.space.point(frame, k), angle);
      return [width / 2 + (x - cx) * scale, height / 2 + (y - cy) * scale];
    };
    const thickness = Math.max(1, (FILL * Math.min(width, height)) / HAND_LINE);
    this.stroke(context, this.lines(panel.hand, 0), frame, at, thickness, thickness / 2);
    context.strokeStyle = this.ground.dark ? "#3a4250" : "#c8c8c8";
    context.lineWidth = Math.max(1, height / 320);
    context.strokeRect(0, -1, width + 2, height + 2);
  }

  private stroke(context: Context, { limbs, dots }: Lines, frame: number, at: Project, thickness: number, halo: number): void {
    const shown = limbs.filter((limb) => limb.every((k) => this.space.visible(frame, k)));
    const path = ([a, b]: [number, number]) => {
      context.beginPath();
      context.moveTo(...at(a));
      context.lineTo(...at(b));
      context.stroke();
    };
    if (halo) {
      context.strokeStyle = this.ground.color;
      context.lineWidth = thickness + 2 * halo;
      shown.forEach(path);
    }
    context.lineWidth = thickness;
    for (const limb of shown) {
      context.strokeStyle = this.colors[limb[1]];
      path(limb);
    }
    for (const k of dots) {
      if (!this.space.visible(frame, k)) continue;
      context.fillStyle = this.colors[k];
      context.beginPath();
      context.arc(...at(k), thickness * 0.9, 0, 2 * Math.PI);
      context.fill();
    }
  }

  private clipped(context: Context, left: number, top: number, width: number, height: number, draw: () => void): void {
    context.save();
    context.translate(left, top);
    context.beginPath();
    context.rect(0, 0, width, height);
    context.clip();
    draw();
    context.restore();
  }

  /** The limbs between some keypoints, and dots where they are few: a face mesh has none. */
  private lines(points: number[], thickness: number): Lines {
    const among = new Set(points);
    const limbs = this.sequence.skeleton.limbs.filter(([a, b]) => among.has(a) && among.has(b));
    return { limbs, dots: points.length > 60 && limbs.length ? [] : points, thickness };
  }

  private extentOf(hand: number[], frame: number): number {
    const seen = hand.filter((k) => this.space.visible(frame, k)).map((k) => this.space.point(frame, k));
    if (!seen.length) return 0;
    const range = (values: number[]) => Math.max(...values) - Math.min(...values);
    return Math.max(range(seen.map(({ x }) => x)), range(seen.map(({ y }) => y)));
  }

  private panelOf(hand: number[]): Panel[] {
    const frames = this.space.frames();
    const seen = frames.map((t) => hand.filter((k) => this.space.visible(t, k)).map((k) => this.space.point(t, k)));
    if (seen.filter((points) => points.length).length < OFTEN * frames.length) return [];
    let last = { ...this.space.center };
    const first = seen.find((points) => points.length)!;
    const middle = (points: typeof first) => {
      const half = (axis: "x" | "y" | "z") => {
        const values = points.map((point) => point[axis]);
        return (Math.max(...values) + Math.min(...values)) / 2;
      };
      return { x: half("x"), y: half("y"), z: half("z") };
    };
    last = middle(first);
    const path = seen.map((points) => (points.length ? (last = middle(points)) : last));
    const extents = frames.map((t) => this.extentOf(hand, t)).sort((a, b) => a - b);
    const extent = extents[Math.floor(0.98 * (extents.length - 1))];
    return extent > 0 ? [{ hand, centers: smoothed(path, 0.1 * this.sequence.fps), extent }] : [];
  }
}

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
/** Of a keypoint its place on the canvas. */
export type Project = (k: number) => [number, number];

/** A path smoothed by a Gaussian of so many frames, its ends extended: a panel shows fast movements as such. */
function smoothed(path: Panel["centers"], deviation: number): Panel["centers"] {
  const radius = Math.ceil(3 * deviation);
  return path.map((_, t) => {
    const sum = { x: 0, y: 0, z: 0 };
    let total = 0;
    for (let offset = -radius; offset <= radius; offset++) {
      const weight = Math.exp(-0.5 * (offset / Math.max(deviation, 1e-6)) ** 2);
      const at = path[Math.min(Math.max(t + offset, 0), path.length - 1)];
      sum.x += weight * at.x;
      sum.y += weight * at.y;
      sum.z += weight * at.z;
      total += weight;
    }
    return { x: sum.x / total, y: sum.y / total, z: sum.z / total };
  });
}
