/** A text, letter by letter, each from the last frame of the one before; as `text_to_pose.generation.sign_texts`. */

import { medianLength, roundHalfEven, sharedLengths, type LengthDistribution } from "../model/lengths";
import type { Network } from "../model/network";
import type { Description } from "../model/description";
import { correctWrists, hiddenHandsOnArms, limitMotion } from "../motion/limits";
import { SIDES } from "../motion/body";
import { steadyBody } from "../motion/steadyBody";
import { concatenate, placed, slice, still, type PoseSequence } from "../poses/sequence";
import { spellFluently } from "../fingerspelling/word";
import { WORD_SPACE } from "../text/spelling";
import { beginAt, generateSign, type Sampling } from "./sign";
import type { StartFrame } from "./startFrame";

const SIZE: [number, number, number] = [512, 512, 0]; // pixels of the picture that texts are signed in

/** A letter and the frames in which it is signed: from `start`, before `end`. */
export interface Caption {
  text: string;
  start: number;
  end: number;
}

export interface SignedText {
  /** In pixels. */
  sequence: PoseSequence;
  captions: Caption[];
}

export interface Options extends Sampling {
  /** How fast words are spelled fluently; in citation form, letter after letter, where it is not given. */
  lettersPerSecond?: number;
  /** Length of a text in citation form, shared by its letters; each letter has its own where it is not given. */
  frames?: number;
  /** Whose body signs, and from where; the model's own for the language where there is none. */
  start?: StartFrame;
  /** Clips of letters for fluent words that were made before, with the same sampling; new ones are added. */
  clips?: Map<string, PoseSequence>;
}

/** Called before each letter, and before each of its steps: what it throws ends the text. */
export type Progress = (letter: number, letters: number) => Promise<void>;

export async function signText(
  network: Network, letters: string[], language: string, options: Options, progress: Progress = async () => {},
): Promise<SignedText> {
  const { description } = network;
  const { body, anchorSpeed } = description.stored;
  const { maxStep } = description.language(language);
  const hand = description.language(language).dominantHand ?? undefined;
  const mirrored = options.start?.dominantHand !== undefined && options.start.dominantHand !== hand;
  const fluent = options.lettersPerSecond !== undefined && countOf(letters) > 1;
  const join = fluent ? fluently : inCitationForm;
  const { sequence: joined, captions } = await join(network, letters, language, options, progress);

  let sequence = joined;
  if (options.start) {
    const person = mirrored ? flipped(options.start.frame, body.mirror) : options.start.frame;
    const own = correctWrists({ ...person, fps: sequence.fps }, body);
    sequence = beginAt(description, steadyBody(sequence, own, hand, anchorSpeed, body), own);
    if (fluent) sequence = reversed(beginAt(description, reversed(sequence), own)); // it ends where it began
  } else if (fluent) sequence = steadyBody(sequence, sequence, hand, anchorSpeed, body);
  sequence = limitMotion(hiddenHandsOnArms(sequence, body), maxStep ?? Infinity, body);
  return { sequence: placed(mirrored ? flipped(sequence, body.mirror) : sequence, SIZE), captions };
}

/** Each letter from the last frame of the one before; in shoulder widths. */
async function inCitationForm(
  network: Network, letters: string[], language: string, options: Options, progress: Progress,
): Promise<SignedText> {
  const { description } = network;
  const { body, anchorSpeed, shortest } = description.stored;
  const hand = description.language(language).dominantHand ?? undefined;
  const count = countOf(letters);
  const lengths = options.frames && sharedLengths(
    await distributions(network, letters, language),
    options.frames - pauseFrames(letters, description) + count - 1, // successive letters share a frame
    shortest,
  );
  const sequences: PoseSequence[] = [];
  const captions: Caption[] = [];
  let [frames, spelled] = [0, 0];
  for (const letter of letters) {
    const before = sequences.at(-1);
    if (letter === WORD_SPACE) {
      if (!before) continue;
      sequences.push(still(before, before.frames - 1, pauseFrames([letter], description)));
      frames += sequences.at(-1)!.frames;
      continue;
    }
    const last = before && slice(before, before.frames - 1);
    const start = last ? torsoAndWrists(last, description) : bundledStart(description, language);
    const condition = await network.encode(language, letter, start.keypoints, start.confidence);
    const length = lengths ? lengths[spelled] : naturalLength(description, condition.length);
    const now = spelled++;
    let sequence = await generateSign(network, language, condition, length, options, () => progress(now, count));
    if (last) sequence = beginAt(description, sequence, last);
    sequence = steadyBody(sequence, sequences[0] ?? sequence, hand, anchorSpeed, body);
    if (last) sequence = slice(sequence, 1); // the last frame of the letter before
    captions.push({ text: letter, start: frames, end: frames + sequence.frames });
    sequences.push(sequence);
    frames += sequence.frames;
  }
  return { sequence: concatenate(sequences), captions };
}

/** Each letter once, from the model's own start frame, and then joined; in shoulder widths. */
async function fluently(
  network: Network, letters: string[], language: string, options: Options, progress: Progress,
): Promise<SignedText> {
  const { description } = network;
  const { skeleton, stored: { body, anchorSpeed, fps, handDepth } } = description;
  const { dominantHand, maxStep } = description.language(language);
  const hand = dominantHand ?? "right";
  const { keypoints, confidence } = bundledStart(description, language);
  const clips = options.clips ?? new Map<string, PoseSequence>();
  const different = [...new Set(letters)].filter((letter) => letter !== WORD_SPACE);
  for (const [number, letter] of different.entries()) {
    if (clips.has(letter)) continue;
    const condition = await network.encode(language, letter, keypoints, confidence);
    const length = naturalLength(description, condition.length);
    const clip = await generateSign(network, language, condition, length, options, () => progress(number, different.length));
    clips.set(letter, steadyBody(clip, clip, hand, anchorSpeed, body));
  }
  const own = new Map(different.map((letter) => [letter, clips.get(letter)!]));
  return spellFluently(letters, own, options.lettersPerSecond!, hand, { maxStep: maxStep ?? Infinity, fps, handDepth, body, skeleton });
}

function countOf(letters: string[]): number {
  return letters.filter((letter) => letter !== WORD_SPACE).length;
}

/** From the last frame to the first. */
function reversed(sequence: PoseSequence): PoseSequence {
  return concatenate(Array.from({ length: sequence.frames }, (_, t) => slice(sequence, sequence.frames - 1 - t, sequence.frames - t)));
}

function bundledStart(description: Description, language: string): PoseSequence {
  const { stored, skeleton } = description;
  const row = description.languageIndex(language);
  return {
    frames: 1,
    keypoints: Float32Array.from(stored.startKeypoints[row]),
    confidence: Float32Array.from(stored.startConfidence[row]),
    fps: stored.fps,
    skeleton,
    size: [0, 0, 0],
  };
}

/** A frame without fingers and elbows, which are predicted anew: errors of one letter would add up over the next. */
function torsoAndWrists(frame: PoseSequence, { stored: { body }, skeleton }: Description): PoseSequence {
  const keypoints = frame.keypoints.slice();
  const confidence = frame.confidence.slice();
  const D = skeleton.numDims;
  for (const side of SIDES)
    for (const k of [...body.hands[side].slice(1), body.elbows[side]]) if (k !== null) confidence[k] = 0;
  confidence.forEach((value, k) => {
    if (!(value > 0)) keypoints.fill(0, k * D, (k + 1) * D);
  });
  return { ...frame, keypoints, confidence };
}

function naturalLength({ stored }: Description, length: LengthDistribution): number {
  return medianLength(length, stored.shortest, stored.longest * stored.fps);
}

/** How long a text is at a speed, where 1 leaves each letter its own length; at least as long as it has to be. */
export async function framesAt(speed: number, network: Network, letters: string[], language: string): Promise<number> {
  const { description } = network;
  const lengths = await distributions(network, letters, language);
  const natural = lengths.reduce((sum, length) => sum + naturalLength(description, length), 0);
  const others = pauseFrames(letters, description) - (lengths.length - 1);
  const shortest = description.stored.shortest * lengths.length;
  return Math.max(roundHalfEven((natural + others) / speed), shortest + others);
}

/** The lengths of a text's letters, from the model's own start frame. */
async function distributions(network: Network, letters: string[], language: string): Promise<LengthDistribution[]> {
  const { keypoints, confidence } = bundledStart(network.description, language);
  const lengths = [];
  for (const letter of letters)
    if (letter !== WORD_SPACE) lengths.push((await network.encode(language, letter, keypoints, confidence)).length);
  return lengths;
}

function pauseFrames(letters: string[], { stored: { pause, fps } }: Description): number {
  return letters.filter((letter) => letter === WORD_SPACE).length * roundHalfEven(pause * fps);
}

/** Left and right exchanged, about x = 0. */
function flipped(sequence: PoseSequence, mirror: number[]): PoseSequence {
  const { numKeypoints: K, numDims: D } = sequence.skeleton;
  const keypoints = new Float32Array(sequence.keypoints.length);
  const confidence = new Float32Array(sequence.confidence.length);
  for (let t = 0; t < sequence.frames; t++)
    mirror.forEach((from, k) => {
      confidence[t * K + k] = sequence.confidence[t * K + from];
      for (let d = 0; d < D; d++) {
        const value = sequence.keypoints[(t * K + from) * D + d];
        keypoints[(t * K + k) * D + d] = d === 0 ? -value : value;
      }
    });
  return { ...sequence, keypoints, confidence };
}
