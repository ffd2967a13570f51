/** The server of `text-to-pose app`, where the page comes from one: for HamNoSys and videos, for which the page has no code. */

import { readPose } from "./poses/poseFile";
import type { PoseSequence } from "./poses/sequence";

export interface SignedNotation {
  sequence: PoseSequence;
  /** What is not as it was written, or "". */
  remarks: string;
}

/** Whether a text is HamNoSys, in Unicode or as names of several symbols (`hamfist hamextfingeru`). */
export function isNotation(text: string): boolean {
  return /[\ue000-\uf8ff]/.test(text) || /^\s*ham\w+(?:[\s,]+ham\w+)+\s*$/.test(text);
}

export class Server {
  private constructor(
    private readonly address: string,
    /** Longest text, in characters. */
    readonly mostCharacters: number,
    /** Whether it estimates poses of videos. */
    readonly estimates: boolean,
  ) {}

  /** The server at an address, relative to the page; undefined where none answers. */
  static async find(address: string): Promise<Server | undefined> {
    try {
      const { limits, videos } = await (await fetch(`${address}models`)).json();
      return new Server(address, limits.characters, Boolean(videos));
    } catch {
      return undefined;
    }
  }

  /** Signs HamNoSys by its rules, `speed` times as fast as usual. Throws an Error whose message is for people. */
  async sign(text: string, speed: number): Promise<SignedNotation> {
    const body = JSON.stringify({ text: text.trim(), speed });
    const headers = { "Content-Type": "application/json" };
    const response = await this.post("sign", body, headers).catch((error: Error) => {
      throw new Error(`This cannot be signed: ${error.message}.`);
    });
    const remarks = decodeURIComponent(response.headers.get("Remarks") ?? "");
    return { sequence: readPose(await response.arrayBuffer()), remarks };
  }

  /** The poses of a video. Throws an Error whose message is for people. */
  async estimate(video: Blob): Promise<PoseSequence> {
    return readPose(await (await this.post("estimate", video)).arrayBuffer());
  }

  /** The answer, if it is one; throws an Error with the server's reason otherwise. */
  private async post(path: string, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
    const request = { method: "POST", headers, body };
    const response = await fetch(`${this.address}${path}`, request).catch(() => {
      throw new Error("the server does not answer any more");
    });
    if (response.ok) return response;
    const { error } = await response.json().catch(() => ({ error: `the server says ${response.status}` }));
    throw new Error(error);
  }
}
