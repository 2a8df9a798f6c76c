import { describe, expect, test } from "bun:test";
import { endSession, sessions, sessionsText } from "../../src/cli/sessions.ts";
import { sessionHash } from "../../src/core/ids.ts";
import { sessionView } from "../http/admin/world.ts";
import { cliWorld } from "./world.ts";

describe("sessions", () => {
  test("are listed with where they are, the ones not shown counted", () => {
    const busy = sessionView({
      session: "abcdefghijkl0123456789",
      client: "alice",
      running: 2,
      providers: [
        { provider: "fast", running: 2, idle_ms: 0, resides_ms: null },
        { provider: "slow", running: 0, idle_ms: 5_000, resides_ms: 120_000 },
      ],
    });
    expect(sessionsText({ sessions: [busy, sessionView()], total: 5 }, false).split("\n")).toEqual([
      "SESSION                 CLIENT  AGE  IDLE  RUNNING  PROVIDERS",
      "abcdefghijkl0123456789  alice    1m              2  fast (2 running), slow (slot kept 2m)",
      "0123456789abcdefghijkl  -        1m    1s        0  fast (slot kept 4m59s)",
      "3 more",
    ]);
    expect(sessionsText({ sessions: [], total: 0 }, false)).toBe("no sessions");
  });

  test("of a running instance are printed once into a pipe", async () => {
    const { verb, world, out, server } = cliWorld();
    using _ = server;
    expect(await sessions(verb, world)).toBe(0);
    expect(out()).toBe(`${sessionsText({ sessions: [sessionView()], total: 1 }, false)}\n`);
  });
});

describe("sessions end", () => {
  test("ends one by its hash or own id and says what was cut", async () => {
    const { verb, world, out, done, server } = cliWorld();
    using _ = server;
    expect(await endSession({ ...verb, id: "a b/c", client: "bob" }, world)).toBe(0);
    expect(done).toEqual([{ end: sessionHash("bob", "a b/c") }]);
    expect(out()).toBe(
      `ended ${sessionHash("bob", "a b/c")} of bob: 2 leases (1 cut here, 1 by other instances at their next heartbeat)\n`,
    );
  });

  test("names nobody where nobody knows whose it is", async () => {
    const { verb, world, out, server } = cliWorld();
    using _ = server;
    expect(await endSession({ ...verb, id: "abcdefghijkl0123456789", client: null }, world)).toBe(0);
    expect(out()).toStartWith("ended abcdefghijkl0123456789: 2 leases");
  });

  test("ends none where the id is more than one client's, and says whose and what to do", async () => {
    const sessions = () =>
      ["alice", "bob"].map((client) => sessionView({ client, session: sessionHash(client, "dup") }));
    const { verb, world, out, err, done, server } = cliWorld({ sources: { sessions } });
    using _ = server;
    expect(await endSession({ ...verb, id: "dup", client: null }, world)).toBe(1);
    expect([out(), done]).toEqual(["", []]);
    for (const words of ["alice", "bob", "--client NAME", sessionHash("bob", "dup")]) expect(err()).toContain(words);
  });

  test("says so where there is none", async () => {
    const { verb, world, out, err, server } = cliWorld();
    using _ = server;
    expect(await endSession({ ...verb, id: "unknown", client: null }, world)).toBe(1);
    expect([out(), err().includes("no such session")]).toEqual(["", true]);
  });

  test("prints JSON where that is asked for", async () => {
    const { verb, world, out, server } = cliWorld();
    using _ = server;
    const id = "0123456789abcdefghijkl";
    expect(await endSession({ ...verb, json: true, id, client: null }, world)).toBe(0);
    expect(JSON.parse(out())).toEqual({ session: id, client: null, leases: 2, cut_here: 1, to_be_cut: 1, freed: 1 });
  });
});
