import { closeSync, readSync } from "node:fs";
import type { ServerResponse } from "node:http";

/** Pieces of this size stay in the processor's cache on their way through this program. */
const pieceBytes = 256 * 1024;

/** Buffers that no answer is using. */
const idleBuffers: Buffer[] = [];

/**
 * Sends bytes of a file as fast as the client takes them, ends the response and closes the file; where
 * they cannot be read, or the file turns out to be shorter, the connection breaks off. It is read in
 * step with the event loop, as nginx's workers read: what is downloaded often is in memory, where to
 * hand a piece to another thread takes several times as long as to copy it.
 *
 * @param descriptor of the open file, which is nobody else's
 */
export function sendBytes(
  descriptor: number,
  { start, count }: { readonly start: number; readonly count: number },
  response: ServerResponse,
): void {
  // A client that has gone already: nobody would tell when to close the file.
  if (response.destroyed) return closeSync(descriptor);
  const buffer = idleBuffers.pop() ?? Buffer.allocUnsafeSlow(pieceBytes);
  let position = start;
  let left = count;
  // A buffer whose bytes may be under way still is not used again.
  const release = (): unknown => idleBuffers.push(buffer);
  const sendNext = (): void => {
    const bytesRead = readOrNothing(descriptor, buffer, Math.min(left, pieceBytes), position);
    const piece = buffer.subarray(0, bytesRead);
    position += bytesRead;
    left -= bytesRead;
    if (left === 0) response.end(piece, release);
    else if (bytesRead === 0) response.destroy();
    else {
      response.write(piece, (error) => {
        if (error === undefined || error === null) sendNext();
      });
    }
  };
  sendNext();
  // Most are small, and read whole by now.
  if (left === 0) closeSync(descriptor);
  else response.once("close", () => closeSync(descriptor));
}

function readOrNothing(file: number, buffer: Buffer, count: number, position: number): number {
  try {
    return readSync(file, buffer, 0, count, position);
  } catch {
    return 0;
  }
}
