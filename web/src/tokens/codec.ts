/** Poses to tokens and back, as `pose_tokenizer.codec` and `pose_tokenizer.streaming`, for whole clips. */

import { cleaned, onSkeleton } from "../poses/cleaning";
import { joined, type PoseSequence } from "../poses/sequence";
import { countOf } from "./codes";
import { rounded, type Placement } from "./placement";
import { exactRate, type PoseTokens } from "./tokenFile";
import type { Tokenizer } from "./tokenizer";

const BEAM = 8; // hypotheses of the beam search
const WINDOW = 16; // blocks that the networks run over at once
const PLACEMENT_FRAMES = 16; // frames with both shoulders that place a person
const MAX_WAIT = 160; // frames that are waited for them
const MAX_DISTANCE = 8; // shoulder widths from the mid-shoulder point; keypoints farther off are failed detections

/** Called before each window, with the share of the frames that are done: what it throws ends the work. */
export type Between = (share: number) => Promise<void>;

/** Keypoints (T, K, D) and which are visible (T, K). */
interface Frames {
  keypoints: Float32Array;
  visible: Uint8Array;
}

/** Throws an Error whose message is for people. */
export async function encode(tokenizer: Tokenizer, clip: PoseSequence, between: Between = async () => {}): Promise<PoseTokens> {
  const { stored, skeleton, mean } = tokenizer;
  const { numKeypoints: K, numDims: D } = skeleton;
  const { keypoints, confidence } = onSkeleton(cleaned(clip), skeleton);
  const visible = Uint8Array.from(confidence, (value, i) =>
    Number(value > 0 && keypoints.subarray(i * D, (i + 1) * D).every(Number.isFinite)));
  const withShoulders = Array.from({ length: clip.frames }, (_, t) => t).filter((t) => stored.shoulders.every((k) => visible[t * K + k]));
  if (!withShoulders.length) throw new Error("both shoulders are seen in no frame");
  const emptyFrames = withShoulders[0];
  const placing = withShoulders.filter((t) => t < emptyFrames + MAX_WAIT).slice(0, PLACEMENT_FRAMES);
  const placement = placementOf(keypoints, placing, stored.shoulders, K, D);

  const codes: Int32Array[] = [];
  let lastVisible = mean;
  let past: Frames = { keypoints: new Float32Array(), visible: new Uint8Array() };
  let previous: Float32Array | undefined;
  const size = WINDOW * stored.blockFrames;
  for (let first = emptyFrames; first < clip.frames; first += size) {
    await between(first / clip.frames);
    const window = windowOf({ keypoints, visible }, first, Math.min(first + size, clip.frames), placement, lastVisible, tokenizer);
    lastVisible = window.keypoints.slice(-K * D);
    const together = {
      keypoints: joined([past.keypoints, window.keypoints]),
      visible: Uint8Array.from([...past.visible, ...window.visible]),
    };
    const pastBlocks = past.visible.length / K / stored.blockFrames;
    const back = Math.min(stored.looksBack * stored.blockFrames, together.visible.length / K);
    past = {
      keypoints: together.keypoints.slice(together.keypoints.length - back * K * D),
      visible: together.visible.slice(together.visible.length - back * K),
    };
    const latents = (await tokenizer.latents(together.keypoints, together.visible)).slice(pastBlocks);
    const found = tokenizer.quantizer.quantize(latents, previous, stored.lmbda, BEAM);
    previous = found.quantized.at(-1);
    codes.push(...found.codes);
  }
  return { model: stored, frames: clip.frames, emptyFrames, fps: exactRate(clip.fps), placement, size: clip.size, codes };
}

/** As many frames as were encoded, in the pixels of the original. */
export async function decode(tokenizer: Tokenizer, tokens: PoseTokens, between: Between = async () => {}): Promise<PoseSequence> {
  const { stored, skeleton } = tokenizer;
  const { numKeypoints: K, numDims: D } = skeleton;
  const { frames, emptyFrames, placement, codes } = tokens;
  const latents = tokenizer.quantizer.dequantize(codes, undefined);
  const depth = codes.map(countOf);
  const keypoints = new Float32Array(frames * K * D);
  const confidence = new Float32Array(frames * K);
  for (let first = 0; first < codes.length; first += WINDOW) {
    await between(first / codes.length);
    const last = Math.min(first + WINDOW, codes.length);
    const [from, to] = [Math.max(0, first - stored.decoderBack), Math.min(codes.length, last + stored.decoderAhead)];
    const window = await tokenizer.frames(latents.slice(from, to), depth.slice(from, to));
    for (let block = first; block < last; block++)
      for (let t = 0; t < stored.blockFrames; t++) {
        const frame = emptyFrames + block * stored.blockFrames + t;
        if (frame >= frames) break;
        const source = ((block - from) * stored.blockFrames + t) * K;
        for (let k = 0; k < K; k++) {
          if (!(window.logits[source + k] > 0)) continue;
          confidence[frame * K + k] = 1;
          for (let d = 0; d < D; d++)
            keypoints[(frame * K + k) * D + d] = window.keypoints[(source + k) * D + d] * placement.scale + placement.center[d];
        }
      }
  }
  return { frames, keypoints, confidence, fps: tokens.fps, skeleton, size: tokens.size };
}

/**
 * Frames from pixels to shoulder widths, each keypoint where it was last visible, the last frame repeated until their
 * number is a multiple of a block's.
 */
function windowOf(
  { keypoints, visible }: Frames, first: number, end: number, { center, scale }: Placement, lastVisible: Float32Array, tokenizer: Tokenizer,
): Frames {
  const { skeleton: { numKeypoints: K, numDims: D }, stored: { blockFrames } } = tokenizer;
  const padded = Math.ceil((end - first) / blockFrames) * blockFrames;
  const window: Frames = { keypoints: new Float32Array(padded * K * D), visible: new Uint8Array(padded * K) };
  let held = lastVisible;
  for (let t = 0; t < padded; t++) {
    const from = Math.min(first + t, end - 1) * K;
    held = held.slice();
    for (let k = 0; k < K; k++) {
      const point = center.map((middle, d) => (keypoints[(from + k) * D + d] - middle) / scale);
      if (!visible[from + k] || !point.every((value) => Math.abs(value) < MAX_DISTANCE)) continue;
      held.set(point, k * D);
      window.visible[t * K + k] = 1;
    }
    window.keypoints.set(held, t * K * D);
  }
  return window;
}

/** Center and width of the shoulders: means over frames that show both. */
function placementOf(keypoints: Float32Array, frames: number[], [left, right]: [number, number], K: number, D: number): Placement {
  const center = new Array<number>(D).fill(0);
  let [width, extent] = [0, 0];
  for (const t of frames) {
    const [a, b] = [left, right].map((k) => keypoints.subarray((t * K + k) * D, (t * K + k + 1) * D));
    a.forEach((value, d) => (center[d] += (value + b[d]) / 2));
    width += Math.hypot(a[0] - b[0], a[1] - b[1]);
    extent = Math.max(extent, ...[a[0], a[1], b[0], b[1]].map(Math.abs));
  }
  if (!(width > 1e-6 * extent)) throw new Error("the shoulders lie on one point");
  return rounded({ center: center.map((sum) => sum / frames.length), scale: width / frames.length });
}
