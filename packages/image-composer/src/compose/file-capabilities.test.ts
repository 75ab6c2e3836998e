import { expect, test } from "vitest";
import { capabilityAttribute } from "./file-capabilities.ts";

const hex = (text: string): string => Buffer.from(capabilityAttribute(text)).toString("hex");

// The values that setcap(8) writes for the same texts, as getfattr(1) shows them.
test.each([
  ["cap_net_raw=ep", "0100000200200000000000000000000000000000"],
  ["cap_net_bind_service=p", "0000000200040000000000000000000000000000"],
  ["cap_setuid,cap_setgid+ep", "01000002c0000000000000000000000000000000"],
  ["cap_checkpoint_restore=ei", "0100000200000000000000000000000000010000"],
])("%s", (text, expected) => {
  expect(hex(text)).toBe(expected);
});

test("a name that no kernel knows is refused", () => {
  expect(() => capabilityAttribute("cap_fly=ep")).toThrow("not a file capability: cap_fly=ep");
});
