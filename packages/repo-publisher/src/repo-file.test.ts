import { expect, test } from "vitest";
import { repoFileText } from "./repo-file.ts";

test("a .repo file switches on both signature checks", () => {
  expect(repoFileText("cleanroom", "http://host:9999")).toBe(`[cleanroom]
name=cleanroom
baseurl=http://host:9999/
enabled=1
type=rpm-md
gpgcheck=1
repo_gpgcheck=1
gpgkey=http://host:9999/RPM-GPG-KEY-cleanroom
metadata_expire=60
`);
});
