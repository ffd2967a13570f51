/** Codes of blocks, as `pose_tokenizer.codes` and `pose_tokenizer.depth`. */

export const NO_CODE = -1; // fills the row of a block that has fewer codes than there are codebooks
const MAX_UNPAID_CODES = 2; // codes in a row that do not pay for themselves, after which a vector takes no more
export const EARLY_STOP_MARGIN = 0.3; // of lambda; a code that misses the best cost by more is not followed by one that pays

/** How many codes one vector takes: as many as have the least cost. */
export class Depth {
  depth = 0;
  active = true;

  /** @param free lambda is 0: all codes are taken */
  constructor(private bestCost: number, private readonly free: boolean) {}

  /** Takes the cost of `depth` codes, and about the least that further codes could bring it to. */
  update(depth: number, cost: number, optimistic: number): void {
    if (this.free || (this.active && cost < this.bestCost)) [this.bestCost, this.depth] = [cost, depth];
    else if (depth - this.depth >= MAX_UNPAID_CODES || optimistic > this.bestCost) this.active = false;
  }
}

/** How many codes a block has. */
export function countOf(block: Int32Array): number {
  return block.filter((code) => code !== NO_CODE).length;
}
