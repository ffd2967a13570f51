import { afterEach, expect, test, vi } from "vitest";

import { writePose } from "../src/poses/poseFile";
import { Skeleton } from "../src/poses/skeleton";
import { isNotation, Server } from "../src/server";

const skeleton = new Skeleton([{ name: "BODY", point_format: "XYC", points: ["NOSE"], limbs: [], colors: [[0, 0, 0]] }]);
const sequence = { frames: 2, keypoints: Float32Array.of(1, 2, 3, 4), confidence: Float32Array.of(1, 1), fps: 25, skeleton, size: [512, 512, 0] as [number, number, number] };

afterEach(() => vi.unstubAllGlobals());

/** Answers requests with these, one after the other; returns what was asked for. */
function answering(...answers: (Response | Error)[]): [string, RequestInit?][] {
  const asked: [string, RequestInit?][] = [];
  vi.stubGlobal("fetch", async (url: string, request?: RequestInit) => {
    asked.push([url, request]);
    const answer = answers.shift()!;
    if (answer instanceof Error) throw answer;
    return answer;
  });
  return asked;
}

const models = () => Response.json({ limits: { characters: 1000 }, videos: true });

test("notation is told from words", () => {
  const yes = ["\ue002\ue020", "hamfist hamextfingeru", " hamfist,hamextfingeru\n"];
  const no = ["", "hello", "ham", "hamster", "hamlet hello", "ham and eggs"];
  expect(yes.map(isNotation)).toEqual(yes.map(() => true));
  expect(no.map(isNotation)).toEqual(no.map(() => false));
});

test("the server signs, and says what is not as written", async () => {
  const asked = answering(models(), new Response(writePose(sequence), { headers: { Remarks: "a hand misses%3B 100%25" } }));
  const server = (await Server.find("api/"))!;
  expect(server.mostCharacters).toBe(1000);
  const signed = await server.sign(" hamfist hamextfingeru ", 2);
  expect(signed.remarks).toBe("a hand misses; 100%");
  expect([...signed.sequence.keypoints]).toEqual([...sequence.keypoints]);
  expect(asked.map(([url]) => url)).toEqual(["api/models", "api/sign"]);
  expect(JSON.parse(asked[1][1]!.body as string)).toEqual({ text: "hamfist hamextfingeru", speed: 2 });
});

test("what the server refuses is said in its words", async () => {
  answering(models(), Response.json({ error: "'x' is no symbol" }, { status: 422 }), new Response("", { status: 502 }), new TypeError());
  const server = (await Server.find("api/"))!;
  await expect(server.sign("x", 1)).rejects.toThrow("This cannot be signed: 'x' is no symbol.");
  await expect(server.sign("x", 1)).rejects.toThrow("502");
  await expect(server.sign("x", 1)).rejects.toThrow("does not answer");
});

test("the server estimates poses of videos", async () => {
  const refused = Response.json({ error: "video: nobody is visible" }, { status: 422 });
  const asked = answering(models(), new Response(writePose(sequence)), refused);
  const server = (await Server.find("api/"))!;
  expect(server.estimates).toBe(true);
  const video = new Blob(["frames"], { type: "video/mp4" });
  expect([...(await server.estimate(video)).keypoints]).toEqual([...sequence.keypoints]);
  expect(asked[1]).toEqual(["api/estimate", { method: "POST", headers: {}, body: video }]);
  await expect(server.estimate(video)).rejects.toThrow("video: nobody is visible");
});

test("a page without a server goes on without one", async () => {
  answering(new TypeError(), new Response("<html>"), Response.json({}));
  expect([await Server.find("a/"), await Server.find("a/"), await Server.find("a/")]).toEqual([undefined, undefined, undefined]);
});
