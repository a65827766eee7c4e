import { defineConfig } from "vite";

// Nothing here is for tidekeep's sake: the package has to work in a project that does not prepare for it.
export default defineConfig({
  build: {
    outDir: "dist/vite",
    rolldownOptions: {
      input: { page: "index.html", "service-worker": "src/service-worker.ts" },
      output: { entryFileNames: "[name].js" },
    },
  },
});
