// Publishing beside createrepo_c, and serving beside nginx, on synthetic packages:
//   node tools/bench/repo-publisher.ts [--packages 10000] [--no-publish] [--no-serve]
// Needs a tools root in the user's store (import a base first); nginx and curl for serving. Works in
// a folder of its own under the system's temporary folder.
import { createHash, randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  defaultStoreFolder,
  run,
  runInSandbox,
  silentLogger,
  start,
  Store,
  type Tools,
} from "@cleanroom/core";
import { type PackageToPublish, publish, serve } from "@cleanroom/repo-publisher";
import { readRpmHeaderBytes } from "rpm-parser";

const { values } = parseArgs({
  allowNegative: true,
  options: {
    packages: { type: "string", default: "10000" },
    publish: { type: "boolean", default: true },
    serve: { type: "boolean", default: true },
  },
});
const packageCount = Number(values.packages);

async function main(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "bench-publisher-"));
  try {
    // nginx's workers are another user.
    await chmod(folder, 0o755);
    if (values.publish) {
      const tools = await toolsRoot();
      const packages = path.join(folder, "repository");
      await makePackages(tools, packages, packageCount + 1);
      await benchPublishing(tools, folder, packages);
    }
    if (values.serve) await benchServing(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function toolsRoot(): Promise<Tools> {
  const roots = path.join(defaultStoreFolder(process.env), "roots");
  const name = (await readdir(roots)).find((one) => one.startsWith("tools-"));
  if (name === undefined) throw new Error(`no tools root in ${roots}: import a base first`);
  return { root: path.join(roots, name), digest: name.slice("tools-".length) };
}

/** One real package, and copies of it under other names of the same length. */
async function makePackages(tools: Tools, folder: string, count: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const files = Array.from({ length: 40 }, (_, index) => `/usr/share/package-000000/file${index}`);
  const requires = Array.from(
    { length: 12 },
    (_, index) => `Requires: library${index} >= 1.${index}`,
  );
  const spec = `Name: package-000000
Version: 1.0
Release: 1
Summary: One of many
License: MIT
BuildArch: noarch
${requires.join("\n")}
%description
Synthetic.
%install
for file in ${files.join(" ")}; do mkdir -p %{buildroot}/usr/share/package-000000; echo > %{buildroot}$file; done
%files
/usr/share/package-000000
%changelog
* Tue Nov 14 2023 Some One <one@example.org> - 1.0-1
- first
`;
  await writeFile(path.join(folder, "one.spec"), spec);
  await runInSandbox(
    { root: tools.root, mounts: [{ source: folder, target: "/work", writable: true }] },
    [
      "sh",
      "-euc",
      "rpmbuild --quiet -bb --define '_topdir /tmp/b' --define '_tmppath /tmp' /work/one.spec; cp /tmp/b/RPMS/*/*.rpm /work/one.rpm",
    ],
  );
  const template = await readFile(path.join(folder, "one.rpm"));
  await rm(path.join(folder, "one.rpm"));
  await rm(path.join(folder, "one.spec"));
  for (let number = 0; number < count; number++) {
    const name = `package-${String(number).padStart(6, "0")}`;
    await writeFile(path.join(folder, `${name}-1.0-1.noarch.rpm`), renamed(template, name));
  }
}

/** The package under another name of the same length, its digests made to fit. */
function renamed(template: Buffer, name: string): Buffer {
  const bytes = Buffer.from(
    template.toString("latin1").replaceAll("package-000000", name),
    "latin1",
  );
  const { headerRange, headerSha256, signature } = headerOf(template);
  const header = bytes.subarray(headerRange.start, headerRange.end);
  replaceIn(bytes, headerSha256, createHash("sha256").update(header).digest("hex"));
  const sha1 = signature.string(269);
  if (sha1 !== undefined) replaceIn(bytes, sha1, createHash("sha1").update(header).digest("hex"));
  const oldMd5 = createHash("md5").update(template.subarray(headerRange.start)).digest();
  const md5 = createHash("md5").update(bytes.subarray(headerRange.start)).digest();
  replaceIn(bytes, oldMd5.toString("latin1"), md5.toString("latin1"));
  return bytes;
}

const headerOf = readRpmHeaderBytes;

function replaceIn(bytes: Buffer, before: string, after: string): void {
  const index = bytes.indexOf(before, 0, "latin1");
  if (index >= 0) bytes.write(after, index, "latin1");
}

/** Wall time, and processor time of this process: the machine may be doing other things. */
async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(2);
  console.log(`${what}: ${seconds} s (${((user + system) / 1e6).toFixed(2)} s of processor)`);
}

async function createrepo(tools: Tools, folder: string, ...more: readonly string[]): Promise<void> {
  await runInSandbox(
    { root: tools.root, mounts: [{ source: folder, target: "/repository", writable: true }] },
    ["createrepo_c", "--quiet", "--general-compress-type=zstd", ...more, "/repository"],
  );
}

async function benchPublishing(tools: Tools, folder: string, packages: string): Promise<void> {
  const store = await Store.open(path.join(folder, "store"), silentLogger);
  const names = (await readdir(packages)).toSorted();
  const blobs: PackageToPublish[] = [];
  for (const name of names) {
    const { sha256 } = await store.putFile(path.join(packages, name));
    blobs.push({ file: path.join(packages, name), sha256 });
  }
  const last = path.join(packages, names.at(-1) ?? "");
  const lastBytes = await readFile(last);
  await rm(last);
  await timed(`createrepo_c, first, ${packageCount}`, () => createrepo(tools, packages));
  await writeFile(last, lastBytes);
  await timed("createrepo_c --update, one more", () => createrepo(tools, packages, "--update"));
  const common = { store, tools, logger: silentLogger, signPackages: false };
  await publish({ ...common, packages: blobs.slice(0, 1), repository: "warm" });
  await timed(`publish, first, ${packageCount}`, () =>
    publish({ ...common, packages: blobs.slice(0, -1) }),
  );
  await timed("publish, one more", () => publish({ ...common, packages: blobs }));
  await timed("publish, one less", () => publish({ ...common, packages: blobs.slice(1) }));
  await timed("publish, the same", () => publish({ ...common, packages: blobs.slice(1) }));
  console.log(`memory: ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB at most`);
}

/** Eight clients download large and small packages over loopback, from nginx and from us in turn. */
async function benchServing(folder: string): Promise<void> {
  const root = path.join(folder, "served");
  const sizes = { large: [8, 40_000_000], small: [50, 100_000] } as const;
  for (const [name, [count, sizeBytes]] of Object.entries(sizes)) {
    await mkdir(path.join(root, "Packages", name), { recursive: true });
    for (let number = 0; number < count; number++) {
      const file = path.join(root, "Packages", name, packageFile(number));
      await writeFile(file, randomBytes(sizeBytes));
    }
  }
  const server = await serve({ folder: root, port: 0, logger: silentLogger });
  const nginx = await startNginx(folder, root);
  const servers = { nginx: nginx.url, ours: server.url };
  for (const round of ["warm-up", "first", "second", "third"]) {
    for (const [name, [count]] of Object.entries(sizes)) {
      for (const [who, url] of Object.entries(servers)) {
        const urls = Array.from({ length: 1600 / (name === "large" ? 50 : 1) }, (_, index) => {
          const file = packageFile(index % count);
          return `url=${url}/Packages/${name}/${file}\noutput=/dev/null\n`;
        });
        await timed(`${round}, ${urls.length} ${name} packages, ${who}`, () =>
          run(
            "curl",
            ["--silent", "--fail", "--parallel", "--parallel-max", "8", "--config", "-"],
            {
              input: urls.join(""),
            },
          ),
        );
      }
    }
  }
  nginx.stop();
  await server.stop();
}

function packageFile(number: number): string {
  return `package-${number}-1-1.noarch.${String(number).padStart(12, "0")}.rpm`;
}

async function startNginx(
  folder: string,
  root: string,
): Promise<{ url: string; stop: () => void }> {
  const port = 9881;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((one) => `${one}_temp_path ${folder}/nginx;`)
    .join(" ");
  const file = path.join(folder, "nginx.conf");
  await writeFile(
    file,
    `daemon off; worker_processes auto; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events {}
http { access_log off; sendfile on; ${temporary} server { listen 127.0.0.1:${port}; root ${root}; } }
`,
  );
  const nginx = start("nginx", ["-c", file]);
  const url = `http://127.0.0.1:${port}`;
  for (let attempt = 0; attempt < 50; attempt++) {
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      break;
    await setTimeout(100);
  }
  return { url, stop: () => nginx.kill() };
}

await main();
