import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FileWatch, fileWatch } from "../../src/app/watch.ts";
import { type HandClock, handClock } from "../world/clock.ts";
import { eventually } from "../world/scripted-upstream.ts";

let folder = "";
let file = "";
let clock: HandClock;
let watching: FileWatch;
let changes = 0;
let errors: unknown[] = [];

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "hedgerow-watch-")));
  file = join(folder, "providers.yaml");
  writeFileSync(file, "one");
  clock = handClock();
  changes = 0;
  errors = [];
  const onChange = () => {
    changes++;
    watching.watch([file]);
  };
  watching = fileWatch(clock, onChange, (error) => errors.push(error));
});

afterEach(() => {
  watching[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
  expect(clock.sleepers()).toBe(0);
  expect(errors).toEqual([]);
});

/** The system has told of something, and time enough has gone by to be sure of it. */
async function settles() {
  await eventually("an event comes", () => clock.sleepers() > 0);
  while (clock.sleepers() > 0) await clock.advance(200);
}

async function changesBy(work: () => void): Promise<number> {
  const before = changes;
  work();
  await settles();
  return changes - before;
}

const swapped = (text: string) => {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
};

test("an atomic rename is one change, again and again", async () => {
  watching.watch([file]);
  expect(await changesBy(() => swapped("two"))).toBe(1);
  expect(await changesBy(() => swapped("three"))).toBe(1);
});

test("a write in place of the same length is a change", async () => {
  watching.watch([file]);
  expect(await changesBy(() => writeFileSync(file, "two"))).toBe(1);
});

test("what is written in several steps is read once it has been the same for a moment", async () => {
  watching.watch([file]);
  writeFileSync(file, "hal");
  await eventually("an event comes", () => clock.sleepers() > 0);
  await clock.advance(200);
  writeFileSync(file, "half");
  await clock.advance(200);
  expect(changes).toBe(0);
  await settles();
  expect(changes).toBe(1);
});

test("a link swapped to another directory is a change, as a mounted config map does it", async () => {
  const mounted = join(folder, "mounted");
  const version = (name: string, text: string) => {
    mkdirSync(join(mounted, name), { recursive: true });
    writeFileSync(join(mounted, name, "providers.yaml"), text);
  };
  const turnTo = (name: string) => {
    symlinkSync(name, join(mounted, "..tmp"));
    renameSync(join(mounted, "..tmp"), join(mounted, "..data"));
  };
  version("..1", "one");
  turnTo("..1");
  symlinkSync(join("..data", "providers.yaml"), join(mounted, "providers.yaml"));
  // Reached through one more link, from a directory in which nothing happens.
  unlinkSync(file);
  symlinkSync(join("mounted", "providers.yaml"), file);
  watching.watch([file]);
  version("..2", "two");
  expect(await changesBy(() => turnTo("..2"))).toBe(1);
  version("..3", "three");
  expect(await changesBy(() => turnTo("..3"))).toBe(1);
  expect(await changesBy(() => writeFileSync(join(mounted, "..3", "providers.yaml"), "four"))).toBe(1);
});

test("a file that goes and comes back is two changes", async () => {
  watching.watch([file]);
  expect(await changesBy(() => unlinkSync(file))).toBe(1);
  expect(await changesBy(() => writeFileSync(file, "two"))).toBe(1);
});

test("a whole directory that goes and comes back is seen", async () => {
  const inner = join(folder, "a", "b");
  mkdirSync(inner, { recursive: true });
  file = join(inner, "providers.yaml");
  writeFileSync(file, "one");
  watching.watch([file]);
  expect(await changesBy(() => rmSync(join(folder, "a"), { recursive: true }))).toBe(1);
  expect(await changesBy(() => mkdirSync(inner, { recursive: true }))).toBe(0);
  expect(await changesBy(() => writeFileSync(file, "two"))).toBe(1);
});

test("a file that cannot be read any more is a change", async () => {
  watching.watch([file]);
  expect(await changesBy(() => chmodSync(file, 0o000))).toBe(1);
});

test("other files in the directory are none, however busy it is there", async () => {
  watching.watch([file]);
  for (let turn = 0; turn < 3; turn++)
    expect(await changesBy(() => writeFileSync(join(folder, "hedgerow.log"), `line ${turn}`))).toBe(0);
  // Nor do they put off what has changed.
  swapped("two");
  await eventually("an event comes", () => clock.sleepers() > 0);
  for (let turn = 0; turn < 2; turn++) {
    writeFileSync(join(folder, "hedgerow.log"), `more ${turn}`);
    await clock.advance(200);
  }
  expect(changes).toBe(1);
  await settles();
});

test("a file changed again while the change is being read is read again", async () => {
  watching[Symbol.dispose]();
  const onChange = () => {
    changes++;
    if (changes === 1) writeFileSync(file, "overtaken");
    watching.watch([file]);
  };
  watching = fileWatch(clock, onChange, (error) => errors.push(error));
  watching.watch([file]);
  swapped("two");
  await settles();
  expect(changes).toBe(2);
});

test("a file changed just after somebody else read it is read again, as nobody can know which came first", async () => {
  watching.watch([file]);
  swapped("two");
  watching.watch([file]);
  await settles();
  expect(changes).toBe(1);
});

test("nothing is called after the end", async () => {
  watching.watch([file]);
  swapped("two");
  await eventually("an event comes", () => clock.sleepers() > 0);
  watching[Symbol.dispose]();
  await clock.advance(1_000);
  expect(changes).toBe(0);
});
