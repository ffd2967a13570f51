/** Array positions of a skeleton's parts, as the model's export states them. */

export type Side = "left" | "right";
export const SIDES: readonly Side[] = ["left", "right"];

export interface Body {
  shoulders: [number, number];
  hips: number[];
  elbows: Record<Side, number | null>;
  wrists: Record<Side, number | null>;
  /** A hand's wrist comes first; empty where there is no such hand. */
  hands: Record<Side, number[]>;
  /** For each hand with an arm the hand's wrist and the arm's. */
  wristPairs: [number, number][];
  /** Of each keypoint its mirror image. */
  mirror: number[];
}
