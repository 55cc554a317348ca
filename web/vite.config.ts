import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

import { ICONS } from "./icons.ts";

const require = createRequire(import.meta.url);

/** One `<symbol>` from one file of lucide-static; its stroke attributes move to the `icon` class. */
function symbolOf(name: string, file: string, folder: string): string {
  const svg = readFileSync(join(folder, `${file}.svg`), "utf8");
  const inner = /<svg[^>]*>([\s\S]*)<\/svg>/.exec(svg)?.[1];
  if (inner === undefined) throw new Error(`icon ${file} has no <svg> element`);
  const body = inner.replace(/\s*\n\s*/g, "").trim();
  return `<symbol id="i-${name}" viewBox="0 0 24 24">${body}</symbol>`;
}

/** Writes `icons.svg`, the sprite that the server puts inline into every page. */
function iconSprite(): Plugin {
  return {
    name: "icon-sprite",
    generateBundle() {
      const folder = join(dirname(require.resolve("lucide-static/package.json")), "icons");
      const symbols = Object.entries(ICONS).map(([name, file]) => symbolOf(name, file, folder));
      const source = `<svg xmlns="http://www.w3.org/2000/svg" hidden aria-hidden="true">${symbols.join("")}</svg>\n`;
      this.emitFile({ type: "asset", fileName: "icons.svg", source });
    },
  };
}

/** Puts `.br` and `.gz` beside every text file, so that the server only has to choose. */
function packed(): Plugin {
  return {
    name: "packed",
    apply: "build",
    writeBundle({ dir }, bundle) {
      for (const name of Object.keys(bundle).filter((each) => /^assets\/.*\.(js|css|svg)$/.test(each))) {
        const path = join(dir ?? "dist", name);
        const source = readFileSync(path);
        writeFileSync(`${path}.br`, brotliCompressSync(source));
        writeFileSync(`${path}.gz`, gzipSync(source, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  base: "/",
  publicDir: "public",
  plugins: [iconSprite(), packed()],
  build: {
    outDir: "dist",
    assetsDir: "assets",
    emptyOutDir: true,
    manifest: true,
    assetsInlineLimit: 0,
    target: ["chrome123", "safari17.5", "firefox121"],
    cssTarget: ["chrome123", "safari17.5", "firefox121"],
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { main: "scripts/main.ts" } },
  },
});
