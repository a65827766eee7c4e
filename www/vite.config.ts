import { defineConfig } from "vite";
import { contentSecurityPolicy, policy } from "./build/policy.ts";
import { serviceWorker } from "./build/service-worker.ts";
import { world } from "./build/world.ts";

/** Where the sync endpoint listens while Vite serves the page: to the page it is the same origin. */
const endpoint = process.env["FIELDBOOK_ENDPOINT"] ?? "http://127.0.0.1:8787";
const proxy = { "/v1": endpoint, "/dev": endpoint };

export default defineConfig({
  plugins: [world(), contentSecurityPolicy(), serviceWorker("src/background/sw.ts")],
  // tidekeep finds its WebAssembly beside its own module, which pre-bundling would move.
  optimizeDeps: { exclude: ["tidekeep"] },
  worker: { format: "es" },
  build: {
    target: "es2023",
    // The policy allows no data: URLs, and what is a file of its own can be cached by itself.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 300,
    modulePreload: { polyfill: false },
  },
  server: { proxy },
  preview: { proxy, headers: { "Content-Security-Policy": policy } },
});
