/** What `make_vectors.py` has written. */

import { readFileSync } from "node:fs";

import * as ort from "onnxruntime-web/wasm";

import { Description, type StoredModel } from "../src/model/description";
import { Network, type ReadFile } from "../src/model/network";

const folder = new URL("vectors/", import.meta.url);

export function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, folder), "utf-8"));
}

export const description = new Description(readJson<StoredModel>("model/model.json"));

export function bytes(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

export function floats(base64: string): Float32Array {
  return new Float32Array(bytes(base64).buffer);
}

export function useRuntime(): void {
  const runtime = readFileSync(new URL(import.meta.resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm")));
  ort.env.wasm.wasmBinary = new Uint8Array(runtime).buffer;
}

export const readFile: ReadFile = async (name) => new Uint8Array(readFileSync(new URL(name, folder)));

export function loadNetwork(): Promise<Network> {
  useRuntime();
  return Network.load(description, readFile);
}

export function largestDifference(actual: Float32Array, expected: Float32Array): number {
  return expected.reduce((largest, value, i) => Math.max(largest, Math.abs(value - actual[i])), 0);
}
