import fc from "fast-check";

// Continuous integration judges a change, and must not fail on a case that no change brought; every
// run elsewhere looks at new cases, and what it finds becomes a test.
if (process.env["CI"] !== undefined) fc.configureGlobal({ seed: 1 });
