/** Where a person stands in the picture, on the grid of token files; as `pose_tokenizer.placement`. */

import { roundHalfEven } from "../model/lengths";

const SCALE_STEPS = 64; // per factor of two
const CENTER_STEPS = [128, 128, 32]; // per shoulder width, in x, y and z
const MAX_STEP = 2 ** 40; // that a file has room for
const MAX_SCALE_STEP = 100 * SCALE_STEPS; // single precision has no more

/** Pixels are `center + scale * shoulder widths`. */
export interface Placement {
  center: number[];
  scale: number;
}

type Size = [number, number, number];

/** The nearest placement on the grid; one too far off, or of no finite numbers, only in single precision. */
export function rounded(placement: Placement): Placement {
  const steps = nearest(placement);
  return steps ? at(steps) : { center: placement.center.map(Math.fround), scale: Math.fround(placement.scale) };
}

/** A placement on the grid as whole numbers, scale first, relative to the usual place; undefined if it is not on it. */
export function toSteps(placement: Placement, size: Size): number[] | undefined {
  const steps = nearest(placement);
  if (!steps) return undefined;
  const { center, scale } = at(steps);
  if (scale !== placement.scale || center.some((value, d) => value !== placement.center[d])) return undefined;
  const usual = usualSteps(steps, size);
  const relative = steps.map((step, i) => step - usual[i]);
  return relative.every((step) => Math.abs(step) < MAX_STEP) ? relative : undefined;
}

function nearest({ center, scale }: Placement): number[] | undefined {
  if (!(Number.isFinite(scale) && scale > 0 && center.every(Number.isFinite))) return undefined;
  const scaleStep = roundHalfEven(SCALE_STEPS * Math.log2(scale));
  if (Math.abs(scaleStep) > MAX_SCALE_STEP) return undefined;
  const steps = center.map((value, d) => roundHalfEven((value / scaleOf(scaleStep)) * CENTER_STEPS[d]));
  return steps.every((step) => Math.abs(step) < MAX_STEP) ? [scaleStep, ...steps] : undefined;
}

function at([scaleStep, ...steps]: number[]): Placement {
  const scale = scaleOf(scaleStep);
  return { center: steps.map((step, d) => Math.fround((step * scale) / CENTER_STEPS[d])), scale };
}

function scaleOf(step: number): number {
  return Math.fround(2 ** (step / SCALE_STEPS));
}

/** The steps of shoulders in the middle of the picture, of the scale that `steps` have; depth is about 0. */
function usualSteps(steps: number[], size: Size): number[] {
  const scale = scaleOf(steps[0]);
  const middle = [0, 1].map((d) => roundHalfEven((size[d] / 2 / scale) * CENTER_STEPS[d]));
  return [usualScale(size), ...middle, 0].slice(0, steps.length);
}

/** Of shoulders about a third of the picture's width: the middle of that octave. */
function usualScale(size: Size): number {
  const third = Math.floor(size[0] / 3);
  return third ? SCALE_STEPS * Math.floor(Math.log2(third)) + SCALE_STEPS / 2 : 0;
}
