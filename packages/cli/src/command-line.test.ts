import { beforeEach, expect, test, vi } from "vitest";
import { runCommandLine } from "./command-line.ts";

let errors: string;

beforeEach(() => {
  errors = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    errors += String(text);
    return true;
  });
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
});

test.each([
  [[], "which command?"],
  [["bild"], "Did you mean"],
  [["rpm"], "rpm what? build, explain, shell, dev, lint or srpm"],
  [["rpm", "bild"], "Did you mean build?"],
  [["up", "--nope"], "Unknown argument: nope"],
  [["--log-format", "xml", "cache", "show"], "Invalid values"],
])("%j is a usage error that says what to do", async (argv, message) => {
  expect(await runCommandLine(argv)).toBe(2);
  expect(errors).toContain(`error: ${message}`);
  expect(errors).toContain("next: ./cleanroom --help");
});

test("a file that is not there is told by its name", async () => {
  expect(await runCommandLine(["spec", "query", "/no/such.spec"])).toBe(2);
  expect(errors).toBe("error: /no/such.spec is not there\n");
});
