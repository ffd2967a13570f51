/** Files of the page: weights and runtime are stored compressed, whatever the server does. */

/** Unpacks gzip. */
export async function unzipped(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Bytes from the even ones, all of them, and the odd ones: apart those of 16-bit weights are better compressed. */
export function interleaved(planes: Uint8Array): Uint8Array<ArrayBuffer> {
  const half = planes.length / 2;
  const bytes = new Uint8Array(planes.length);
  for (let i = 0; i < half; i++) {
    bytes[2 * i] = planes[i];
    bytes[2 * i + 1] = planes[half + i];
  }
  return bytes;
}
