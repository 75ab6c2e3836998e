import { expect, test } from "vitest";
import { movedRepoFileText, repoFileText } from "./repo-file.ts";

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

test("a .repo file moves with the repository", () => {
  const text = repoFileText("own", "file:///var/repository", false);
  expect(movedRepoFileText(text, "https://host/x")).toBe(
    repoFileText("own", "https://host/x", false),
  );
});
