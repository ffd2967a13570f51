/** Signs texts beside the page, so that it never stops. Of several wishes only the last is fulfilled. */

import { Description, type StoredModel } from "./model/description";
import { Network, type ReadFile } from "./model/network";
import { framesAt, signText, type Caption } from "./signing/text";
import type { StartFrame } from "./signing/startFrame";
import type { PoseSequence } from "./poses/sequence";
import { Skeleton } from "./poses/skeleton";

/** What the page wants signed; skeletons travel as their components. */
export interface Wish {
  id: number;
  letters: string[];
  language: string;
  speed: number;
  steps: number;
  guidance: number;
  start?: StartFrame;
}

export type Answer =
  | { kind: "described"; stored: StoredModel }
  | { kind: "ready" }
  | { kind: "letter"; id: number; letter: number; letters: number }
  | { kind: "signed"; id: number; sequence: PoseSequence; captions: Caption[]; milliseconds: number }
  | { kind: "failed"; id?: number; message: string };

class Outdated extends Error {}

const read: ReadFile = async (name) => {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name} is missing on the server.`);
  return new Uint8Array(await response.arrayBuffer());
};

let latest = -1;
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

addEventListener("message", async ({ data: wish }: MessageEvent<Wish>) => {
  latest = wish.id;
  try {
    await sign(wish, await network);
  } catch (error) {
    if (!(error instanceof Outdated)) answer({ kind: "failed", id: wish.id, message: (error as Error).message });
  }
});

async function sign(wish: Wish, network: Network): Promise<void> {
  const { id, letters, language, speed, steps, guidance, start } = wish;
  const stillWanted = async () => {
    await new Promise((resolve) => setTimeout(resolve)); // a new wish may wait
    if (latest !== id) throw new Outdated();
  };
  await stillWanted();
  const began = performance.now();
  if (start) start.frame.skeleton = new Skeleton(start.frame.skeleton.components); // it arrives without its methods
  const frames = speed === 1 ? undefined : await framesAt(speed, network, letters, language);
  const { sequence, captions } = await signText(network, letters, language, { steps, guidance, frames, start }, async (letter, letters) => {
    await stillWanted();
    answer({ kind: "letter", id, letter, letters });
  });
  if (!sequence.keypoints.every(Number.isFinite)) throw new Error("What was made is not finite; a weaker guidance helps.");
  answer({ kind: "signed", id, sequence, captions, milliseconds: performance.now() - began });
}

function answer(message: Answer): void {
  postMessage(message);
}
