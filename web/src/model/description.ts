/** What a page knows of its model: `model.json`, written by `text_to_pose.web.model_files`. */

import type { Body, Side } from "../motion/body";
import type { HandFeatures } from "../motion/features";
import { Skeleton, type Component } from "../poses/skeleton";

export interface Language {
  code: string;
  name: string;
  letters: string[];
  dominantHand: Side | null;
  /** Shoulder widths per frame that no keypoint exceeded in the language's clips; null: no limit. */
  maxStep: number | null;
}

/** `model.json` as it is stored. */
export interface StoredModel {
  format: number;
  fps: number;
  numSteps: number;
  /** The scale of guidance, unless the visitor chooses another. */
  guidance: number;
  /** Frames are predicted in groups of so many. */
  group: number;
  shortest: number;
  longest: number;
  pause: number;
  anchorSpeed: number;
  /** How much larger z of hands is than in the unit of x and y. */
  handDepth: number;
  nothing: number;
  none: number;
  turkic: string[];
  languages: Language[];
  /** Folded letters of all languages. */
  letters: string[];
  /** Token ids, and the letter's index, by language and letter, borrowed ones, too. */
  tokens: Record<string, Record<string, { ids: number[]; letter: number }>>;
  skeleton: { components: Component[] };
  body: Body;
  handRoots: number[];
  handScales: number[];
  /** Per language, (K, D) and (K,). */
  startKeypoints: number[][];
  startConfidence: number[][];
}

export const FORMAT = 1;

/** A model's description, with what follows from it. */
export class Description {
  readonly skeleton: Skeleton;
  readonly features: HandFeatures;
  readonly isRoot: boolean[];

  constructor(readonly stored: StoredModel) {
    if (stored.format !== FORMAT) throw new Error("The page and its model are of different versions; write the folder again.");
    this.skeleton = new Skeleton(stored.skeleton.components);
    const { numKeypoints, numDims } = this.skeleton;
    this.features = { numKeypoints, numDims, roots: stored.handRoots, scales: Float32Array.from(stored.handScales) };
    this.isRoot = stored.handRoots.map((root, k) => root === k);
  }

  language(code: string): Language {
    return this.stored.languages[this.languageIndex(code)];
  }

  languageIndex(code: string): number {
    return this.stored.languages.findIndex((language) => language.code === code);
  }
}
