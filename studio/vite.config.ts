import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

const platform = process.env.KUMOI_URL ?? "http://127.0.0.1:4566";

const later = /elkjs|src\/(break|cost)\/|screens\/(Break|Cost)\.svelte/;

export default defineConfig({
  base: "/_kumoi/studio/",
  plugins: [svelte()],
  build: {
    outDir: "../kumoi/studio/dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    cssCodeSplit: false,
    // One file compresses better than one a screen. What comes when it is needed: the layout engine, ten times as large,
    // and the screens that one opens on purpose.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "app", test: (id) => !later.test(id) }] } } },
    chunkSizeWarningLimit: 2000,
  },
  server: { proxy: { "^/_kumoi/(studio/api|faults|sweep|cost|clock)": platform } },
  test: { include: ["src/**/*.test.ts"] },
});
