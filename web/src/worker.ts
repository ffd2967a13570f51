/** Signs and encodes beside the page, so that it never stops. Of several wishes of a kind only the last is fulfilled. */

import { Description, type StoredModel } from "./model/description";
import { Network, type ReadFile } from "./model/network";
import { framesAt, signText, type Caption } from "./signing/text";
import type { StartFrame } from "./signing/startFrame";
import type { PoseSequence } from "./poses/sequence";
import { Skeleton } from "./poses/skeleton";
import { writePose } from "./poses/poseFile";
import { countOf } from "./tokens/codes";
import { decode, encode } from "./tokens/codec";
import { bitsOf, writeTokens } from "./tokens/tokenFile";
import { Tokenizer } from "./tokens/tokenizer";

/** What the page wants signed; skeletons travel as their components. */
export interface Wish {
  id: number;
  letters: string[];
  language: string;
  /** Words are joined fluently, or letter follows letter in citation form. */
  fluent: boolean;
  /** Times as fast as usual. */
  speed: number;
  steps: number;
  guidance: number;
  start?: StartFrame;
}

/** A clip that the page wants as tokens; none: those that it wanted are not wanted any more. */
export interface EncodingWish {
  encoding: number;
  clip?: PoseSequence;
}

/** A clip as tokens. */
export interface Encoded {
  file: Uint8Array<ArrayBuffer>;
  decoded: PoseSequence;
  /** Codes of all blocks, and how many bits they take. */
  codes: number;
  bits: number;
  /** Bytes of the clip as a `.pose` file. */
  before: number;
}

export type Answer =
  | { kind: "described"; stored: StoredModel }
  | { kind: "ready" }
  | { kind: "letter"; id: number; letter: number; letters: number }
  | { kind: "signed"; id: number; sequence: PoseSequence; captions: Caption[]; milliseconds: number }
  | { kind: "failed"; id?: number; message: string }
  | { kind: "encoding"; encoding: number; share: number }
  | { kind: "encoded"; encoding: number; encoded: Encoded }
  | { kind: "not encoded"; encoding: number; message: string };

const LETTERS_PER_SECOND = 4; // of fluent words, usually

class Outdated extends Error {}

/** Clips of letters, for the next text with the same settings. */
let kept = { settings: "", clips: new Map<string, PoseSequence>() };

const read: ReadFile = async (name) => {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name} is missing on the server.`);
  return new Uint8Array(await response.arrayBuffer());
};

let latest = -1;
let latestEncoding = -1;
let tokenizer: Promise<Tokenizer> | undefined; // loaded when it is first asked for
const network = load();

async function load(): Promise<Network> {
  const stored: StoredModel = JSON.parse(new TextDecoder().decode(await read("model/model.json")));
  const description = new Description(stored);
  answer({ kind: "described", stored });
  const loaded = await Network.load(description, read);
  answer({ kind: "ready" });
  return loaded;
}

network.catch((error: Error) => answer({ kind: "failed", message: error.message }));

addEventListener("message", async ({ data: wish }: MessageEvent<Wish | EncodingWish>) => {
  if ("encoding" in wish) return void toTokens(wish);
  latest = wish.id;
  try {
    await sign(wish, await network);
  } catch (error) {
    if (!(error instanceof Outdated)) answer({ kind: "failed", id: wish.id, message: (error as Error).message });
  }
});

async function sign(wish: Wish, network: Network): Promise<void> {
  const { id, letters, language, fluent, speed, steps, guidance, start } = wish;
  const stillWanted = async () => {
    await new Promise((resolve) => setTimeout(resolve)); // a new wish may wait
    if (latest !== id) throw new Outdated();
  };
  await stillWanted();
  const began = performance.now();
  if (start) start.frame.skeleton = new Skeleton(start.frame.skeleton.components); // it arrives without its methods
  const settings = JSON.stringify([language, steps, guidance]);
  if (kept.settings !== settings) kept = { settings, clips: new Map() };
  const several = letters.length > 1;
  const frames = (fluent && several) || speed === 1 ? undefined : await framesAt(speed, network, letters, language);
  const lettersPerSecond = fluent ? LETTERS_PER_SECOND * speed : undefined;
  const options = { steps, guidance, lettersPerSecond, frames, start, clips: kept.clips };
  const { sequence, captions } = await signText(network, letters, language, options, async (letter, letters) => {
    await stillWanted();
    answer({ kind: "letter", id, letter, letters });
  });
  if (!sequence.keypoints.every(Number.isFinite)) throw new Error("What was made is not finite; a weaker guidance helps.");
  answer({ kind: "signed", id, sequence, captions, milliseconds: performance.now() - began });
}

async function toTokens({ encoding, clip }: EncodingWish): Promise<void> {
  latestEncoding = encoding;
  if (!clip) return;
  try {
    tokenizer ??= Tokenizer.load(read);
    tokenizer.catch(() => (tokenizer = undefined)); // the next one tries again
    const loaded = await tokenizer;
    clip.skeleton = new Skeleton(clip.skeleton.components); // it arrives without its methods
    const between = async (share: number) => {
      await new Promise((resolve) => setTimeout(resolve)); // a new wish may wait
      if (latestEncoding !== encoding) throw new Outdated();
      answer({ kind: "encoding", encoding, share });
    };
    const tokens = await encode(loaded, clip, between);
    const decoded = await decode(loaded, tokens, between);
    const codes = tokens.codes.reduce((sum, block) => sum + countOf(block), 0);
    const encoded = { file: writeTokens(tokens), decoded, codes, bits: bitsOf(tokens), before: writePose(clip).length };
    answer({ kind: "encoded", encoding, encoded });
  } catch (error) {
    if (!(error instanceof Outdated)) answer({ kind: "not encoded", encoding, message: (error as Error).message });
  }
}

function answer(message: Answer): void {
  postMessage(message);
}
