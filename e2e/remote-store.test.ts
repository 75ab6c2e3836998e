import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type CommandResult, defaultStoreFolder } from "@cleanroom/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Lie, type StartedServer, startLiar, startNginx } from "./remote-store-servers.ts";
import { importedBase } from "./repo-publisher-fixture.ts";
import { Workspace } from "./workspace.ts";

const spec = (name: string, more = ""): string => `Name: ${name}
Version: 1.0
Release: 1%{?dist}
Summary: A package of the tests
License: MIT
BuildArch: noarch
${more}
%description
A package of the tests.
%install
mkdir -p %{buildroot}/usr/share/%{name}
seq 20000 > %{buildroot}/usr/share/%{name}/content
%files
/usr/share/%{name}
%changelog
* Tue Jan 06 2026 Some One <one@example.org> - 1.0-1
- The first one
`;

let workspace: Workspace;
let folder: string;
let nginx: StartedServer;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "shared-"));
  await importedBase();
  workspace = await Workspace.copy();
  await rm(workspace.path("specs/rpm"), { recursive: true });
  for (const [name, text] of Object.entries({
    world: spec("world"),
    hello: spec("hello", "BuildRequires: world"),
  })) {
    await mkdir(workspace.path("specs/rpm", name), { recursive: true });
    await writeFile(workspace.path("specs/rpm", name, `${name}.spec`), text);
  }
  nginx = await startNginx(path.join(folder, "nginx"));
});

afterAll(async () => {
  await nginx.stop();
  await rm(folder, { recursive: true, force: true });
  await rm(workspace.folder, { recursive: true, force: true });
});

/** A store that has the base of the user's store and its roots, and no result of anything. */
async function emptyStore(name: string): Promise<string> {
  const store = path.join(folder, name);
  const full = defaultStoreFolder(process.env);
  await mkdir(path.join(store, "repos"), { recursive: true });
  await symlink(path.join(full, "roots"), path.join(store, "roots"));
  for (const repository of await readdir(path.join(full, "repos"))) {
    if (!repository.startsWith("base-")) continue;
    await symlink(path.join(full, "repos", repository), path.join(store, "repos", repository));
  }
  return store;
}

interface Remote {
  readonly url: string;
  readonly writes?: boolean;
  readonly trust?: string;
}

async function cleanroom(
  store: string,
  args: readonly string[],
  { url, writes = false, trust = "" }: Remote,
): Promise<CommandResult> {
  return workspace.cleanroom([...args, "--store", store], {
    env: {
      ...(process.env as Record<string, string>),
      CLEANROOM_REMOTE: url,
      CLEANROOM_REMOTE_MODE: writes ? "read-write" : "read",
      CLEANROOM_REMOTE_TRUST: trust,
    },
  });
}

interface Outcome {
  /** What had to be built. */
  readonly built: readonly string[];
  /** Digests of all outputs but the log. */
  readonly outputs: readonly string[];
  readonly stderr: string;
}

async function build(store: string, remote: Remote, ...names: readonly string[]): Promise<Outcome> {
  const { exitCode, stdout, stderr } = await cleanroom(
    store,
    ["rpm", "build", ...names, "--json"],
    remote,
  );
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  const results = JSON.parse(stdout) as readonly {
    name: string;
    rpms: readonly { sha256: string }[];
    spec: string;
    provenance: string;
  }[];
  return {
    built: [...stderr.matchAll(/^(\w+): built/gm)].map(([, name = ""]) => name),
    outputs: results.flatMap((one) => [
      ...one.rpms.map(({ sha256 }) => sha256),
      one.spec,
      one.provenance,
    ]),
    stderr,
  };
}

async function publicKey(store: string): Promise<string> {
  const { stdout } = await cleanroom(store, ["cache", "remote", "--json"], { url: "off" });
  return (JSON.parse(stdout) as { publicKey: string }).publicKey;
}

describe("two stores and an nginx", () => {
  let key: string;
  let first: Outcome;

  beforeAll(async () => {
    const store = await emptyStore("first");
    key = await publicKey(store);
    first = await build(store, { url: nginx.url, writes: true });
  });

  test("one builds and writes", () => {
    expect(first.built).toEqual(["world", "hello"]);
    expect(first.stderr).toContain(`world: written to ${nginx.url}`);
    expect(first.stderr).toContain(`hello: written to ${nginx.url}`);
  });

  test("the other one, which trusts it, gets everything without building", async () => {
    const second = await build(await emptyStore("second"), { url: nginx.url, trust: key });
    expect(second.built).toEqual([]);
    expect(second.stderr).toContain(`hello: fetched from ${nginx.url}`);
    expect(second.stderr).not.toContain("preparing the build root");
    expect(second.outputs).toEqual(first.outputs);
    const again = await build(path.join(folder, "second"), { url: nginx.url, trust: key });
    expect(again.stderr).not.toContain("fetched");
  });

  test("specs/remote.yaml says the same for all who work here", async () => {
    const text = `url: ${nginx.url}\ntrust:\n  - ${key}\n`;
    await writeFile(workspace.path("specs/remote.yaml"), text);
    const result = await workspace.cleanroom([
      ...["rpm", "build", "world", "--store", await emptyStore("file")],
    ]);
    await rm(workspace.path("specs/remote.yaml"));
    expect(result.stderr).toContain(`world: fetched from ${nginx.url}`);
  });

  test("one that does not trust it builds itself, and says whom it would have to trust", async () => {
    const store = await emptyStore("distrustful");
    const { built, outputs, stderr } = await build(store, { url: nginx.url }, "world");
    expect(built).toEqual(["world"]);
    expect(stderr).toContain(`${key} signed are not used, because that key is not trusted`);
    expect(first.outputs).toEqual(expect.arrayContaining([...outputs]));
  });

  test("--remote off asks nobody", async () => {
    const store = await emptyStore("alone");
    const { stderr } = await cleanroom(store, ["rpm", "build", "world", "--remote", "off"], {
      url: nginx.url,
      trust: key,
    });
    expect(stderr).toContain("world: built");
  });

  test("cache remote says whether it answers, cache push writes what was built before", async () => {
    const store = path.join(folder, "alone");
    const empty = await startNginx(path.join(folder, "empty"));
    try {
      const remote = { url: empty.url, writes: true };
      const shown = await cleanroom(store, ["cache", "remote"], remote);
      expect(shown.stdout).toContain(`${empty.url}: it answers`);
      expect(shown.stdout).toContain("mode: read-write");
      expect((await cleanroom(store, ["cache", "push", "world"], remote)).exitCode).toBe(0);
      const trust = await publicKey(store);
      const other = await build(await emptyStore("other"), { url: empty.url, trust }, "world");
      expect(other.built).toEqual([]);
    } finally {
      await empty.stop();
    }
    const dead = await cleanroom(store, ["cache", "remote"], { url: empty.url });
    expect(dead).toMatchObject({ exitCode: 1 });
    expect(dead.stdout).toContain("ECONNREFUSED");
    const refused = await cleanroom(store, ["cache", "push", "world"], { url: empty.url });
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.stderr).toContain("CLEANROOM_REMOTE_MODE=read-write");
  });

  test("an nginx whose disk is full costs a warning", async () => {
    const full = await startNginx(path.join(folder, "full"), { room: "40k" });
    try {
      const store = await emptyStore("writer");
      const { built, stderr, outputs } = await build(store, { url: full.url, writes: true });
      expect(built).toEqual(["world", "hello"]);
      expect(outputs).toEqual(first.outputs);
      expect(stderr).toMatch(/warning: remote store: PUT \S+: HTTP 5/);
      const trust = await publicKey(store);
      const reader = await build(await emptyStore("reader"), { url: full.url, trust });
      expect(reader.outputs).toEqual(first.outputs);
    } finally {
      await full.stop();
    }
  });

  test("a server that is gone costs a warning", async () => {
    const gone = await startNginx(path.join(folder, "gone"));
    await gone.stop();
    const store = await emptyStore("lonely");
    const { built, stderr, outputs } = await build(store, { url: gone.url, writes: true });
    expect(built).toEqual(["world", "hello"]);
    expect(outputs).toEqual(first.outputs);
    expect(stderr).toContain("warning: remote store: ");
  });

  const lies: Readonly<Record<string, Lie>> = {
    "spoils every last byte": (_request, { status, body }, response) => {
      const spoilt = Buffer.from(body);
      if (spoilt.length > 0) spoilt[spoilt.length - 1] = (spoilt.at(-1) ?? 0) ^ 1;
      response.writeHead(status, { "content-length": spoilt.length }).end(spoilt);
    },
    "sends half": (_request, { status, body }, response) => {
      response.writeHead(status).end(body.subarray(0, body.length / 2));
    },
    "hangs up in the middle": (_request, { status, body }, response) => {
      response.writeHead(status, { "content-length": body.length });
      response.write(body.subarray(0, body.length / 2), () => response.socket?.destroy());
    },
    "has one answer to everything": (_request, _honest, response) => {
      response.writeHead(200).end("<html>Welcome!</html>");
    },
  };

  test.each(Object.entries(lies))(
    "a server that %s never gets a wrong byte in",
    async (name, lie) => {
      const liar = await startLiar(nginx.url, () => lie);
      try {
        const store = await emptyStore(`liar-${name.replaceAll(" ", "-")}`);
        const remote = { url: liar.url, trust: key };
        const { outputs, stderr } = await build(store, remote);
        expect(outputs).toEqual(first.outputs);
        expect(stderr).toContain("warning: remote store: ");
      } finally {
        await liar.stop();
      }
    },
  );

  test("a server that swaps results and blobs never gets a wrong byte in", async () => {
    const names = await readdir(path.join(folder, "nginx/data/ac"));
    const results = await Promise.all(
      names.map((name) => readFile(path.join(folder, "nginx/data/ac", name))),
    );
    // Each answer about an action is that of the other one, well signed.
    const swap: Lie = ({ url = "" }, { status, body }, response) => {
      const other = results.find((one) => !one.equals(body));
      response.writeHead(status).end(url.startsWith("/ac/") ? other : body);
    };
    const liar = await startLiar(nginx.url, ({ method }) => (method === "GET" ? swap : undefined));
    try {
      const remote = { url: liar.url, trust: key };
      const { built, outputs, stderr } = await build(await emptyStore("swapped"), remote);
      expect(built).toEqual(["world", "hello"]);
      expect(outputs).toEqual(first.outputs);
      expect(stderr).toContain("is that of another action");
    } finally {
      await liar.stop();
    }
  });
});
