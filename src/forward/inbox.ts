/** Notes in the order they came, for one reader. */
export type Inbox<Note> = Readonly<{
  put(note: Note): void;
  /** The oldest note; waits for one where there is none. One reader at a time. */
  take(): Promise<Note>;
  /** Nobody reads any more: what is left, and every note that comes later, goes to `onLate`. */
  close(onLate: (note: Note) => void): void;
}>;

export function inbox<Note>(): Inbox<Note> {
  const waiting: Note[] = [];
  let wake: ((note: Note) => void) | null = null;
  let late: ((note: Note) => void) | null = null;
  return {
    put(note) {
      if (late) return late(note);
      if (!wake) return void waiting.push(note);
      const reader = wake;
      wake = null;
      reader(note);
    },
    take() {
      const note = waiting.shift();
      return note === undefined ? new Promise((resolve) => (wake = resolve)) : Promise.resolve(note);
    },
    close(onLate) {
      late = onLate;
      for (const note of waiting.splice(0)) onLate(note);
    },
  };
}
