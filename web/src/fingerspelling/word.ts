/** Letters joined to fluent words, as `text_to_pose.fingerspelling.spelling`. */

import { roundHalfEven } from "../model/lengths";
import { limitHands } from "../motion/limits";
import { SIDES, type Side } from "../motion/body";
import { slice, zeroMissing, type PoseSequence } from "../poses/sequence";
import type { Caption } from "../signing/text";
import { WORD_SPACE } from "../text/spelling";
import { findStroke } from "./stroke";
import { Timeline } from "./timeline";
import { Transition, withSizes, type Limits } from "./transition";

// Shares of a letter's time that the first and the last letter of a word are held longer.
const FIRST = 0.3;
const LAST = 0.8;
const MOVEMENT = 1.5; // a moving letter's share of the time of one that stands still
const HASTE = 1.6; // how much faster than in its clip a moving letter may be signed
const SLIDE = 0.15; // shoulder widths, to the side of the hand, of the second of two letters that are the same
const FARTHEST_SLIDE = 0.4; // of all of a word: the next one goes back
const PAUSE = 0.25; // seconds between words

/** The stroke of a letter: one frame, or those of its movement. */
interface Letter {
  frames: Float64Array[];
  visible: boolean[];
}

/** @param clips of each letter, all from one start frame, with the dominant hand visible */
export function spellFluently(
  letters: string[], clips: Map<string, PoseSequence>, lettersPerSecond: number, hand: Side, limits: Limits,
): { sequence: PoseSequence; captions: Caption[] } {
  const strokes = new Map([...clips].map(([letter, clip]) => [letter, strokeOf(clip, hand, limits)]));
  const words: string[][] = [[]];
  for (const letter of letters) {
    if (letter === WORD_SPACE) words.push([]);
    else words.at(-1)!.push(letter);
  }
  const spelled = words.filter((word) => word.length);
  const line = new Line(slice(clips.get(spelled[0][0])!, 0, 1), strokes.get(spelled[0][0])!, lettersPerSecond, hand, limits);
  spelled.forEach((word, i) => line.spell(word.map((text) => ({ text, letter: strokes.get(text)! })), i === spelled.length - 1));
  line.retract();
  return line.finished();
}

function strokeOf(clip: PoseSequence, hand: Side, { body, skeleton: { numKeypoints: K, numDims: D } }: Limits): Letter {
  const { first, last } = findStroke(clip, hand, body);
  const frames = [];
  const seen = new Array<number>(K).fill(0);
  for (let t = first; t <= last; t++) {
    frames.push(Float64Array.from(clip.keypoints.subarray(t * K * D, (t + 1) * K * D)));
    for (let k = 0; k < K; k++) seen[k] += Number(clip.confidence[t * K + k] > 0);
  }
  return { frames, visible: seen.map((count) => count / frames.length > 0.5) };
}

/** A text while letters are put on its time line. */
class Line {
  private readonly cycle: number;
  private readonly rest: Letter;
  private readonly timeline: Timeline;
  /** Letters, and when each begins and ends to be held. */
  private readonly spelled: { text: string; begin: number; end: number }[] = [];
  /** Seconds of the transitions to them. */
  private readonly ways: number[] = [];
  /** Numbers of the letters that begin a word. */
  private readonly breaks = new Set<number>();
  private readonly shift: Float64Array;

  constructor(private readonly start: PoseSequence, first: Letter, lettersPerSecond: number, hand: Side, private readonly limits: Limits) {
    const { body, skeleton } = limits;
    this.cycle = 1 / lettersPerSecond;
    const visible = Array.from(start.confidence, (confidence) => confidence > 0);
    // Its hand may be a mean of many, smaller than any: it is made as large as the first letter's.
    const frame = withSizes(Float64Array.from(start.keypoints), first.frames[0], limits);
    this.rest = { frames: [frame], visible };
    this.timeline = new Timeline(frame, visible);
    this.shift = new Float64Array(frame.length);
    const aside = SLIDE * (hand === "right" ? -1 : 1); // the right hand is on the left
    const D = skeleton.numDims;
    const [wrist, elbow] = [body.wrists[hand], body.elbows[hand]];
    for (const k of body.hands[hand]) this.shift[k * D] = aside;
    if (wrist !== null) this.shift[wrist * D] = aside;
    if (elbow !== null) this.shift[elbow * D] = aside / 2;
    this.travel(first);
  }

  /** The letters of a word, and the pause after it. */
  spell(word: { text: string; letter: Letter }[], isLast: boolean): void {
    let slides = 0;
    this.breaks.add(this.spelled.length);
    word.forEach(({ text, letter }, number) => {
      if (number && text === word[number - 1].text && letter.frames.length === 1)
        slides += (slides + 1) * SLIDE <= FARTHEST_SLIDE ? 1 : -1;
      const moved = { ...letter, frames: letter.frames.map((frame) => frame.map((value, i) => value + slides * this.shift[i])) };
      if (this.spelled.length) this.transition(moved);
      else this.ways.push(this.cycle / 2);
      const begin = this.timeline.seconds;
      const longer = FIRST * Number(number === 0) + LAST * Number(number === word.length - 1);
      this.sign(moved, Math.max(this.cycle - this.ways.at(-1)!, this.leastHold) + longer * this.cycle);
      this.spelled.push({ text, begin, end: this.timeline.seconds });
    });
    if (!isLast) this.timeline.hold(PAUSE);
  }

  /** The hand goes back to where it began. */
  retract(): void {
    this.travel(this.rest);
  }

  /** The text at the frame rate of its limits. */
  finished(): { sequence: PoseSequence; captions: Caption[] } {
    const { fps, skeleton, body } = this.limits;
    const { numKeypoints: K, numDims: D } = skeleton;
    const frames = roundHalfEven(this.timeline.seconds * fps) + 1;
    const rate = (frames - 1) / this.timeline.seconds; // frames per second of the time line
    const keypoints = new Float32Array(frames * K * D);
    const confidence = new Float32Array(frames * K);
    for (let t = 0; t < frames; t++) {
      const at = this.timeline.at(t / rate);
      keypoints.set(at.keypoints, t * K * D);
      confidence.set(at.visible.map(Number), t * K);
    }
    const sequence = { ...this.start, frames, keypoints, confidence, fps };
    return { sequence: zeroMissing(limitHands(sequence, body)), captions: this.captions(rate, frames) };
  }

  private transition(letter: Letter): void {
    const way = this.way(letter);
    const least = way.shortest();
    const seconds = Math.max(least, least + Math.max(0, this.cycle - least - this.leastHold) / 2);
    this.go(letter, seconds, way);
    this.ways.push(seconds);
  }

  private get leastHold(): number {
    return 1 / this.limits.fps; // so that some frame shows it
  }

  private sign(letter: Letter, hold: number): void {
    if (letter.frames.length > 1) {
      const clip = letter.frames.length / this.limits.fps;
      const haste = Math.min(Math.max(clip / (MOVEMENT * this.cycle), 1), HASTE);
      this.timeline.play(letter.frames, clip / haste);
      hold = Math.max(this.leastHold, hold - clip / haste);
    }
    this.timeline.hold(hold);
  }

  /** A way as long as the hand's are between signs: up to the first letter, and down from the last. */
  private travel(letter: Letter): void {
    const way = this.way(letter);
    this.go(letter, 0.22 + 0.24 * Math.sqrt(way.distance()), way);
  }

  private go(letter: Letter, seconds: number, way: Transition): void {
    this.timeline.go((share) => way.at(share), Math.max(seconds, way.shortest()), letter.frames[0], letter.visible);
  }

  /** From the frame that the line is at to the letter's first; what one of them lacks is as in the other. */
  private way(letter: Letter): Transition {
    const { body, skeleton: { numDims: D } } = this.limits;
    const { visible } = this.timeline;
    const [at, to] = [this.timeline.keypoints.slice(), letter.frames[0].slice()];
    visible.forEach((seen, k) => {
      if (!seen && !letter.visible[k]) to.set(at.subarray(k * D, (k + 1) * D), k * D);
    });
    for (const [frame, seen, other, seenThere] of [[at, visible, to, letter.visible], [to, letter.visible, at, visible]] as const) {
      const missing = seen.map((here, k) => !here && seenThere[k]);
      missing.forEach((is, k) => is && frame.set(other.subarray(k * D, (k + 1) * D), k * D));
      for (const side of SIDES) {
        const [hand, wrist] = [body.hands[side], body.wrists[side]];
        if (!hand.length || wrist === null || !missing[hand[0]] || !seen[wrist] || !seenThere[wrist]) continue;
        for (const k of hand) for (let d = 0; d < D; d++) frame[k * D + d] += frame[wrist * D + d] - other[wrist * D + d];
      }
    }
    return new Transition(at, to, this.limits);
  }

  /** For each letter the first frame of its hold and the one after the last. */
  private holds(rate: number, total: number): [number, number][] {
    return this.spelled.map(({ begin, end }) => {
      const first = Math.min(Math.ceil(begin * rate - 1e-6), total - 1);
      return [first, Math.max(first, Math.floor(end * rate + 1e-6)) + 1];
    });
  }

  private captions(rate: number, total: number): Caption[] {
    const captions: Caption[] = [];
    const holds = this.holds(rate, total);
    this.spelled.forEach(({ text, begin, end }, number) => {
      const endsWord = number + 1 === this.spelled.length || this.breaks.has(number + 1);
      const after = endsWord ? this.cycle / 2 : this.ways[number + 1] / 2;
      const last = Math.min(roundHalfEven((end + after) * rate), total);
      const [holdStart, holdEnd] = holds[number];
      const nextHold = holds[number + 1]?.[0] ?? total;
      const begun = roundHalfEven((begin - this.ways[number] / 2) * rate);
      const start = Math.max(Math.min(begun, holdStart), captions.at(-1)?.end ?? 0);
      captions.push({ text, start, end: Math.max(Math.min(Math.max(last, holdEnd), nextHold), start + 1) });
    });
    return captions;
  }
}
