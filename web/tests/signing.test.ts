import { beforeAll, expect, test } from "vitest";

import type { Network } from "../src/model/network";
import { readPose } from "../src/poses/poseFile";
import { startFrameOf } from "../src/signing/startFrame";
import { framesAt, signText } from "../src/signing/text";
import { bytes, description, floats, largestDifference, loadNetwork, readJson } from "./vectors";

interface Case {
  letters: string[];
  language: string;
  steps: number;
  guidance: number;
  frames: number | null;
  rate: number | null;
  start: string | null;
  captions: [string, number, number][];
  keypoints: string;
  confidence: string;
}

const PIXELS = 0.05; // of 128 that a shoulder is wide: 4e-4 shoulder widths

let network: Network;
beforeAll(async () => {
  network = await loadNetwork();
});

test.each(readJson<Case[]>("signed.json").map((each) => [`${each.letters.join("")} in ${each.language}${each.rate ? ", fluently," : ""}`, each] as const))(
  "%s is signed as by Python", async (_, each) => {
    const start = each.start ? startFrameOf(readPose(bytes(each.start).buffer), description) : undefined;
    const { steps, guidance, frames, rate } = each;
    const options = { steps, guidance, frames: frames ?? undefined, lettersPerSecond: rate ?? undefined, start };
    const signed = await signText(network, each.letters, each.language, options);
    expect(signed.captions.map(({ text, start, end }) => [text, start, end])).toEqual(each.captions);
    expect(signed.sequence.confidence).toEqual(floats(each.confidence));
    const expected = floats(each.keypoints);
    expect(signed.sequence.keypoints.length).toBe(expected.length);
    expect(largestDifference(signed.sequence.keypoints, expected)).toBeLessThan(PIXELS);
  });

test("twice as fast is half as long", async () => {
  const letters = ["H", "E", " ", "L", "O"];
  const natural = await framesAt(1, network, letters, "ase");
  const frames = await framesAt(2, network, letters, "ase");
  expect(Math.abs(frames - natural / 2)).toBeLessThanOrEqual(0.5);
  const signed = await signText(network, letters, "ase", { steps: 1, guidance: 1, frames });
  expect(signed.sequence.frames).toBe(frames);
  expect(await framesAt(1000, network, ["H"], "ase")).toBe(description.stored.shortest);
});

test("letters of fluent words are made once", async () => {
  const clips = new Map();
  const made: number[] = [];
  const options = { steps: 1, guidance: 1, lettersPerSecond: 4, clips };
  const first = await signText(network, ["H", "E", "L", "L", "O"], "ase", options, async (letter) => void made.push(letter));
  expect([made, [...clips.keys()]]).toEqual([[0, 1, 2, 3], ["H", "E", "L", "O"]]);
  const second = await signText(network, ["H", "E", "L", "L", "O"], "ase", options, async () => expect.fail());
  expect(second.sequence.keypoints).toEqual(first.sequence.keypoints);
});

test("what nobody waits for any more ends between two steps", async () => {
  let calls = 0;
  const stop = async () => {
    if (++calls === 3) throw new Error("stopped");
  };
  await expect(signText(network, ["H", "E"], "ase", { steps: 8, guidance: 1 }, stop)).rejects.toThrow("stopped");
  expect(calls).toBe(3);
});
