import { BufferTarget, CanvasSource, getFirstEncodableVideoCodec, Mp4OutputFormat, Output, QUALITY_HIGH } from "mediabunny";

import type { Picture } from "../view/picture";
import { frameCanvas } from "./frames";

const HEIGHT = 480; // pixels

/** A video by the browser's own encoder, in the first of these codecs that it has. */
export async function encodeMp4(picture: Picture, angle: number, progress: (share: number) => void): Promise<Blob> {
  const { sequence } = picture;
  const { canvas, context, width, height } = frameCanvas(picture, HEIGHT);
  const codec = await getFirstEncodableVideoCodec(["avc", "vp9", "av1"], { width, height });
  if (!codec) throw new Error("This browser cannot encode videos; the GIF has the same pictures.");
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat(), target });
  const source = new CanvasSource(canvas, { codec, bitrate: QUALITY_HIGH });
  output.addVideoTrack(source, { frameRate: sequence.fps });
  await output.start();
  for (let frame = 0; frame < sequence.frames; frame++) {
    picture.draw(context, width, height, frame, angle);
    await source.add(frame / sequence.fps, 1 / sequence.fps);
    if (frame % 8 === 0) progress(frame / sequence.frames);
  }
  await output.finalize();
  return new Blob([target.buffer!], { type: "video/mp4" });
}
