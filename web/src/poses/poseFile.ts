/** `.pose` files (https://github.com/sign-language-processing/pose): versions 0.1 and 0.2 are read, 0.2 is written. */

import type { PoseSequence } from "./sequence";
import { Skeleton, type Component } from "./skeleton";

const MOST_FRAMES = 1_000_000;

/** Reads the person who is visible in most frames. Throws an Error whose message is for people. */
export function readPose(data: ArrayBuffer): PoseSequence {
  try {
    return read(new Reader(data));
  } catch (error) {
    if (error instanceof RangeError) throw new Error("it is no whole .pose file");
    throw error;
  }
}

function read(reader: Reader): PoseSequence {
  const version = Math.round(reader.float() * 1000) / 1000;
  if (version !== 0.1 && version !== 0.2) throw new Error("it is no .pose file of version 0.1 or 0.2");
  const size: [number, number, number] = [reader.short(), reader.short(), reader.short()];
  const components = Array.from({ length: reader.short() }, () => readComponent(reader));
  if (!components.some((component) => component.points.length)) throw new Error("it names no keypoints");
  const stored = Math.max(...components.map((component) => component.point_format.length)) - 1;
  // What else a point has than x, y and z is left out.
  for (const component of components) if (component.point_format.length > 4) component.point_format = "XYZC";
  const skeleton = new Skeleton(components);
  const fps = version === 0.2 ? reader.float() : reader.short();
  const frames = version === 0.2 ? reader.long() : reader.short();
  const people = reader.short();
  if (!(fps > 0) || !frames || !people || frames > MOST_FRAMES) throw new Error("it holds no poses");
  const K = skeleton.numKeypoints;
  const all = reader.floats(frames * people * K * stored);
  const confidences = reader.floats(frames * people * K);
  const person = mostVisible(confidences, frames, people, K);
  const D = skeleton.numDims;
  const keypoints = new Float32Array(frames * K * D);
  const confidence = new Float32Array(frames * K);
  for (let t = 0; t < frames; t++) {
    for (let k = 0; k < K; k++) {
      const from = (t * people + person) * K + k;
      confidence[t * K + k] = confidences[from];
      for (let d = 0; d < D; d++) keypoints[(t * K + k) * D + d] = all[from * stored + d];
    }
  }
  return { frames, keypoints, confidence, fps, skeleton, size };
}

function readComponent(reader: Reader): Component {
  const name = reader.text();
  const point_format = reader.text();
  const [points, limbs, colors] = [reader.short(), reader.short(), reader.short()];
  const component: Component = {
    name,
    point_format,
    points: Array.from({ length: points }, () => reader.text()),
    limbs: Array.from({ length: limbs }, () => [reader.short(), reader.short()]),
    colors: Array.from({ length: colors }, () => [reader.short(), reader.short(), reader.short()]),
  };
  if (point_format.length < 3 || component.limbs.flat().some((end) => end >= points))
    throw new Error("its header is damaged");
  return component;
}

function mostVisible(confidence: Float32Array, frames: number, people: number, K: number): number {
  const seen = new Array<number>(people).fill(0);
  for (let t = 0; t < frames; t++)
    for (let p = 0; p < people; p++) {
      const start = (t * people + p) * K;
      if (confidence.subarray(start, start + K).some((value) => value > 0)) seen[p]++;
    }
  return seen.indexOf(Math.max(...seen));
}

/** The bytes of a file of one person. */
export function writePose(sequence: PoseSequence): Uint8Array<ArrayBuffer> {
  const header: number[] = [];
  const view = new DataView(new ArrayBuffer(4));
  const float = (value: number) => {
    view.setFloat32(0, value, true);
    header.push(...new Uint8Array(view.buffer));
  };
  const short = (value: number) => header.push(value & 255, (value >> 8) & 255);
  const text = (value: string) => {
    const bytes = new TextEncoder().encode(value);
    short(bytes.length);
    header.push(...bytes);
  };
  float(0.2);
  sequence.size.forEach(short);
  short(sequence.skeleton.components.length);
  for (const component of sequence.skeleton.components) {
    text(component.name);
    text(component.point_format);
    [component.points, component.limbs, component.colors].forEach((list) => short(list.length));
    component.points.forEach(text);
    [...component.limbs, ...component.colors].flat().forEach(short);
  }
  float(sequence.fps);
  short(sequence.frames & 0xffff);
  short(sequence.frames >>> 16);
  short(1);
  const start = header.length;
  const values = sequence.keypoints.length + sequence.confidence.length;
  const bytes = new Uint8Array(start + 4 * values);
  bytes.set(header);
  const body = new DataView(bytes.buffer, start);
  sequence.keypoints.forEach((value, i) => body.setFloat32(4 * i, value, true));
  sequence.confidence.forEach((value, i) => body.setFloat32(4 * (sequence.keypoints.length + i), value, true));
  return bytes;
}

/** Little-endian values, one after the other; a RangeError where the file ends before them. */
class Reader {
  private readonly view: DataView;
  private offset = 0;

  constructor(private readonly data: ArrayBuffer) {
    this.view = new DataView(data);
  }

  private next(bytes: number): number {
    this.offset += bytes;
    return this.offset - bytes;
  }

  short(): number {
    return this.view.getUint16(this.next(2), true);
  }

  long(): number {
    return this.view.getUint32(this.next(4), true);
  }

  float(): number {
    return this.view.getFloat32(this.next(4), true);
  }

  text(): string {
    const length = this.short();
    return new TextDecoder().decode(new Uint8Array(this.data, this.next(length), length));
  }

  floats(count: number): Float32Array {
    const start = this.next(4 * count);
    if (start + 4 * count > this.data.byteLength) throw new RangeError();
    return new Float32Array(this.data.slice(start, start + 4 * count));
  }
}
