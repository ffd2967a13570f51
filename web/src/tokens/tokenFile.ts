/** `.tokens` files, third version; as `pose_tokenizer.files`. */

import { countOf, NO_CODE } from "./codes";
import { toSteps, type Placement } from "./placement";

const MAGIC = "STOK";
const VERSION = 3;
const [WHOLE, THOUSANDTHS, NTSC, DOUBLE] = [0, 1, 2, 3]; // how a rate is written
const [NO_DEPTH, AS_WIDTH, SPELLED] = [0, 1, 2]; // how the picture's depth is

/** What a token file says of its model. */
export interface TokenModel {
  name: string;
  /** In files, of models that they know; 0: the model is spelled out. */
  number: number;
  /** The first eight hexadecimal digits. */
  hash: string;
  numQuantizers: number;
  codebookSize: number;
  blockFrames: number;
}

export interface PoseTokens {
  model: TokenModel;
  frames: number;
  /** Those at the beginning, before both shoulders are visible, without codes. */
  emptyFrames: number;
  fps: number;
  placement: Placement;
  size: [number, number, number];
  /** (N, Q) */
  codes: Int32Array[];
}

/** Size of the packed codes in bits, header not counted. */
export function bitsOf({ codes, model }: PoseTokens): number {
  const [countBits, codeBits] = widths(model);
  return codes.reduce((sum, block) => sum + countBits + countOf(block) * codeBits, 0);
}

/** A token file's bytes. */
export function writeTokens(tokens: PoseTokens): Uint8Array<ArrayBuffer> {
  const body = [...new TextEncoder().encode(MAGIC), ...header(tokens), ...packed(tokens)];
  const checksum = crc16(body);
  return Uint8Array.from([...body, checksum & 255, checksum >> 8]);
}

/** The number that a rate in single precision, as `.pose` files have it, stands for: 29.97 for 29.969999. */
export function exactRate(fps: number): number {
  const near = [Math.round(fps), Math.round(1000 * fps) / 1000, ntsc(Math.round(fps * 1.001))];
  return near.find((rate) => Math.fround(rate) === Math.fround(fps)) ?? fps;
}

function header({ model, frames, emptyFrames, fps, placement, size }: PoseTokens): number[] {
  const [rateKind, rate] = packedRate(fps);
  const depthKind = size[2] === 0 ? NO_DEPTH : size[2] === size[0] ? AS_WIDTH : SPELLED;
  const flags = model.number | (rateKind << 3) | (depthKind << 5) | (placement.center.length === 3 ? 1 << 7 : 0);
  return [
    VERSION,
    flags,
    ...(model.hash.match(/../g) ?? []).map((digits) => parseInt(digits, 16)),
    ...(model.number ? [] : packedModel(model)),
    ...varint(2 * frames + Number(emptyFrames > 0)),
    ...(emptyFrames ? varint(emptyFrames) : []),
    ...rate,
    ...size.slice(0, depthKind === SPELLED ? 3 : 2).flatMap(varint),
    ...packedPlacement(placement, size),
  ];
}

function packedModel({ name, numQuantizers, codebookSize, blockFrames }: TokenModel): number[] {
  const bytes = [...new TextEncoder().encode(name)].slice(0, 255);
  const most = codebookSize - 1;
  return [numQuantizers, most & 255, most >> 8, blockFrames, bytes.length, ...bytes];
}

function packedRate(fps: number): [number, number[]] {
  if (Number.isFinite(fps) && fps > 0 && fps < 1e6) {
    const [whole, ofNtsc, thousandths] = [fps, fps * 1.001, 1000 * fps].map(Math.round);
    if (whole === fps) return [WHOLE, varint(whole)];
    if (ntsc(ofNtsc) === fps) return [NTSC, varint(ofNtsc)];
    if (thousandths / 1000 === fps) return [THOUSANDTHS, varint(thousandths)];
  }
  return [DOUBLE, bytesOf(8, (view) => view.setFloat64(0, fps, true))];
}

function packedPlacement(placement: Placement, size: [number, number, number]): number[] {
  const steps = toSteps(placement, size);
  if (steps) return [...varint(zigzag(steps[0]) + 1), ...steps.slice(1).flatMap((step) => varint(zigzag(step)))];
  const numbers = [placement.scale, ...placement.center];
  return [0, ...bytesOf(4 * numbers.length, (view) => numbers.forEach((value, i) => view.setFloat32(4 * i, value, true)))];
}

/** Per block the number of its codes, then the codes, most significant bits first. */
function packed({ codes, model }: PoseTokens): number[] {
  const [countBits, codeBits] = widths(model);
  const bytes: number[] = [];
  let length = 0; // in bits
  const push = (value: number, width: number) => {
    for (let bit = width - 1; bit >= 0; bit--, length++) {
      if (length % 8 === 0) bytes.push(0);
      bytes[bytes.length - 1] |= ((value >> bit) & 1) << (7 - (length % 8));
    }
  };
  for (const block of codes) {
    push(countOf(block), countBits);
    block.forEach((code) => code !== NO_CODE && push(code, codeBits));
  }
  return bytes;
}

/** Bits of a block's number of codes, and of a code. */
function widths({ numQuantizers, codebookSize }: TokenModel): [number, number] {
  return [bitLength(numQuantizers), Math.max(1, bitLength(codebookSize - 1))];
}

function bitLength(value: number): number {
  return value ? value.toString(2).length : 0;
}

function ntsc(whole: number): number {
  return (1000 * whole) / 1001;
}

/** Seven bits per byte, lowest first; numbers may have more than 32 bits. */
function varint(value: number): number[] {
  const digits = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) digits.push((value % 0x80) + 0x80);
  return [...digits, value];
}

function zigzag(value: number): number {
  return value >= 0 ? 2 * value : -2 * value - 1;
}

function bytesOf(count: number, fill: (view: DataView) => void): number[] {
  const bytes = new Uint8Array(count);
  fill(new DataView(bytes.buffer));
  return [...bytes];
}

/** CRC-16 (CCITT), as `binascii.crc_hqx(bytes, 0)`. */
function crc16(bytes: number[]): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : crc << 1;
  }
  return crc;
}
