import { expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../src/core/clock.ts";
import { lineWriter } from "../../src/observe/line-writer.ts";
import { handClock } from "../world/clock.ts";

/** A writer that rests for no time at all. */
const now: Clock["after"] = (_, callback) => {
  callback();
  return () => {};
};

/** A stream that takes what it is given only when told to. */
function heldStream() {
  const waiting: ((error?: Error) => void)[] = [];
  const written: string[] = [];
  return {
    written,
    write(text: string, callback: (error?: Error) => void) {
      written.push(text);
      waiting.push(callback);
    },
    on() {},
    take: (error?: Error) => waiting.splice(0).forEach((callback) => callback(error)),
  };
}

test("a reader that does not read costs lines, not memory or time", () => {
  const stream = heldStream();
  const writer = lineWriter(stream, { after: now, onResumed: () => {}, heldBytesMax: 10 });
  for (const line of ["12345", "67890", "lost1", "lost2"]) writer.write(line);
  stream.take();
  expect(stream.written).toEqual(["12345", "67890"]);
  expect(writer.dropped()).toBe(2);
});

test("lines that come while one is being written, or soon after, go out in order, in one write", async () => {
  const stream = heldStream();
  const clock = handClock();
  const writer = lineWriter(stream, { after: clock.after, onResumed: () => {} });
  for (const line of ["one\n", "two\n"]) writer.write(line);
  expect(stream.written).toEqual(["one\n"]);
  stream.take();
  writer.write("three\n");
  expect(stream.written).toEqual(["one\n"]);
  await clock.advance(2);
  expect(stream.written).toEqual(["one\n", "two\nthree\n"]);
  stream.take();
  await clock.advance(2);
  writer.write("four\n");
  expect(stream.written.at(-1)).toBe("four\n");
});

test("who waits for all lines to be written waits for no rest", async () => {
  const stream = heldStream();
  const writer = lineWriter(stream, { after: handClock().after, onResumed: () => {} });
  await writer.written();
  for (const line of ["one\n", "two\n"]) writer.write(line);
  const written = writer.written();
  stream.take();
  expect(stream.written).toEqual(["one\n", "two\n"]);
  stream.take();
  await written;
});

test("the first line after a gap tells how many were lost, once", () => {
  const stream = heldStream();
  const told: number[] = [];
  const writer = lineWriter(stream, { after: now, onResumed: (lost) => told.push(lost), heldBytesMax: 10 });
  for (const line of ["12345", "67890", "lost1", "lost2"]) writer.write(line);
  stream.take();
  writer.write("after");
  stream.take();
  expect(told).toEqual([2]);
  expect(stream.written.at(-1)).toBe("after");
});

test("a disk that was full is written to again when it has room", () => {
  const stream = heldStream();
  const told: number[] = [];
  const writer = lineWriter(stream, { after: now, onResumed: (lost) => told.push(lost) });
  writer.write("one");
  stream.take(Object.assign(new Error("no space"), { code: "ENOSPC" }));
  writer.write("two");
  stream.take();
  expect({ written: stream.written, told, dropped: writer.dropped() }).toEqual({
    written: ["one", "two"],
    told: [1],
    dropped: 1,
  });
});

const CHILD = `
  import { systemClock } from ${JSON.stringify(new URL("../../src/core/clock.ts", import.meta.url).pathname)};
  import { openLog } from ${JSON.stringify(new URL("../../src/observe/log.ts", import.meta.url).pathname)};
  const log = openLog({ level: "info", format: "json", colour: false, clock: systemClock });
  const tell = (what) => log.observe({ kind: "notice", level: "info", what, fields: { filler: "x".repeat(1_000) } });
  tell("first");
  for await (const line of console) {
    for (let index = 0; index < Number(line); index++) tell("more");
    await new Promise((resolve) => setImmediate(resolve));
    console.error(log.dropped());
  }
`;

/** A process that logs to the descriptor given, as many lines as each line of its standard input says. */
function child(stdout: "pipe" | number) {
  const proc = Bun.spawn([process.execPath, "-e", CHILD], { stdin: "pipe", stdout, stderr: "pipe" });
  const answers = proc.stderr.getReader();
  const ask = async (lines: number) => {
    await proc.stdin.write(`${lines}\n`);
    await proc.stdin.flush();
    return Number(new TextDecoder().decode((await answers.read()).value));
  };
  return { proc, ask };
}

test("a log pipe that closes (EPIPE) does not end the process", async () => {
  const { proc, ask } = child("pipe");
  const reader = (proc.stdout as ReadableStream<Uint8Array>).getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toContain('"msg":"first"');
  await reader.cancel();
  // The other end is closed some time after it was told to.
  while ((await ask(1)) === 0);
  const dropped = await ask(0);
  while ((await ask(1)) < dropped + 10);
  await proc.stdin.end();
  expect(await proc.exited).toBe(0);
});

/** Starts a child that logs so many lines into the file at `path`, until so many are lost; the descriptor is the child's alone unless it is a pipe's. */
async function logInto(path: string, flags: string, { lines, lost }: { lines: number; lost: number }) {
  const descriptor = openSync(path, flags);
  try {
    const { proc, ask } = child(descriptor);
    let dropped = await ask(lines);
    while (dropped < lost) dropped = await ask(0);
    const alive = proc.exitCode === null;
    proc.kill();
    await proc.exited;
    return { dropped, alive };
  } finally {
    closeSync(descriptor);
  }
}

test("a full disk behind the log does not end the process", async () => {
  expect(await logInto("/dev/full", "w", { lines: 10, lost: 11 })).toEqual({ dropped: 11, alive: true });
});

test("a pipe that nobody reads does not stall the process", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hedgerow-log-"));
  const pipe = join(folder, "pipe");
  try {
    expect(await Bun.spawn(["mkfifo", pipe]).exited).toBe(0);
    // 6 MB: more than the pipe holds and may be kept together. Opened both ways, so that it counts as read by somebody.
    const { dropped, alive } = await logInto(pipe, "r+", { lines: 6_000, lost: 1_000 });
    expect(alive).toBe(true);
    expect(dropped).toBeLessThan(6_000);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
