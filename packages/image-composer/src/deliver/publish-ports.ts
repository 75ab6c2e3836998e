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
 * @param held ports that are free in a moment: those of a container that is about to be replaced
 * @throws {CleanroomError} `port-unknown`, `port-invalid`, `port-taken`, `address-unusable`
 */
export async function choosePorts(
  exposed: readonly number[],
  requests: readonly PortRequest[],
  address: string,
  held: ReadonlySet<number> = new Set(),
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
    if (host !== undefined) await checkPort(host, address, held);
    const chosen = host ?? (await freePort(container, address, held));
    ports.push({ container, address, host: chosen });
  }
  return ports;
}

/**
 * That a port can be published.
 *
 * @throws {CleanroomError} `port-invalid`, `port-taken`, `address-unusable`
 */
export async function checkPort(
  port: number,
  address: string,
  held: ReadonlySet<number>,
): Promise<void> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new CleanroomError("port-invalid", `${port} is no port`, {
      exitCode: 2,
      hint: "ports are whole numbers from 1 to 65535",
    });
  }
  if (held.has(port) || (await listenOnce(port, address)) !== undefined) return;
  throw new CleanroomError("port-taken", `port ${port} of ${address} is taken`, {
    exitCode: 2,
    hint: "choose another one with --port, or leave it out",
  });
}

/**
 * That ports can be published at an address.
 *
 * @throws {CleanroomError} `address-unusable` where it is none of this machine
 */
export async function checkAddress(address: string): Promise<void> {
  await listenOnce(0, address);
}

/** The container's own number, or any that is free. */
async function freePort(
  container: number,
  address: string,
  held: ReadonlySet<number>,
): Promise<number> {
  if (held.has(container)) return container;
  const free = (await listenOnce(container, address)) ?? (await listenOnce(0, address));
  if (free !== undefined) return free;
  throw new CleanroomError("port-taken", `no port of ${address} is free`, { exitCode: 2 });
}

/** Listens for a moment: the port, or undefined when it is taken. 0 lets the kernel choose. */
async function listenOnce(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (cause: NodeJS.ErrnoException) => {
      if (cause.code === "EADDRINUSE" || cause.code === "EACCES") resolve(undefined);
      else {
        reject(
          new CleanroomError("address-unusable", `${host} is no address of this machine`, {
            exitCode: 2,
            hint: "--bind takes one that `ip address` lists; 0.0.0.0 is all of them",
            cause,
          }),
        );
      }
    });
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      const found = typeof address === "object" ? address?.port : undefined;
      server.close(() => resolve(found));
    });
  });
}
