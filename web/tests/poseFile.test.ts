import { expect, test } from "vitest";

import { readPose, writePose } from "../src/poses/poseFile";
import { bytes, readJson } from "./vectors";

const file = bytes(readJson<{ start: string | null }[]>("signed.json").find(({ start }) => start)!.start!);

test("a file is written as pose-core has written it", () => {
  const clip = readPose(file.buffer);
  expect(clip.skeleton.names[0]).toBe("POSE_LANDMARKS/LEFT_SHOULDER");
  expect(writePose(clip)).toEqual(file);
});

test.each([["nothing", 0], ["half", file.length / 2], ["all but its end", file.length - 4]])("%s of a file is refused", (_, length) => {
  expect(() => readPose(file.slice(0, length).buffer)).toThrow(/no whole .pose file/);
});

test("other files are refused", () => {
  expect(() => readPose(new TextEncoder().encode("path,text\nhello.pose,hello\n").buffer as ArrayBuffer)).toThrow(/no .pose file/);
});

test("of several people the one is read who is visible most often", () => {
  const clip = readPose(file.buffer);
  const { frames, skeleton: { numKeypoints: K, numDims: D } } = clip;
  const body = 4 * frames * K * (D + 1);
  const header = file.slice(0, file.length - body);
  header[header.length - 2] = 2; // people
  const two = new Uint8Array(header.length + 2 * body);
  two.set(header);
  const view = new DataView(two.buffer, header.length);
  for (let t = 0; t < frames; t++)
    for (let i = 0; i < K * D; i++) view.setFloat32(4 * ((2 * t + 1) * K * D + i), clip.keypoints[t * K * D + i], true);
  for (let t = 0; t < frames; t++)
    for (let k = 0; k < K; k++) view.setFloat32(4 * (2 * frames * K * D + (2 * t + 1) * K + k), clip.confidence[t * K + k], true);
  expect(readPose(two.buffer).keypoints).toEqual(clip.keypoints);
});
