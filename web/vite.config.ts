import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const PARTS = ["onnxruntime-web", "onnxruntime-common", "mediabunny", "gifenc"]; // what is in the page
const installed = (path: string) => new URL(`node_modules/${path}`, import.meta.url);

/** onnxruntime's WebAssembly, packed: a quarter of its size from any server; and licences. */
function extras(): Plugin {
  return {
    name: "extras",
    apply: "build",
    generateBundle() {
      const source = gzipSync(readFileSync(installed("onnxruntime-web/dist/ort-wasm-simd-threaded.wasm")), { level: 9 });
      this.emitFile({ type: "asset", fileName: "runtime.bin", source });
      this.emitFile({ type: "asset", fileName: "licenses.txt", source: PARTS.map(licence).join("\n\n") });
    },
  };
}

function licence(name: string): string {
  const { version, license } = JSON.parse(readFileSync(installed(`${name}/package.json`), "utf-8"));
  const file = ["LICENSE", "LICENSE.md", "LICENSE.txt"].map((each) => installed(`${name}/${each}`)).find((each) => existsSync(each));
  const text = file ? readFileSync(file, "utf-8") : ONNXRUNTIME;
  return `${name} ${version}, ${license}\n\n${text.trim()}\n`;
}

// Its packages come without the file.
const ONNXRUNTIME = `MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** onnxruntime's WebAssembly as it is, which bundles bring by themselves. */
function withoutWasm(): Plugin {
  return {
    name: "without-wasm",
    apply: "build",
    generateBundle(_, bundle) {
      for (const name of Object.keys(bundle)) if (name.endsWith(".wasm")) delete bundle[name];
    },
  };
}

// Names without hashes: a page is one version as a whole, and its history stays readable.
const output = { entryFileNames: "[name].js", chunkFileNames: "[name].js", assetFileNames: "[name][extname]" };

export default defineConfig({
  base: "./",
  build: {
    outDir: fileURLToPath(new URL("../packages/text-to-pose/src/text_to_pose/web/page", import.meta.url)),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    rollupOptions: { output },
  },
  worker: { format: "es", rollupOptions: { output }, plugins: () => [withoutWasm()] },
  plugins: [extras(), withoutWasm()],
  test: { include: ["tests/**/*.test.ts"], hookTimeout: 120_000, testTimeout: 120_000 },
});
