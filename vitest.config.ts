import { configDefaults, defineConfig } from "vitest/config";

/** Real builds and containers: one file at a time, and no test is judged by the clock. */
const slow = { fileParallelism: false, testTimeout: 3_600_000, hookTimeout: 3_600_000 };

const stack = ["e2e/stack.test.ts"];
/** Those that look through a browser. */
const desktop = ["e2e/broadway*/*.test.ts", "e2e/image-report.test.ts"];

export default defineConfig({
  test: {
    globalSetup: ["tools/temporary-files.ts"],
    projects: [
      {
        test: {
          name: "unit",
          setupFiles: ["tools/property-tests.ts"],
          // Far more than any of them takes, so that a busy machine fails none.
          testTimeout: 120_000,
          include: [
            "packages/*/src/**/*.test.ts",
            "tools/*/src/**/*.test.ts",
            "specs/rpm/*/*.test.ts",
          ],
        },
      },
      {
        test: {
          name: "boundaries",
          include: ["tools/boundaries/*.test.ts"],
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["e2e/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...stack, ...desktop],
          ...slow,
        },
      },
      // Both need the whole Gtk+ stack built, which takes longer than all other tests.
      { test: { name: "stack", include: stack, ...slow } },
      { test: { name: "desktop", include: desktop, ...slow } },
    ],
  },
});
