import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diskFiles } from "../../src/config/files.ts";

const folder = mkdtempSync(join(tmpdir(), "hedgerow-files-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = join(folder, "a");
writeFileSync(file, "12345678");

test("a file up to its bound is read whole", () => {
  expect(diskFiles(file, 8)).toEqual({ kind: "bytes", bytes: new TextEncoder().encode("12345678") });
});

test("what cannot be read says why in words", () => {
  const loop = join(folder, "loop");
  symlinkSync(loop, loop);
  const why = (path: string, bytesMax = 1024) => {
    const read = diskFiles(path, bytesMax);
    return read.kind === "unreadable" ? read.why : "read";
  };
  expect(why(join(folder, "b"))).toBe("no such file");
  expect(why(join(file, "b"))).toBe("no such file");
  expect(why(folder)).toBe("it is a directory");
  expect(why(loop)).toBe("too many symbolic links");
  expect(why(join(folder, "n".repeat(300)))).toBe("the name is too long");
  expect(why(file, 7)).toStartWith("it is larger than");
  expect(why("/dev/zero", 2048)).toBe("it is larger than 2 KiB");
});

test("what is missing is told apart from what is in the way", () => {
  const missing = (path: string) => {
    const read = diskFiles(path, 1024);
    return read.kind === "unreadable" && read.missing;
  };
  expect([join(folder, "b"), join(file, "b"), folder, "/dev/zero"].map(missing)).toEqual([true, true, false, false]);
});
