/** Keypoints by name, in the order of the arrays that hold them; as `pose_core.skeleton.Skeleton`. */

export interface Component {
  name: string;
  points: string[];
  limbs: [number, number][];
  colors: [number, number, number][];
  point_format: string;
}

export class Skeleton {
  readonly numKeypoints: number;
  readonly numDims: number;
  /** "COMPONENT/POINT" of each keypoint. */
  readonly names: string[];
  /** Array positions of the two ends of every limb. */
  readonly limbs: [number, number][] = [];

  constructor(readonly components: Component[]) {
    this.names = components.flatMap((component) => component.points.map((point) => `${component.name}/${point}`));
    this.numKeypoints = this.names.length;
    this.numDims = Math.max(...components.map((component) => component.point_format.length)) - 1;
    let start = 0;
    for (const component of components) {
      for (const [a, b] of component.limbs) this.limbs.push([start + a, start + b]);
      start += component.points.length;
    }
  }

  /** Array positions of the components whose name matches. */
  componentsLike(pattern: RegExp): number[][] {
    const found: number[][] = [];
    let start = 0;
    for (const { name, points } of this.components) {
      const first = start;
      if (pattern.test(name)) found.push(points.map((_, i) => first + i));
      start += points.length;
    }
    return found;
  }

  /** Array position of the first keypoint whose point name matches, in a component that repeats no other. */
  find(pattern: RegExp): number | undefined {
    const index = this.names.findIndex((name) => !REPEATED.test(name) && pattern.test(name.slice(name.lastIndexOf("/") + 1)));
    return index < 0 ? undefined : index;
  }
}

/** Components that repeat the body in other units: MediaPipe's world landmarks. */
export const REPEATED = /WORLD/;
export const HAND = /hand/i;
export const FACE = /face/i;
