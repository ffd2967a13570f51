/** The residual quantizer with linear prediction and a beam search, as `pose_tokenizer.numpy_quantizer`. */

import { Depth, EARLY_STOP_MARGIN, NO_CODE } from "./codes";

/** Weights; Q codebooks of V vectors of C numbers. */
export interface QuantizerWeights {
  /** (Q, V, C) */
  codebooks: Float32Array;
  /** (C, C) and (C,), the linear prediction of a block's latents from those before. */
  weight: Float32Array;
  bias: Float32Array;
  /** (C,), the prediction of a sequence's first block. */
  start: Float32Array;
}

interface Hypothesis {
  residual: Float32Array;
  error: number;
}

interface Choice {
  parent: number;
  code: number;
  error: number;
}

export class Quantizer {
  private readonly dim: number;
  /** (Q, V) */
  private readonly squaredNorms: Float32Array;

  constructor(private readonly weights: QuantizerWeights, readonly numQuantizers: number, readonly codebookSize: number) {
    this.dim = weights.start.length;
    const { codebooks } = weights;
    this.squaredNorms = Float32Array.from({ length: numQuantizers * codebookSize }, (_, i) => {
      const vector = codebooks.subarray(i * this.dim, (i + 1) * this.dim);
      return dot(vector, vector);
    });
  }

  /** Latents of blocks after one whose quantized latents are `previous`, to their codes and quantized latents. */
  quantize(latents: Float32Array[], previous: Float32Array | undefined, lmbda: number, beam: number) {
    const codes: Int32Array[] = [];
    const quantized: Float32Array[] = [];
    for (const latent of latents) {
      const predicted = this.predict(previous);
      const found = this.search(latent.map((value, c) => value - predicted[c]), lmbda, beam);
      previous = latent.map((value, c) => value - found.residual[c]);
      codes.push(found.codes);
      quantized.push(previous);
    }
    return { codes, quantized };
  }

  /** Codes of blocks to quantized latents. */
  dequantize(codes: Int32Array[], previous: Float32Array | undefined): Float32Array[] {
    return codes.map((block) => {
      const residual = new Float32Array(this.dim);
      block.forEach((code, q) => {
        if (code !== NO_CODE) this.vector(q, code).forEach((value, c) => (residual[c] += value));
      });
      const predicted = this.predict(previous);
      previous = residual.map((value, c) => predicted[c] + value);
      return previous;
    });
  }

  private predict(previous: Float32Array | undefined): Float32Array {
    const { weight, bias, start } = this.weights;
    if (!previous) return start;
    return bias.map((value, c) => value + dot(previous, weight, c * this.dim));
  }

  private vector(q: number, code: number): Float32Array {
    const at = (q * this.codebookSize + code) * this.dim;
    return this.weights.codebooks.subarray(at, at + this.dim);
  }

  /** Codes of one vector, and the residual that they leave. */
  private search(x: Float32Array, lmbda: number, beam: number): { codes: Int32Array; residual: Float32Array } {
    let hypotheses: Hypothesis[] = [{ residual: x, error: dot(x, x) }];
    const best = [x];
    const depth = new Depth(hypotheses[0].error, lmbda === 0);
    const history: Choice[][] = [];
    for (let q = 0; q < this.numQuantizers && depth.active; q++) {
      const chosen = this.choose(hypotheses, q, beam);
      hypotheses = chosen.map(({ parent, code, error }) => {
        const vector = this.vector(q, code);
        return { residual: hypotheses[parent].residual.map((value, c) => value - vector[c]), error };
      });
      history.push(chosen);
      best.push(hypotheses[0].residual);
      const cost = hypotheses[0].error + lmbda * (q + 1);
      depth.update(q + 1, cost, cost - EARLY_STOP_MARGIN * lmbda);
    }
    const codes = new Int32Array(this.numQuantizers).fill(NO_CODE);
    for (let q = depth.depth - 1, hypothesis = 0; q >= 0; q--) {
      codes[q] = history[q][hypothesis].code;
      hypothesis = history[q][hypothesis].parent;
    }
    return { codes, residual: best[depth.depth] };
  }

  /** The `beam` continuations of least error, least first; of equal ones the first. */
  private choose(hypotheses: Hypothesis[], q: number, beam: number): Choice[] {
    const { codebooks } = this.weights;
    const chosen: Choice[] = [];
    hypotheses.forEach(({ residual, error: before }, parent) => {
      for (let code = 0; code < this.codebookSize; code++) {
        const norm = this.squaredNorms[q * this.codebookSize + code];
        const error = Math.fround(before + norm - 2 * dot(residual, codebooks, (q * this.codebookSize + code) * this.dim));
        if (chosen.length === beam && error >= chosen[beam - 1].error) continue;
        let place = chosen.length;
        while (place > 0 && error < chosen[place - 1].error) place--;
        chosen.splice(place, 0, { parent, code, error });
        if (chosen.length > beam) chosen.pop();
      }
    });
    return chosen;
  }
}

/** Of a vector, and as many numbers of `values` from `start` on. */
function dot(vector: Float32Array, values: Float32Array, start = 0): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i] * values[start + i];
  return sum;
}
