/** The buttons that save what is shown. */

import { writePose } from "../poses/poseFile";
import { Picture } from "../view/picture";
import { element } from "./elements";
import type { Player } from "./player";

/** @param say takes a line for people */
export function connectDownloads(player: Player, say: (line: string) => void): void {
  const buttons = (["pose", "gif", "mp4"] as const).map((format) => {
    const button = element(`save-${format}`, HTMLButtonElement);
    button.addEventListener("click", async () => {
      if (!player.sequence) return;
      const [sequence, angle, name] = [player.sequence, player.angle, `${player.fileName}.${format}`];
      setBusy(true);
      try {
        const progress = (share: number) => say(`${name}: ${Math.round(100 * share)} %`);
        save(await encode(format, new Picture(sequence), angle, progress), name);
        say(`${name} is saved.`);
      } catch (error) {
        say(`${name}: ${(error as Error).message}`);
      } finally {
        setBusy(false);
      }
    });
    return button;
  });
  // Not `disabled`, which would take the focus away.
  const setBusy = (busy: boolean) => buttons.forEach((button) => button.setAttribute("aria-disabled", String(busy)));
}

async function encode(format: "pose" | "gif" | "mp4", picture: Picture, angle: number, progress: (share: number) => void): Promise<Blob> {
  if (format === "pose") return new Blob([writePose(picture.sequence)]);
  if (format === "gif") return (await import("../files/gif")).encodeGif(picture, angle, progress);
  return (await import("../files/mp4")).encodeMp4(picture, angle, progress);
}

export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
