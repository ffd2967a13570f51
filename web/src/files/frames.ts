import { LIGHT } from "../view/colors";
import type { Picture } from "../view/picture";

/** A canvas for the frames of a picture of that height, on white; its sides are even, as video encoders want them. */
export function frameCanvas(picture: Picture, height: number) {
  const width = 2 * Math.round((height * picture.aspect) / 2);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("This browser has no memory for pictures.");
  picture.paintOn(LIGHT);
  return { canvas, context, width, height };
}
