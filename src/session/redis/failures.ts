import { isRefusal } from "./calls.ts";

/**
 * Failures in a row, by place. There are two ways to be away: to be silent, and to answer but take no writes (full, a
 * disk that fails, too few replicas, a replica oneself). Any answer ends the first. Only a write that was taken ends the
 * second, for what merely reads succeeds all the while.
 */
export type Failures = Readonly<{
  answered(place: string, how: "took a write" | "read"): void;
  /** How many in a row it is now. */
  failed(place: string, error: unknown): number;
  /** Where calls have failed. */
  places(): readonly string[];
  clear(): void;
}>;

type Count = Readonly<{ unanswered: number; refused: number }>;

const NONE: Count = { unanswered: 0, refused: 0 };

export function failuresInARow(): Failures {
  const counts = new Map<string, Count>();
  return {
    answered(place, how) {
      const { refused } = counts.get(place) ?? NONE;
      if (how === "took a write" || refused === 0) counts.delete(place);
      else counts.set(place, { unanswered: 0, refused });
    },
    failed(place, error) {
      const { unanswered, refused } = counts.get(place) ?? NONE;
      const count = isRefusal(error) ? { unanswered, refused: refused + 1 } : { unanswered: unanswered + 1, refused };
      counts.set(place, count);
      return count.unanswered + count.refused;
    },
    places: () => [...counts.keys()],
    clear: () => counts.clear(),
  };
}
