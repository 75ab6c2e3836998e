import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { CleanroomError, messageOf, sha256File } from "@cleanroom/core";
import type { ExportTarget, FileProperties } from "./target.ts";

/** Where and how to reach a bucket; what is absent comes from the AWS environment and files. */
export interface S3Options {
  /** Of a service other than Amazon's; its buckets are addressed by path. */
  readonly endpoint?: string;
  readonly region?: string;
}

/**
 * A bucket, or a part of one: `s3://bucket/prefix`. Credentials come from where the AWS tools find
 * them. An object is replaced in one step, as S3 does it.
 *
 * @throws CleanroomError `export-failed` from each operation
 */
export function s3Target(url: URL, { endpoint, region }: S3Options): ExportTarget {
  const bucket = url.hostname;
  const prefix = decodeURIComponent(url.pathname)
    .replace(/^\//, "")
    .replace(/(?<=[^/])$/, "/");
  // Other services than Amazon's have no regions, but their signatures name one.
  const named = region ?? process.env["AWS_REGION"] ?? (endpoint && "us-east-1");
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(named === undefined ? {} : { region: named }),
    // Digests are given below where they are known; trailing ones not every service understands.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  const at = (location: string): { Bucket: string; Key: string } => ({
    Bucket: bucket,
    Key: `${prefix}${location}`,
  });
  const attempt = async <Result>(what: string, work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      throw new CleanroomError("export-failed", `${what} in ${url.href}: ${messageOf(error)}`, {
        cause: error,
        hint: "check the bucket's name, the credentials and the endpoint",
      });
    }
  };
  return {
    name: url.href,
    list: () =>
      attempt("cannot list the objects", async () => {
        const sizes = new Map<string, number>();
        let token: string | undefined;
        do {
          const page = await client.send(
            new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }),
          );
          for (const { Key = "", Size = 0 } of page.Contents ?? []) {
            sizes.set(Key.slice(prefix.length), Size);
          }
          token = page.NextContinuationToken;
        } while (token !== undefined);
        return sizes;
      }),
    read: (location) =>
      attempt(`cannot read ${location}`, async () => {
        try {
          const { Body } = await client.send(new GetObjectCommand(at(location)));
          return await Body?.transformToString();
        } catch (error) {
          if (error instanceof NoSuchKey) return undefined;
          throw error;
        }
      }),
    putFile: (location, file, properties) =>
      attempt(`cannot write ${location}`, async () => {
        const { size } = await stat(file);
        await client.send(
          new PutObjectCommand({
            ...at(location),
            ...headersOf(properties),
            Body: createReadStream(file),
            ContentLength: size,
            ChecksumSHA256: Buffer.from(await sha256File(file), "hex").toString("base64"),
          }),
        );
      }),
    putText: (location, text, properties) =>
      attempt(`cannot write ${location}`, async () => {
        await client.send(
          new PutObjectCommand({ ...at(location), ...headersOf(properties), Body: text }),
        );
      }),
    remove: (location) =>
      attempt(`cannot remove ${location}`, async () => {
        await client.send(new DeleteObjectCommand(at(location)));
      }),
  };
}

function headersOf({ contentType, immutable }: FileProperties): {
  ContentType: string;
  CacheControl: string;
} {
  const cacheControl = immutable ? "public, max-age=31536000, immutable" : "no-cache";
  return { ContentType: contentType, CacheControl: cacheControl };
}
