import { expect, test } from "vitest";
import { adapt } from "./container-engine.ts";

const plain = { isRoot: true, capabilities: 0x1ff_ffff_ffffn, hybridCgroups: false, hasRunc: true };

test("plain defaults where nothing is withheld", () => {
  expect(adapt("podman", plain)).toEqual({
    name: "podman",
    globalArguments: [],
    runArguments: [],
    adaptations: [],
  });
});

test("without CAP_SYS_RESOURCE the limits stay low, and it says so", () => {
  const engine = adapt("podman", { ...plain, capabilities: 0x1ff_feff_ffffn });
  expect(engine.runArguments).toEqual([
    "--ulimit",
    "nofile=1024:1024",
    "--ulimit",
    "nproc=1024:1024",
  ]);
  expect(engine.adaptations[0]).toContain("CAP_SYS_RESOURCE");
});

test("hybrid cgroups need runc", () => {
  const engine = adapt("podman", { ...plain, hybridCgroups: true });
  expect(engine.globalArguments).toEqual(["--runtime", "runc"]);
  expect(engine.adaptations[0]).toContain("runc");
});

test("docker's daemon and rootless podman adapt by themselves", () => {
  const poor = { ...plain, capabilities: 0n, hybridCgroups: true };
  expect(adapt("docker", poor).runArguments).toEqual([]);
  expect(adapt("podman", { ...poor, isRoot: false }).adaptations).toEqual([]);
});
