/** A pose file of the reader's, or a video where the page has a server: shown, and, if wanted, the body that signs. */

import { readPose } from "../poses/poseFile";
import type { Server } from "../server";
import type { PoseSequence } from "../poses/sequence";
import { startFrameOf, type StartFrame } from "../signing/startFrame";
import type { Description } from "../model/description";
import { element } from "./elements";

export class Person {
  /** What texts begin from. */
  start?: StartFrame;
  private server?: Server;
  private file?: { name: string; clip: PoseSequence };
  private openings = 0;
  private readonly input = element("file", HTMLInputElement);
  private readonly state = element("person-state", HTMLParagraphElement);
  private readonly use = element("use-person", HTMLInputElement);

  /**
   * @param description the model's, once it is known
   * @param opened a file was opened: to be shown
   * @param changed texts begin from another frame than before
   */
  constructor(
    private readonly description: () => Description | undefined,
    private readonly opened: (clip: PoseSequence, name: string) => void,
    private readonly changed: () => void,
  ) {
    this.input.addEventListener("change", () => this.input.files?.[0] && this.open(this.input.files[0]));
    this.use.addEventListener("change", () => this.choose());
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.add("dropping");
    });
    document.addEventListener("dragleave", () => document.body.classList.remove("dropping"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("dropping");
      const file = event.dataTransfer?.files[0];
      if (file) void this.open(file);
    });
  }

  /** Takes videos, too, of which a server estimates the poses. */
  takeVideos(server: Server): void {
    this.server = server;
    this.input.accept = ".pose,video/*";
    this.input.setAttribute("aria-label", "Pose file or video");
    element("file-hint", HTMLParagraphElement).textContent =
      "Drop a .pose file anywhere on the page, or choose one, to see it here; or a video, which is sent to the server of this page for its poses.";
  }

  private async open(file: File): Promise<void> {
    const before = this.start;
    const opening = ++this.openings;
    this.start = this.file = undefined;
    this.use.checked = false;
    this.use.closest("label")!.hidden = true;
    try {
      const clip = await this.read(file);
      if (opening !== this.openings) return; // another file was opened while a server worked on this one
      this.file = { name: file.name, clip };
      const seconds = (clip.frames / clip.fps).toFixed(1);
      this.state.textContent = `${file.name}: ${clip.frames} frames, ${seconds} s. It is shown now.`;
      this.use.closest("label")!.hidden = false;
      this.opened(clip, file.name.replace(/\.\w+$/, ""));
    } catch (error) {
      if (opening !== this.openings) return;
      this.state.textContent = `${file.name} cannot be shown: ${(error as Error).message}.`;
      if (before) this.changed();
    }
  }

  private async read(file: File): Promise<PoseSequence> {
    if (!this.server || !file.type.startsWith("video/")) return readPose(await file.arrayBuffer());
    this.state.textContent = `${file.name}: the server looks for somebody in it …`;
    return this.server.estimate(file);
  }

  private choose(): void {
    const description = this.description();
    if (!this.file || !description) return;
    this.start = undefined;
    try {
      if (this.use.checked) this.start = startFrameOf(this.file.clip, description);
      this.state.textContent = `${this.file.name}: ${this.start ? "this person signs, beginning as in its first frame." : "not used for signing."}`;
      this.changed();
    } catch (error) {
      this.use.checked = false;
      this.state.textContent = `${this.file.name} cannot begin a text: ${(error as Error).message}.`;
    }
  }
}
