import { importKey, rotateKey, signingKey, type SigningKey } from "@cleanroom/repo-publisher";
import { CleanroomError } from "@cleanroom/core";
import type { CommandModule } from "yargs";
import { readRepositorySettings, readTextFile } from "../repository-settings.ts";
import { type GlobalOptions, Session } from "../session.ts";

/** Runs one operation on the key that signs the repository, and prints what the key is then. */
async function withKey(
  options: GlobalOptions,
  operation: (context: Parameters<typeof signingKey>[0], name: string) => Promise<SigningKey>,
): Promise<void> {
  const session = new Session(options);
  const { key: name } = (await readRepositorySettings()).publishing;
  if (name === undefined) {
    throw new CleanroomError("key-elsewhere", "a command signs, and it alone has the key", {
      place: { file: "specs/repository.yaml" },
      exitCode: 2,
      hint: "say `signing: { key: NAME }` there for a key of the store",
    });
  }
  const store = await session.store();
  const { tools } = await session.base();
  const { fingerprint, publicKey, retiring } = await operation(
    { store, tools, logger: session.logger },
    name,
  );
  const old = retiring.map((one) => one.fingerprint);
  session.print(
    { name, fingerprint, publicKey, retiring: old },
    [
      `${name}: ${fingerprint}`,
      ...old.map((one) => `  ${one} signs the metadata too, until clients know the new key`),
    ].join("\n"),
  );
}

export const repoKeyCommand: CommandModule<object, GlobalOptions> = {
  command: "key",
  describe: "The key that signs",
  builder: (parser) =>
    parser
      .command<GlobalOptions>(
        "show",
        "Its fingerprint; with --json the public key too",
        (inner) => inner as never,
        (options) => withKey(options, signingKey),
      )
      .command<GlobalOptions & { readonly days: number }>(
        "rotate",
        "Make a new one; for a while the old one signs the metadata too",
        (inner) =>
          inner.option("days", {
            type: "number",
            default: 30,
            describe: "How long clients have to learn of the new key",
          }) as never,
        (options) =>
          withKey(options, (context, name) =>
            rotateKey(context, name, options.days * 24 * 3600 * 1000),
          ),
      )
      .command<GlobalOptions & { readonly file: string }>(
        "import <file>",
        "Take a secret key without passphrase into the store, as `gpg --armor` exports it",
        (inner) => inner.positional("file", { type: "string", demandOption: true }) as never,
        async (options) => {
          const secret = await readTextFile(options.file);
          await withKey(options, (context, name) => importKey(context, name, secret));
        },
      )
      .demandCommand(1, "repo key what? show, rotate or import") as never,
  handler: () => undefined,
};
