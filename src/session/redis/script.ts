import { createHash } from "node:crypto";

/** A script as the server knows it: by the SHA-1 of its text. */
export type Script = Readonly<{
  /** The operation, as it is called in metrics. */
  name: string;
  source: string;
  sha: string;
}>;

/** A script goes over the wire once a server and is called by its hash from then on. */
export function script(name: string, source: string): Script {
  return { name, source, sha: createHash("sha1").update(source).digest("hex") };
}
