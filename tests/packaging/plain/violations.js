// Before anything else, so that nothing that a policy forbids goes unseen.
const seen = [];
addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sample }) =>
  seen.push({ effectiveDirective, blockedURI, sample }),
);

/** What was forbidden so far. The report of a violation comes a moment after it. */
globalThis.violations = () => new Promise((resolve) => setTimeout(() => resolve(seen), 200));
