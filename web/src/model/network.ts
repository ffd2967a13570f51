/** The exported graphs in onnxruntime's WebAssembly, on one thread. */

import * as ort from "onnxruntime-web/wasm";

import type { Description } from "./description";
import { interleaved, unzipped } from "./files";
import type { LengthDistribution } from "./lengths";
import type { Predict } from "./sampler";

/** Reads a file of the page by its name. */
export type ReadFile = (name: string) => Promise<Uint8Array<ArrayBuffer>>;

/** What the text encoder says of one sign. */
export interface Condition {
  length: LengthDistribution;
  /** (K, D) features of the start frame, complete. */
  start: Float32Array;
  /** (K,) which keypoints of it were given rather than predicted. */
  startSeen: boolean[];
  /** Inputs of the denoiser. */
  inputs: Record<string, ort.Tensor>;
}

const WEIGHTS = "model.safetensors"; // as the graphs call the file that theirs are in
const DENOISER_INPUTS = ["text", "text_mask", "summary", "start", "start_seen"];

export class Network {
  private constructor(
    readonly description: Description,
    private readonly text: ort.InferenceSession,
    private readonly denoiser: ort.InferenceSession,
  ) {}

  static async load(description: Description, read: ReadFile): Promise<Network> {
    await loadRuntime(read);
    const weights = interleaved(await unzipped(await read("model/weights.bin")));
    const session = async (name: string) =>
      ort.InferenceSession.create(await read(`model/${name}`), {
        executionProviders: ["wasm"],
        externalData: [{ path: WEIGHTS, data: weights }],
      });
    return new Network(description, await session("text.onnx"), await session("denoiser.onnx"));
  }

  /** Encodes one sign. `letter` null is no text: the other side of guidance. */
  async encode(language: string, letter: string | null, keypoints: Float32Array, confidence: Float32Array): Promise<Condition> {
    const { stored, skeleton } = this.description;
    const nothing = { ids: [stored.nothing], letter: stored.none };
    const { ids, letter: index } = letter === null ? nothing : stored.tokens[language][letter];
    const { numKeypoints: K, numDims: D } = skeleton;
    const outputs = await this.text.run({
      ids: integers(ids, [1, ids.length]),
      languages: integers([letter === null ? stored.none : this.description.languageIndex(language)], [1]),
      letters: integers([index], [1]),
      start_keypoints: new ort.Tensor("float32", keypoints, [1, K, D]),
      start_confidence: new ort.Tensor("float32", confidence, [1, K]),
    });
    return {
      length: { mean: Number(outputs.length_mean.data[0]), logStd: Number(outputs.length_log_std.data[0]) },
      start: outputs.start.data as Float32Array,
      startSeen: Array.from(outputs.start_seen.data as Uint8Array, Boolean),
      inputs: Object.fromEntries(DENOISER_INPUTS.map((name) => [name, outputs[name]])),
    };
  }

  /** The denoiser under a condition, for a sequence of so many frames, with classifier-free guidance. */
  async predictor(condition: Condition, frames: number, guidance: number): Promise<Predict> {
    const { stored, skeleton } = this.description;
    const { numKeypoints: K, numDims: D } = skeleton;
    const bare = guidance === 1 ? undefined : await this.withoutText(condition);
    const padded = Math.ceil(frames / stored.group) * stored.group;
    const mask = Uint8Array.from({ length: padded }, (_, t) => (t < frames ? 1 : 0));
    return async (current, level) => {
      const whole = new Float32Array(padded * K * D);
      whole.set(current);
      const run = async (inputs: Record<string, ort.Tensor>) => {
        const outputs = await this.denoiser.run({
          ...inputs,
          current: new ort.Tensor("float32", whole, [1, padded, K, D]),
          mask: new ort.Tensor("bool", mask, [1, padded]),
          level: new ort.Tensor("float32", [level], [1]),
          noisy: new ort.Tensor("float32", [0], [1]),
        });
        return {
          features: (outputs.features.data as Float32Array).slice(0, frames * K * D),
          presence: (outputs.presence.data as Float32Array).slice(0, frames * K),
        };
      };
      const text = await run(condition.inputs);
      if (!bare) return text;
      const none = await run(bare);
      const guided = (value: number, other: number) => other + guidance * (value - other);
      return {
        features: text.features.map((value, i) => guided(value, none.features[i])),
        presence: text.presence.map((value, i) => guided(value, none.presence[i])),
      };
    };
  }

  /** The denoiser's inputs for no text, and the same start frame. */
  private async withoutText(condition: Condition): Promise<Record<string, ort.Tensor>> {
    const { stored } = this.description;
    const bare = await this.encode("", null, Float32Array.from(stored.startKeypoints[0]), Float32Array.from(stored.startConfidence[0]));
    const { text, text_mask, summary } = bare.inputs;
    return { ...condition.inputs, text, text_mask, summary };
  }
}

/** Once for all graphs. */
export async function loadRuntime(read: ReadFile): Promise<void> {
  ort.env.wasm.numThreads = 1; // threads need headers that a static host does not send
  ort.env.wasm.wasmBinary ??= (await unzipped(await read("runtime.bin"))).buffer;
}

export function integers(values: number[], dims: number[]): ort.Tensor {
  return new ort.Tensor("int64", BigInt64Array.from(values, BigInt), dims);
}
