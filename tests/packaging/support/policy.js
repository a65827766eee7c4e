/** The strictest policy that lets WebAssembly run. */
export const STRICT = {
  "default-src": "'none'",
  "script-src": "'self' 'wasm-unsafe-eval'",
  "connect-src": "'self'",
  // Browsers ask for an icon by themselves.
  "img-src": "'self'",
  "base-uri": "'none'",
  "require-trusted-types-for": "'script'",
  "trusted-types": "'none'",
};

/** Has a server send the policy with everything. */
export function withPolicy(policy) {
  const directives = Object.entries(policy).map((directive) => directive.join(" "));
  return { headers: { "content-security-policy": directives.join("; ") } };
}
