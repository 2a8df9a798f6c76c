import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** `why` is for people and does not name the file; `missing`: there is none. */
export type FileRead =
  | Readonly<{ kind: "bytes"; bytes: Uint8Array }>
  | Readonly<{ kind: "unreadable"; why: string; missing: boolean }>;

/** Reads a whole file of at most `bytesMax`; never throws. */
export type ReadFile = (path: string, bytesMax: number) => FileRead;

const WHY: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  ENOTDIR: "no such file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a directory",
  ELOOP: "too many symbolic links",
  ENAMETOOLONG: "the name is too long",
  EMFILE: "too many open files",
};

/** The disk. Synchronous: these files are small, and all of them must be read before anything can be decided. */
export const diskFiles: ReadFile = (path, bytesMax) => {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    return unreadable(error);
  }
  try {
    if (fstatSync(descriptor).isDirectory()) return { kind: "unreadable", why: "it is a directory", missing: false };
    return readUpTo(descriptor, bytesMax);
  } catch (error) {
    return unreadable(error);
  } finally {
    closeSync(descriptor);
  }
};

/** The size is not asked beforehand: pipes have none, and a file may grow meanwhile. */
function readUpTo(descriptor: number, bytesMax: number): FileRead {
  const buffer = new Uint8Array(bytesMax + 1);
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(descriptor, buffer, length, buffer.length - length, null);
    if (count === 0) return { kind: "bytes", bytes: buffer.slice(0, length) };
    length += count;
  }
  return { kind: "unreadable", why: `it is larger than ${bytesMax / 1024} KiB`, missing: false };
}

function unreadable(error: unknown): FileRead {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const why = WHY[code] ?? `it cannot be read (${code || "unknown error"})`;
  return { kind: "unreadable", why, missing: code === "ENOENT" || code === "ENOTDIR" };
}
