/** Where a repository can be copied to, file by file: a folder, or a bucket. */
export interface ExportTarget {
  /** For messages. */
  readonly name: string;
  /** Paths below the target, with `/`, of all that is there, and their sizes in bytes. */
  list(): Promise<ReadonlyMap<string, number>>;
  /** The text of a file; undefined when it is not there. */
  read(location: string): Promise<string | undefined>;
  /** Puts a file there, in one step: readers see the old one or the new one. */
  putFile(location: string, file: string, properties: FileProperties): Promise<void>;
  putText(location: string, text: string, properties: FileProperties): Promise<void>;
  remove(location: string): Promise<void>;
}

export interface FileProperties {
  readonly contentType: string;
  /** Whether this path will never hold other bytes. */
  readonly immutable: boolean;
}
