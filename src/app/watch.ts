import { type FSWatcher, watch } from "node:fs";
import { realpathSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../core/clock.ts";

/** Watches files through their directories. Owns the watchers until disposed. */
export type FileWatch = Disposable &
  Readonly<{
    /** From now on these files. */
    watch(files: readonly string[]): void;
  }>;

/** Editors write a file in several steps, and mounted secrets swap several links at once. */
const SETTLE_MS = 200;

/**
 * Calls `onChange` when one of the files may have changed: once things have been quiet for a moment. Directories are
 * watched and not files, because an atomic rename leaves a watch on the file that is gone; where a file is a link, the
 * directories of the link and of what it leads to (a mounted config map swaps a link to a whole directory).
 */
export function fileWatch(clock: Clock, onChange: () => void, onError: (error: unknown) => void): FileWatch {
  let watchers: FSWatcher[] = [];
  let cancel = () => {};
  const changed = () => {
    cancel();
    cancel = clock.after(SETTLE_MS, onChange);
  };
  const close = () => {
    for (const watcher of watchers) watcher.close();
    watchers = [];
  };
  return {
    watch(files) {
      close();
      for (const directory of new Set(files.flatMap(directoriesOf))) {
        try {
          const watcher = watch(directory, changed);
          watcher.on("error", onError);
          watchers.push(watcher);
        } catch (error) {
          onError(error); // a directory that is gone: SIGHUP and the API still reload
        }
      }
    },
    [Symbol.dispose]() {
      cancel();
      close();
    },
  };
}

function directoriesOf(file: string): readonly string[] {
  try {
    return [dirname(file), dirname(realpathSync(file))];
  } catch {
    return [dirname(file)];
  }
}
