import { describe, expect, test } from "vitest";
import {
  closing,
  describeEnd,
  objectPathOf,
  presenting,
  type Program,
  withBusName,
  withEnded,
  withoutBusName,
  withStarted,
} from "./programs.js";

const start = (pid: number, application = "a.desktop") => ({
  pid,
  application,
  name: "A",
  icon: "a",
});
const running = (pid: number): Program[] => withStarted([], start(pid));

describe("a program", () => {
  test("that ends well goes", () => {
    expect(withEnded(running(5), 5, { code: 0 })).toEqual([]);
  });

  test.each([{ code: 3 }, { signal: 9 }])("that dies (%o) stays to be seen", (end) => {
    const [program, ...others] = withEnded(running(5), 5, end);
    expect(others).toEqual([]);
    expect(program).toMatchObject({ pid: 5, name: "A", end, busName: undefined });
  });

  test("that was asked to close goes, however it ends", () => {
    const { programs } = closing(running(5), 5);
    expect(withEnded(programs, 5, { signal: 15 })).toEqual([]);
  });

  test("that is started again is not mourned any longer", () => {
    const dead = withEnded(running(5), 5, { signal: 9 });
    expect(withStarted(dead, start(6)).map(({ pid }) => pid)).toEqual([6]);
    expect(withStarted(dead, start(6, "b.desktop")).map(({ pid }) => pid)).toEqual([5, 6]);
  });

  test("another process with its number is not it", () => {
    const dead = withEnded(running(5), 5, { signal: 9 });
    expect(withEnded(dead, 5, { code: 0 })).toEqual(dead);
    expect(withBusName(dead, 5, "org.a")).toEqual(dead);
  });
});

describe("names on the bus", () => {
  test("the first name stays until it is lost", () => {
    const named = withBusName(withBusName(running(5), 5, "org.a"), 5, "org.b");
    expect(named[0]?.busName).toBe("org.a");
    expect(withoutBusName(named, "org.b")).toEqual(named);
    expect(withoutBusName(named, "org.a")[0]?.busName).toBeUndefined();
  });

  test("a program with windows is brought forward by them, another one by its own name", () => {
    const [plain] = running(5);
    const [named] = withBusName(running(5), 5, "org.a");
    const [both] = withBusName(withBusName(running(5), 5, "org.cleanroom.Program.p5"), 5, "org.a");
    expect(plain && presenting(plain)).toBeUndefined();
    expect(named && presenting(named)).toEqual({
      ...{ name: "org.a", path: "/org/a", call: "org.freedesktop.Application.Activate" },
    });
    expect(both && presenting(both)).toEqual({
      name: "org.cleanroom.Program.p5",
      path: "/org/cleanroom/Windows",
      call: "org.cleanroom.Windows.Present",
    });
    expect(both?.busName).toBe("org.a");
  });

  test("objectPathOf", () => {
    expect(objectPathOf("org.a-b.C")).toBe("/org/a_b/C");
  });
});

describe("closing", () => {
  test("asks, then ends, then kills", () => {
    let programs = withBusName(running(5), 5, "org.cleanroom.Program.p5");
    const actions = [1, 2, 3, 4].map(() => {
      const step = closing(programs, 5);
      programs = step.programs;
      return step.action;
    });
    expect(actions).toEqual(["ask", "terminate", "kill", "kill"]);
  });

  test("what has no windows that can be asked", () => {
    expect(closing(running(5), 5).action).toBe("terminate");
  });

  test("what is dead is taken off", () => {
    const dead = withEnded(running(5), 5, { signal: 9 });
    expect(closing(dead, 5)).toEqual({ programs: [], action: "forget" });
  });

  test("what is not there is left alone", () => {
    expect(closing(running(5), 6)).toEqual({ programs: running(5), action: "nothing" });
  });
});

test.each([
  [{ code: 3 }, "exit code 3"],
  [{ signal: 9 }, "killed, signal 9"],
  [{ signal: 11 }, "crash, signal 11"],
  [{ signal: 40 }, "signal 40"],
])("describeEnd(%o)", (end, text) => {
  expect(describeEnd(end)).toBe(text);
});
