/** What is shown as tokens, and decoded again beside it. */

import type { PoseSequence } from "../poses/sequence";
import { Skeleton } from "../poses/skeleton";
import type { Answer, Encoded, EncodingWish } from "../worker";
import { save } from "./downloads";
import { element } from "./elements";
import type { Player } from "./player";

export class TokenPanel {
  private encodings = 0;
  private waiting = false;
  private encoded?: Encoded;
  private readonly panel = element("tokens", HTMLDivElement);
  private readonly encode = element("encode", HTMLButtonElement);
  private readonly state = element("tokens-state", HTMLParagraphElement);
  private readonly sizes = element("sizes", HTMLTableElement);
  private readonly saving = element("save-tokens", HTMLButtonElement);

  /** @param ask wishes something of the worker, whose answers `take` takes */
  constructor(private readonly player: Player, private readonly ask: (wish: EncodingWish) => void) {
    this.panel.hidden = false;
    this.encode.addEventListener("click", () => this.begin());
    this.saving.addEventListener("click", () => {
      if (!this.encoded) return;
      const name = `${player.fileName}.tokens`;
      save(new Blob([this.encoded.file]), name);
      this.state.textContent = `${name} is saved; pose-tokenizer decode reads it.`;
    });
  }

  /** Something else is shown now. */
  reset(): void {
    if (this.waiting) this.ask({ encoding: ++this.encodings });
    this.encoded = undefined;
    this.sizes.hidden = this.saving.hidden = true;
    this.wait(false, "");
  }

  take(answer: Answer): void {
    if (!("encoding" in answer) || answer.encoding !== this.encodings || !this.waiting) return;
    if (answer.kind === "encoding") this.say("Encoding and decoding …");
    else if (answer.kind === "not encoded") this.wait(false, `This cannot be encoded: ${answer.message}.`);
    else this.show(answer.encoded);
  }

  private begin(): void {
    const clip = this.player.sequence;
    if (!clip || this.waiting) return;
    this.reset();
    this.wait(true, "Loading the tokenizer …");
    this.ask({ encoding: ++this.encodings, clip });
  }

  private show(encoded: Encoded): void {
    const { decoded } = encoded;
    decoded.skeleton = new Skeleton(decoded.skeleton.components); // it arrives without its methods
    const { frames, fps } = this.player.sequence as PoseSequence;
    const perFrame = encoded.bits / frames;
    const values = [
      `${encoded.before.toLocaleString("en")} bytes`,
      `${encoded.file.length.toLocaleString("en")} bytes`,
      `${encoded.codes.toLocaleString("en")}, ${perFrame.toFixed(1)} bits per frame, ${((perFrame * fps) / 1000).toFixed(2)} kbit/s`,
    ];
    this.sizes.querySelectorAll("td").forEach((cell, i) => (cell.textContent = values[i]));
    this.encoded = encoded;
    this.sizes.hidden = this.saving.hidden = false;
    this.player.compare(decoded);
    this.wait(false, "The decoded poses are shown beside the original.");
  }

  private wait(waiting: boolean, line: string): void {
    this.waiting = waiting;
    this.encode.setAttribute("aria-disabled", String(waiting));
    this.say(line);
  }

  private say(line: string): void {
    if (this.state.textContent !== line) this.state.textContent = line; // each change is read out
  }
}
