/** Plays a clip: its picture, the letters in step with it, and what is at the reader's hands. */

import type { PoseSequence } from "../poses/sequence";
import type { Caption } from "../signing/text";
import { DARK, LIGHT } from "../view/colors";
import { Picture } from "../view/picture";
import { element } from "./elements";

const dark = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Player {
  picture?: Picture;
  private decoded?: Picture; // beside it, of what tokens keep
  private captions: Caption[] = [];
  private name = "";
  private time = 0; // seconds
  private playing = false;
  private before: number | undefined; // milliseconds at the last drawn frame
  private readonly canvas = element("picture", HTMLCanvasElement);
  private readonly second = element("decoded", HTMLCanvasElement);
  private readonly letters = element("letters", HTMLOListElement);
  private readonly play = element("play", HTMLButtonElement);
  private readonly slider = element("time", HTMLInputElement);
  private readonly clock = element("clock", HTMLOutputElement);
  private readonly pace = element("pace", HTMLSelectElement);
  private readonly loop = element("loop", HTMLInputElement);
  private readonly turn = element("turn", HTMLInputElement);

  constructor() {
    this.play.addEventListener("click", () => this.setPlaying(!this.playing));
    this.slider.addEventListener("input", () => {
      this.setPlaying(false);
      this.seek(Number(this.slider.value));
    });
    this.turn.addEventListener("input", () => this.show());
    dark.addEventListener("change", () => this.show());
    new ResizeObserver(() => this.show()).observe(this.canvas);
    document.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("visibilitychange", () => (this.before = undefined)); // a hidden page is not played
  }

  /** By how much the person has turned, in radians. */
  get angle(): number {
    return (Number(this.turn.value) * Math.PI) / 180;
  }

  get frame(): number {
    const { frames, fps } = this.sequence!;
    return Math.min(frames - 1, Math.floor(this.time * fps + 1e-6)); // a frame's own start is not the one before
  }

  get sequence(): PoseSequence | undefined {
    return this.picture?.sequence;
  }

  /** Shows another clip, from its beginning; it plays unless the reader wants no motion. */
  open(sequence: PoseSequence, captions: Caption[], name: string): void {
    const wasDeep = this.picture?.space.deep;
    this.picture = new Picture(sequence);
    this.showDecoded(undefined);
    this.captions = captions;
    this.name = name;
    if (!this.picture.space.deep || wasDeep === undefined) this.turn.value = "0";
    this.turn.closest("label")!.hidden = !this.picture.space.deep;
    this.slider.max = String(this.duration);
    this.slider.step = String(1 / sequence.fps);
    this.canvas.style.aspectRatio = String(this.picture.aspect);
    this.letters.replaceChildren(...captions.map((caption) => this.letter(caption)));
    this.letters.hidden = !captions.length;
    this.canvas.setAttribute("aria-label", captions.length ? `A figure signs ${name}` : `The poses of ${name}`);
    this.time = 0;
    this.show();
    this.setPlaying(!still.matches);
  }

  /** The clip that is shown, as its tokens are decoded: beside it, in step with it. */
  compare(decoded: PoseSequence): void {
    this.showDecoded(new Picture(decoded, this.picture?.box));
    this.show();
  }

  private showDecoded(picture: Picture | undefined): void {
    this.decoded = picture;
    this.second.parentElement!.hidden = !picture;
    if (picture) this.second.style.aspectRatio = String(picture.aspect);
  }

  private get duration(): number {
    return this.sequence ? this.sequence.frames / this.sequence.fps : 0;
  }

  private letter({ text, start }: Caption): HTMLLIElement {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.setAttribute("aria-label", `Letter ${text}: go to it`);
    button.addEventListener("click", () => this.seek(start / this.sequence!.fps));
    item.append(button);
    return item;
  }

  private seek(seconds: number): void {
    this.time = Math.min(Math.max(seconds, 0), this.duration);
    this.show();
  }

  private setPlaying(on: boolean): void {
    if (on && !this.playing) {
      if (this.time >= this.duration) this.seek(0);
      this.before = undefined;
      requestAnimationFrame((now) => this.tick(now));
    }
    this.playing = on;
    this.play.textContent = on ? "Pause" : "Play";
  }

  private tick(now: number): void {
    if (!this.playing || !this.sequence) return;
    const passed = this.before === undefined ? 0 : ((now - this.before) / 1000) * Number(this.pace.value);
    this.before = now;
    const next = this.time + passed;
    if (next >= this.duration && !this.loop.checked) {
      this.seek(this.duration);
      this.setPlaying(false);
      return;
    }
    this.seek(next % this.duration);
    requestAnimationFrame((later) => this.tick(later));
  }

  private onKey(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (!this.sequence || event.ctrlKey || event.altKey || event.metaKey || target.closest("input, select, button, summary, a")) return;
    if (event.key === " ") this.setPlaying(!this.playing);
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      this.setPlaying(false);
      this.seek((this.frame + (event.key === "ArrowLeft" ? -1 : 1)) / this.sequence.fps);
    } else return;
    event.preventDefault();
  }

  private show(): void {
    if (!this.picture || !this.sequence) return;
    this.draw(this.picture, this.canvas);
    if (this.decoded) this.draw(this.decoded, this.second);
    const current = this.captions.findIndex(({ start, end }) => start <= this.frame && this.frame < end);
    [...this.letters.children].forEach((item, i) => {
      if (i === current) item.setAttribute("aria-current", "true");
      else item.removeAttribute("aria-current");
    });
    const letter = current < 0 ? "" : `, letter ${this.captions[current].text}`;
    this.slider.value = String(this.time);
    this.slider.setAttribute("aria-valuetext", `${this.time.toFixed(2)} of ${this.duration.toFixed(2)} seconds${letter}`);
    this.clock.textContent = `${this.time.toFixed(2)} / ${this.duration.toFixed(2)} s`;
  }

  private draw(picture: Picture, canvas: HTMLCanvasElement): void {
    const { width } = canvas.getBoundingClientRect();
    const [wide, high] = [width, width / picture.aspect].map((side) => Math.max(1, Math.round(side * devicePixelRatio)));
    if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
    picture.paintOn(dark.matches ? DARK : LIGHT);
    picture.draw(canvas.getContext("2d")!, wide, high, this.frame, this.angle);
  }

  /** A name for files of what is shown. */
  get fileName(): string {
    return this.name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60) || "poses";
  }
}
