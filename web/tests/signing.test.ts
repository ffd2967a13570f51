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

test.each(readJson<Case[]>("signed.json").map((each) => [`${each.letters.join("")} in ${each.language}`, each] as const))(
  "%s is signed as by Python", async (_, each) => {
    const start = each.start ? startFrameOf(readPose(bytes(each.start).buffer), description) : undefined;
    const { steps, guidance, frames } = each;
    const signed = await signText(network, each.letters, each.language, { steps, guidance, frames: frames ?? undefined, start });
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

test("what nobody waits for any more ends between two steps", async () => {
  let calls = 0;
  const stop = async () => {
    if (++calls === 3) throw new Error("stopped");
  };
  await expect(signText(network, ["H", "E"], "ase", { steps: 8, guidance: 1 }, stop)).rejects.toThrow("stopped");
  expect(calls).toBe(3);
});
