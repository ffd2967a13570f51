/** A tokenizer by its ONNX graphs, as `pose_tokenizer.onnx_network`. */

import * as ort from "onnxruntime-web/wasm";

import { interleaved, unzipped } from "../model/files";
import { integers, loadRuntime, type ReadFile } from "../model/network";
import { joined } from "../poses/sequence";
import { Skeleton, type Component } from "../poses/skeleton";
import { Quantizer, type QuantizerWeights } from "./quantizer";
import type { TokenModel } from "./tokenFile";

const WEIGHTS = "model.safetensors"; // as the graphs call the file that theirs are in
export const FORMAT = 1;

/** `tokenizer.json`, written by `text_to_pose.web.tokenizer_files`. */
export interface StoredTokenizer extends TokenModel {
  format: number;
  lmbda: number;
  /** Blocks that the encoder looks back at, and the decoder, and those that it looks ahead. */
  looksBack: number;
  decoderBack: number;
  decoderAhead: number;
  skeleton: { components: Component[] };
  shoulders: [number, number];
  /** Where weights begin in `model.safetensors`, in bytes; they are floats of 32 bits. */
  weightsStart: number;
  /** Of tensors among them: first number, and how many. */
  tensors: Record<"mean" | keyof QuantizerWeights, [number, number]>;
}

export class Tokenizer {
  readonly skeleton: Skeleton;

  private constructor(
    readonly stored: StoredTokenizer,
    /** (K, D) mean pose in shoulder widths. */
    readonly mean: Float32Array,
    readonly quantizer: Quantizer,
    private readonly latentsGraph: ort.InferenceSession,
    private readonly framesGraph: ort.InferenceSession,
  ) {
    this.skeleton = new Skeleton(stored.skeleton.components);
  }

  static async load(read: ReadFile): Promise<Tokenizer> {
    const stored: StoredTokenizer = JSON.parse(new TextDecoder().decode(await read("tokenizer/tokenizer.json")));
    if (stored.format !== FORMAT) throw new Error("The page and its tokenizer are of different versions; write the folder again.");
    await loadRuntime(read);
    const weights = floats(interleaved(await unzipped(await read("tokenizer/weights.bin"))));
    const file = new Uint8Array(stored.weightsStart + weights.byteLength);
    file.set(new Uint8Array(weights.buffer), stored.weightsStart);
    const session = async (name: string) =>
      ort.InferenceSession.create(await read(`tokenizer/${name}`), {
        executionProviders: ["wasm"],
        externalData: [{ path: WEIGHTS, data: file }],
      });
    const tensor = (name: keyof StoredTokenizer["tensors"]) => {
      const [start, length] = stored.tensors[name];
      return weights.subarray(start, start + length);
    };
    const parts = { codebooks: tensor("codebooks"), weight: tensor("weight"), bias: tensor("bias"), start: tensor("start") };
    const quantizer = new Quantizer(parts, stored.numQuantizers, stored.codebookSize);
    return new Tokenizer(stored, tensor("mean"), quantizer, await session("latents.onnx"), await session("frames.onnx"));
  }

  /** Frames (T, K, D) in shoulder widths, missing keypoints filled, and which are visible (T, K), to latents of blocks. */
  async latents(keypoints: Float32Array, visible: Uint8Array): Promise<Float32Array[]> {
    const { numKeypoints: K, numDims: D } = this.skeleton;
    const T = visible.length / K;
    const { latents } = await this.latentsGraph.run({
      keypoints: new ort.Tensor("float32", keypoints, [1, T, K, D]),
      visible: new ort.Tensor("bool", visible, [1, T, K]),
    });
    return rows(latents.data as Float32Array, latents.dims[2]);
  }

  /** Quantized latents of blocks and how many codes each has, to keypoints (T, K, D) and logits (T, K). */
  async frames(latents: Float32Array[], depth: number[]): Promise<{ keypoints: Float32Array; logits: Float32Array }> {
    const [N, C] = [latents.length, latents[0].length];
    const { frames, logits } = await this.framesGraph.run({
      latents: new ort.Tensor("float32", joined(latents), [1, N, C]),
      depth: integers(depth, [1, N]),
    });
    return { keypoints: frames.data as Float32Array, logits: logits.data as Float32Array };
  }
}

function rows(values: Float32Array, width: number): Float32Array[] {
  return Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width));
}

/** Floats of 16 bits in 32. */
function floats(halves: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  return Float32Array.from(new Uint16Array(halves.buffer), (half) => {
    const [sign, exponent, fraction] = [half >> 15 ? -1 : 1, (half >> 10) & 31, half & 1023];
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  });
}
