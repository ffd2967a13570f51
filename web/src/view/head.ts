/** A drawn head, an oval on a neck, for poses without a face; it is no measurement. As `pose_core.rendering.head`. */

import type { Project } from "./picture";
import type { Space } from "./space";

// In shoulder widths, as MediaPipe's face mesh has it in clips of many people.
const WIDTH = 0.5;
const HEIGHT = 0.66;
const ABOVE_SHOULDERS = 0.61; // of the oval's middle
export const FACELESS = "#808891";

export function drawHead(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  space: Space, frame: number, at: Project, scale: number, thickness: number, color: string,
): void {
  if (!space.shoulders?.every((k) => space.visible(frame, k))) return;
  const [left, right] = space.shoulders.map(at);
  const middle = [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2];
  const [l, r] = space.shoulders.map((k) => space.point(frame, k));
  // It tilts as the shoulders do in the clip; towards smaller y, where heads are.
  const across = [l.x - r.x, l.y - r.y];
  const length = Math.hypot(...across) || 1;
  let up = [across[1] / length, -across[0] / length];
  if (length < 0.4 * space.unit) up = [0, -1]; // visible from the side
  if (up[1] > 0) up = [-up[0], -up[1]];
  const unit = space.unit * scale;
  const nose = space.sequence.skeleton.find(/^(NOSE|nose|Nose)$/);
  const center = nose !== undefined && space.visible(frame, nose)
    ? at(nose)
    : [middle[0] + ABOVE_SHOULDERS * unit * up[0], middle[1] + ABOVE_SHOULDERS * unit * up[1]];
  context.strokeStyle = color;
  context.lineWidth = thickness;
  context.beginPath();
  const tilt = Math.atan2(up[0], -up[1]);
  context.ellipse(center[0], center[1], (WIDTH / 2) * unit, (HEIGHT / 2) * unit, tilt, 0, 2 * Math.PI);
  context.stroke();
  context.beginPath();
  context.moveTo(center[0] - (HEIGHT / 2) * unit * up[0], center[1] - (HEIGHT / 2) * unit * up[1]);
  context.lineTo(middle[0], middle[1]);
  context.stroke();
}
