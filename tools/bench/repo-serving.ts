import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { run, silentLogger, start } from "@cleanroom/core";
import { serve } from "@cleanroom/repo-publisher";
import { report, type Times } from "./side-by-side.ts";

const curlArguments = ["--silent", "--fail", "--parallel", "--parallel-max", "8", "--config", "-"];

/** Eight clients download large and small packages over loopback, from nginx and from us in turn. */
export async function benchServing(folder: string, runs: number): Promise<void> {
  const root = path.join(folder, "served");
  // How many, their size in bytes, and how many downloads.
  const sizes = { large: [8, 40_000_000, 64], small: [50, 100_000, 3200] } as const;
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
  for (const [name, [count, , downloads]] of Object.entries(sizes)) {
    const times: Times = { ours: [], peer: [] };
    // The first round is a warm-up.
    for (let round = 0; round <= runs; round++) {
      for (const [who, url] of Object.entries(servers)) {
        const urls = Array.from({ length: downloads }, (_, index) => {
          const file = packageFile(index % count);
          return `url=${url}/Packages/${name}/${file}\noutput=/dev/null\n`;
        });
        const { durationMs } = await run("curl", [...curlArguments], { input: urls.join("") });
        if (round > 0) times[who === "ours" ? "ours" : "peer"].push(durationMs);
      }
    }
    report(`8 clients, ${downloads} ${name} packages`, "nginx", times);
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
