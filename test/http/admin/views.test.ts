import { expect, test } from "bun:test";
import { sessionViews } from "../../../src/http/admin/views.ts";

/** A monotonic clock counts fractions of a millisecond; nobody wants to read them. */
const beside = {
  nowMs: 100_000.25,
  residenceMs: 300_000,
  clientOf: (session: string) => (session === "old" ? null : "bob"),
};

test("a session's slots are put together, running sessions first, then the last seen", () => {
  const slot = { running: 0, firstSeenMs: 10_000, lastSeenMs: 90_000 };
  const views = sessionViews(
    [
      { ...slot, session: "old", scope: "provider:fast", lastSeenMs: 20_000 },
      { ...slot, session: "idle", scope: "provider:fast" },
      { ...slot, session: "busy", scope: "provider:fast", firstSeenMs: 5_000, lastSeenMs: 50_000 },
      { ...slot, session: "busy", scope: "provider:slow", running: 2, lastSeenMs: 60_000 },
      { ...slot, session: "busy", scope: "client:alice", running: 1, lastSeenMs: 60_000 },
    ],
    beside,
  );
  expect(views.map(({ session }) => session)).toEqual(["busy", "idle", "old"]);
  expect(views[0]).toEqual({
    session: "busy",
    client: "alice",
    age_ms: 95_000,
    idle_ms: 40_000,
    running: 1,
    providers: [
      { provider: "fast", running: 0, idle_ms: 50_000, resides_ms: 250_000 },
      { provider: "slow", running: 2, idle_ms: 40_000, resides_ms: null },
    ],
  });
  // By its slot where it has one, else as its requests said, if that is still known.
  expect(views.map(({ client }) => client)).toEqual(["alice", "bob", null]);
});
