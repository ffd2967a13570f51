import { beforeAll, expect, test } from "vitest";

import { readPose } from "../src/poses/poseFile";
import { countOf } from "../src/tokens/codes";
import { decode, encode } from "../src/tokens/codec";
import { bitsOf, exactRate, writeTokens } from "../src/tokens/tokenFile";
import { Tokenizer } from "../src/tokens/tokenizer";
import { bytes, floats, largestDifference, readFile, readJson, useRuntime } from "./vectors";

interface Case {
  name: string;
  pose: string;
  tokens: string;
  bits: number;
  counts: number[];
  fps: number;
  keypoints: string;
  confidence: string;
}

const PIXELS = 0.05; // of 120 and more that a shoulder is wide
const cases = readJson<Case[]>("encoded.json");

let tokenizer: Tokenizer;
beforeAll(async () => {
  useRuntime();
  tokenizer = await Tokenizer.load(readFile);
});

test.each(cases.map((each) => [each.name, each] as const))("%s is encoded and decoded as by Python", async (_, each) => {
  const clip = readPose(bytes(each.pose).buffer);
  const tokens = await encode(tokenizer, clip);
  expect(tokens.codes.map(countOf)).toEqual(each.counts);
  expect(bitsOf(tokens)).toBe(each.bits);
  expect(writeTokens(tokens)).toEqual(bytes(each.tokens));
  const decoded = await decode(tokenizer, tokens);
  expect([decoded.frames, decoded.fps, decoded.size]).toEqual([clip.frames, each.fps, clip.size]);
  expect(decoded.confidence).toEqual(floats(each.confidence));
  expect(largestDifference(decoded.keypoints, floats(each.keypoints))).toBeLessThan(PIXELS);
});

test("clips that show no shoulders are refused", async () => {
  const clip = readPose(bytes(cases[0].pose).buffer);
  await expect(encode(tokenizer, { ...clip, confidence: clip.confidence.map(() => 0) })).rejects.toThrow("both shoulders");
});

test("what nobody waits for any more ends between two windows", async () => {
  const clip = readPose(bytes(cases[1].pose).buffer);
  const shares: number[] = [];
  const stop = async (share: number) => {
    shares.push(share);
    if (share > 0) throw new Error("stopped");
  };
  await expect(encode(tokenizer, clip, stop)).rejects.toThrow("stopped");
  expect(shares).toEqual([0, 64 / 75]);
});

test.each([[25, 25], [Math.fround(29.97), 29.97], [Math.fround(30000 / 1001), 30000 / 1001], [1e-9, 1e-9]])(
  "a rate of %d stands for %d", (stored, rate) => expect(exactRate(stored)).toBe(rate));
