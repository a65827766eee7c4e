import type { Plugin } from "vite";

/** Nothing but our own files; WebAssembly may be compiled, strings may not be run. */
export const policy = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
].join("; ");

/** Writes the policy into the built page, so that it holds whoever serves it. */
export function contentSecurityPolicy(): Plugin {
  return {
    name: "fieldbook:policy",
    apply: "build",
    transformIndexHtml: () => [
      { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: policy }, injectTo: "head-prepend" },
    ],
  };
}
