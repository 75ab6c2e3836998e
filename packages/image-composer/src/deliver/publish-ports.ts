import { createServer } from "node:net";
import { CleanroomError } from "@cleanroom/core";

/** A port to publish; without `container` the image's first one. */
export interface PortRequest {
  readonly container?: number;
  /** Without it the container's own number, or a free one when that is taken. */
  readonly host?: number;
}

/** A published port. */
export interface PublishedPort {
  readonly container: number;
  readonly address: string;
  readonly host: number;
}

/** Where a browser finds a published port. */
export function urlOf({ address, host }: PublishedPort): string {
  return `http://${bracketed(address)}:${host}/`;
}

/** An address as it stands before a port (RFC 3986, section 3.2.2). */
export function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** Whether only this machine reaches an address. */
export function isLoopback(address: string): boolean {
  return address === "::1" || address === "localhost" || /^127\.\d+\.\d+\.\d+$/.test(address);
}

/**
 * Chooses a host port for each port of an image.
 *
 * @param exposed the image's TCP ports
 * @param address host address to publish at
 * @throws {CleanroomError} `port-unknown`, `port-taken`
 */
export async function choosePorts(
  exposed: readonly number[],
  requests: readonly PortRequest[],
  address: string,
): Promise<readonly PublishedPort[]> {
  const wanted = new Map<number, number | undefined>(exposed.map((port) => [port, undefined]));
  for (const { container = exposed[0], host } of requests) {
    if (container === undefined) {
      throw new CleanroomError("port-unknown", "the image has no port to publish", {
        exitCode: 2,
        hint: "name it in image.yaml under ports",
      });
    }
    wanted.set(container, host);
  }
  const ports: PublishedPort[] = [];
  for (const [container, host] of wanted) {
    ports.push({ container, address, host: await hostPort(container, host, address) });
  }
  return ports;
}

async function hostPort(
  container: number,
  wanted: number | undefined,
  address: string,
): Promise<number> {
  const free = await listenOnce(wanted ?? container, address);
  if (free !== undefined) return free;
  if (wanted !== undefined) {
    throw new CleanroomError("port-taken", `port ${wanted} of ${address} is taken`, {
      exitCode: 2,
      hint: "choose another one with --port, or leave it out",
    });
  }
  const any = await listenOnce(0, address);
  if (any !== undefined) return any;
  throw new CleanroomError("port-taken", `no port of ${address} is free`, { exitCode: 2 });
}

/** Listens for a moment: the port, or undefined when it is taken. 0 lets the kernel choose. */
async function listenOnce(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      const found = typeof address === "object" ? address?.port : undefined;
      server.close(() => resolve(found));
    });
  });
}
