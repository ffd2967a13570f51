import { applyPalette, GIFEncoder, quantize } from "gifenc";

import type { Picture } from "../view/picture";
import { frameCanvas } from "./frames";

const HEIGHT = 360; // pixels
const COLORS = 128;
const SAMPLES = 6; // frames that the palette is found in

/** A GIF that repeats, in the pace of the clip as far as a GIF knows it: in hundredths of a second. */
export async function encodeGif(picture: Picture, angle: number, progress: (share: number) => void): Promise<Blob> {
  const { sequence } = picture;
  const { context, width, height } = frameCanvas(picture, HEIGHT);
  const pixels = (frame: number) => {
    picture.draw(context, width, height, frame, angle);
    return context.getImageData(0, 0, width, height).data;
  };
  const samples = new Uint8ClampedArray(SAMPLES * width * height * 4);
  for (let i = 0; i < SAMPLES; i++)
    samples.set(pixels(Math.floor((i / SAMPLES) * sequence.frames)), i * width * height * 4);
  const palette = quantize(samples, COLORS);
  const gif = GIFEncoder();
  for (let frame = 0; frame < sequence.frames; frame++) {
    // The hundredth at which each frame begins, so that errors do not add up.
    const [start, end] = [frame, frame + 1].map((t) => Math.round((100 * t) / sequence.fps));
    gif.writeFrame(applyPalette(pixels(frame), palette), width, height, { palette: frame ? undefined : palette, delay: 10 * (end - start) });
    if (frame % 8 === 0) {
      progress(frame / sequence.frames);
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  gif.finish();
  return new Blob([gif.bytes()], { type: "image/gif" });
}
