import { describe, expect, test } from "vitest";
import { addAccounts } from "./accounts.ts";
import { imageFileSchema } from "../image-file.ts";

const accounts = (value: object): Parameters<typeof addAccounts>[2] =>
  imageFileSchema.parse({ base: "b", packages: ["p"], accounts: value }).accounts;

const passwd = "root:x:0:0:root:/root:/bin/bash\nmail:x:8:8:mail:/var/mail:/usr/sbin/nologin\n";
const group = "root:x:0:\nmail:x:8:\naudio:x:29:\n";

describe("accounts", () => {
  test("are added to the root's own, with a group of the same name", () => {
    const user = { uid: 1000, home: "/home/user", shell: "/bin/sh", groups: ["audio"] };
    const result = addAccounts(passwd, group, accounts({ user }));
    expect(result.passwd).toBe(`${passwd}user:x:1000:1000::/home/user:/bin/sh\n`);
    expect(result.group).toBe("root:x:0:\nmail:x:8:\naudio:x:29:user\nuser:x:1000:\n");
    expect(result.uids.get("mail")).toBe(8);
    expect(result.primaryGids.get(1000)).toBe(1000);
  });

  test("an image without an account package knows root", () => {
    const result = addAccounts("", "", {});
    expect(result.passwd).toBe("root:x:0:0:root:/root:/usr/sbin/nologin\n");
    expect(result.gids.get("root")).toBe(0);
  });

  test.each([
    [{ mail: { uid: 1000 } }, "account mail (uid 1000) is taken by: mail:x:8"],
    [{ user: { uid: 8 } }, "account user (uid 8) is taken by: mail:x:8"],
    [{ audio: { uid: 1000 } }, "group audio (gid 1000) is taken by: audio:x:29"],
    [{ user: { uid: 1000, groups: ["video"] } }, "account user: no group video"],
  ])("%j is refused", (value, message) => {
    expect(() => addAccounts(passwd, group, accounts(value))).toThrow(message);
  });
});
