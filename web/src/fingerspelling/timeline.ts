/** A time line of frames, as `text_to_pose.fingerspelling.timeline`: what was put on it, at any time of it. */

type Frame = Float64Array;

export class Timeline {
  seconds = 0;
  private readonly parts: { end: number; way: (share: number) => Frame; visible: boolean[] }[] = [];

  constructor(
    public keypoints: Frame,
    public visible: boolean[],
  ) {}

  /** Stays at the last frame. */
  hold(seconds: number): void {
    const frame = this.keypoints;
    this.add(seconds, () => frame, this.visible);
  }

  /** Goes on a way, on which all is visible that is so before it or after it. */
  go(way: (share: number) => Frame, seconds: number, keypoints: Frame, visible: boolean[]): void {
    this.add(seconds, way, this.visible.map((seen, k) => seen || visible[k]));
    this.keypoints = keypoints;
    this.visible = visible;
  }

  /** Plays frames evenly, from the first, which the line is at. */
  play(frames: Frame[], seconds: number): void {
    const way = (share: number) => {
      const at = Math.min(Math.max(share, 0), 1) * (frames.length - 1);
      const before = Math.min(Math.floor(at), frames.length - 2);
      return frames[before].map((value, i) => value + (at - before) * (frames[before + 1][i] - value));
    };
    this.add(seconds, way, this.visible);
    this.keypoints = frames.at(-1)!;
  }

  at(time: number): { keypoints: Frame; visible: boolean[] } {
    let part = this.parts.findIndex(({ end }) => end >= time);
    if (part < 0) part = this.parts.length - 1;
    const begin = part ? this.parts[part - 1].end : 0;
    const { end, way, visible } = this.parts[part];
    return { keypoints: way((time - begin) / (end - begin)), visible };
  }

  private add(seconds: number, way: (share: number) => Frame, visible: boolean[]): void {
    if (!(seconds > 0)) return;
    this.seconds += seconds;
    this.parts.push({ end: this.seconds, way, visible });
  }
}
