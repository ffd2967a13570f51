/** Colors of a skeleton's keypoints, in light that shows them on the ground. */

import type { Skeleton } from "../poses/skeleton";

const BRIGHTEST = 150; // 0 to 255; brighter is hard to see on white
const DARKEST = 140; // darker is hard to see on the dark ground

export interface Ground {
  color: string;
  dark: boolean;
}

export const LIGHT: Ground = { color: "#ffffff", dark: false };
export const DARK: Ground = { color: "#14181f", dark: true };

/** A CSS color of every keypoint. */
export function colorsOf(skeleton: Skeleton, { dark }: Ground): string[] {
  return skeleton.components.flatMap(({ points, colors }) =>
    points.map((_, i) => {
      const color = (colors.length ? colors[i % colors.length] : [90, 90, 90]).map((value) => Math.min(value, 255));
      const brightness = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2];
      const seen = dark
        ? color.map((value) => value + Math.max(0, (DARKEST - brightness) / (255 - brightness)) * (255 - value))
        : color.map((value) => value * (BRIGHTEST / Math.max(brightness, BRIGHTEST)));
      return `rgb(${seen.map(Math.round).join(" ")})`;
    }),
  );
}
