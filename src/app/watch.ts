import { type FSWatcher, readlinkSync, statSync, watch } from "node:fs";
import { join, resolve, sep } from "node:path";
import type { Clock } from "../core/clock.ts";

/** Watches files through their directories. Owns the watchers until disposed. */
export type FileWatch = Disposable &
  Readonly<{
    /** From now on these files; one that was not watched before as it is now. */
    watch(files: readonly string[]): void;
  }>;

/** By file; a state is equal to another where nothing has happened in between. */
type States = ReadonlyMap<string, string>;

/** Editors write a file in several steps, and mounted secrets swap several links at once. */
const SETTLE_MS = 200;

/**
 * Calls `onChange`, which is to read them and to name them anew by `watch`, when one of the files has changed and been
 * the same for a moment since. Directories are watched and not files: an atomic rename leaves a watch on the file that
 * is gone. What happens to other files there (the proxy's own log may be one) is only a reason to look.
 */
export function fileWatch(clock: Clock, onChange: () => void, onError: (error: unknown) => void): FileWatch {
  const watchers = new Map<string, FSWatcher>();
  let files: readonly string[] = [];
  /** As they were when they were read, or just before; and as they were at the last look. */
  let read: States = new Map();
  let seen: States = new Map();
  let cancel: (() => void) | null = null;

  // Not put off by further events: in a busy directory there would never be an end of them.
  const lookSoon = () => {
    cancel ??= clock.after(SETTLE_MS, look);
  };
  const look = () => {
    cancel = null;
    follow(); // directories may have come and gone without any change to the files
    const now: States = new Map(files.map((file) => [file, stateOf(file)]));
    const before = seen;
    const isAsIn = (states: States) => files.every((file) => states.get(file) === now.get(file));
    seen = now;
    if (isAsIn(read)) return;
    if (!isAsIn(before)) return lookSoon();
    read = now; // and not as they are after the call: what is written meanwhile is seen at the next look
    onChange();
    lookSoon();
  };
  const follow = () => {
    const directories = new Map(files.flatMap(directoriesOf).map((path) => [`${path} ${stampOf(path)}`, path]));
    for (const [key, watcher] of watchers) {
      if (directories.has(key)) continue;
      watcher.close();
      watchers.delete(key);
    }
    for (const [key, directory] of directories) {
      if (watchers.has(key)) continue;
      try {
        const watcher = watch(directory, lookSoon);
        watcher.on("error", onError);
        watchers.set(key, watcher);
      } catch (error) {
        onError(error); // SIGHUP and the API still reload
      }
    }
  };
  return {
    watch(next) {
      files = next;
      follow();
      // Somebody may have read them just now, and somebody else have written since: reading once more does no harm.
      read = new Map(next.map((file) => [file, read.get(file) ?? stateOf(file)]));
    },
    [Symbol.dispose]() {
      cancel?.();
      files = [];
      follow();
    },
  };
}

/** More links than this on one way the system does not follow either (path_resolution(7)). */
const LINKS_MAX = 40;

/**
 * Every directory where something can happen to a file: its own, and those of the links on the way to it (a mounted
 * config map swaps a link to a whole directory). Where the way ends early: the last directory there is, to see it go on.
 */
function directoriesOf(file: string): readonly string[] {
  const found: string[] = [];
  const names = resolve(file).split(sep).slice(1);
  let at: string = sep;
  let links = 0;
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const next = join(at, name);
    const target = links < LINKS_MAX ? linkAt(next) : null;
    if (target !== null || names.length === 0 || stampOf(next) === GONE) found.push(at);
    if (target === null && stampOf(next) === GONE) break;
    if (target === null) {
      at = next;
      continue;
    }
    links++;
    names.unshift(...resolve(at, target).split(sep).slice(1));
    at = sep;
  }
  return found;
}

function linkAt(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

const GONE = "gone";

/** Which directory it is, should another come in its place. */
function stampOf(path: string): string {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return GONE;
  }
}

/** Changes when the content may have: also by a write in place, and when it can or cannot be read any more. */
function stateOf(file: string): string {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = statSync(file);
    return [dev, ino, size, mtimeMs, ctimeMs].join(":");
  } catch {
    return GONE;
  }
}
