// Prints what a scanner finds in an image's archive, one `name version` a line: node scan.js ARCHIVE
import scanner from "snyk-docker-plugin";

const { scanResults } = await scanner.scan({ path: `docker-archive:${process.argv[2]}` });
for (const { identity, facts } of scanResults) {
  if (identity.type !== "rpm") continue;
  const graph = facts.find(({ type }) => type === "depGraph").data;
  for (const { name, version } of graph.getDepPkgs()) console.log(`${name} ${version ?? ""}`);
}
