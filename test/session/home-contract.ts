import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { ALIAS_TTL_MS, HOMES_MAX, type HomeStore, homeFor, type Served } from "../../src/session/home.ts";
import { START_MS, sessionId } from "./contract-world.ts";

export type TestHomes = Readonly<{
  homes: HomeStore;
  /** Whole milliseconds. A store that keeps its own time moves it on instead (reaching at least this). */
  setNow(ms: number): Promise<void>;
  close(): Promise<void>;
}>;

const TTL_MS = 300_000;
const A = sessionId("alice");
const B = sessionId("bob");

const served = (provider: string, more: Partial<Served> = {}): Served => ({
  session: A,
  model: "sonnet",
  provider,
  homeLost: false,
  race: null,
  aliases: [],
  ...more,
});

/** The contract of the homes, for any backend. */
export function describeHomeContract(name: string, makeHomes: () => Promise<TestHomes>): void {
  describe(`home contract: ${name}`, () => {
    let world: TestHomes;
    beforeEach(async () => {
      world = await makeHomes();
      await world.setNow(START_MS);
    });
    afterEach(() => world.close());

    const serve = async (...all: Served[]) => {
      for (const one of all) await world.homes.served(one, TTL_MS);
    };
    const home = async (model = "sonnet", session = A) => homeFor(await world.homes.read(session), model);

    test("a session nobody served has none", async () => {
      expect(await world.homes.read(A)).toEqual([]);
    });

    test("the first to serve becomes the home", async () => {
      await serve(served("main"));
      expect(await world.homes.read(A)).toEqual([{ model: "sonnet", home: { provider: "main", races: "" } }]);
      expect(await world.homes.read(B)).toEqual([]);
    });

    test("another provider's answer does not move it by itself", async () => {
      await serve(served("main"), served("spare"));
      expect(await home()).toEqual({ provider: "main", races: "" });
    });

    test("moves when the home failed or refused", async () => {
      await serve(served("main"), served("spare", { homeLost: true }));
      expect(await home()).toEqual({ provider: "spare", races: "" });
    });

    test("moves after two of the last three races were lost, and not after one", async () => {
      await serve(served("main"), served("spare", { race: "lost" }));
      expect(await home()).toEqual({ provider: "main", races: "l" });
      await serve(served("main", { race: "won" }));
      expect(await home()).toEqual({ provider: "main", races: "wl" });
      await serve(served("spare", { race: "lost" }));
      expect(await home()).toEqual({ provider: "spare", races: "" });
    });

    test("remembers three races and no more", async () => {
      await serve(served("main"), served("spare", { race: "lost" }));
      for (let i = 0; i < 3; i++) await serve(served("main", { race: "won" }));
      await serve(served("spare", { race: "lost" }));
      expect(await home()).toEqual({ provider: "main", races: "lww" });
    });

    test("a model without a home starts at the session's newest", async () => {
      await serve(served("main"), served("spare", { model: "haiku", homeLost: true }));
      expect(await home("opus")).toEqual({ provider: "spare", races: "" });
      expect(await home("sonnet")).toEqual({ provider: "main", races: "" });
      await serve(served("main"));
      expect(await home("opus")).toEqual({ provider: "main", races: "" });
    });

    test("keeps the newest homes and drops the one served longest ago", async () => {
      for (let i = 0; i <= HOMES_MAX; i++) await serve(served("main", { model: `m${i}` }));
      const models = (await world.homes.read(A)).map((entry) => entry.model);
      expect(models).toEqual(Array.from({ length: HOMES_MAX }, (_, i) => `m${HOMES_MAX - i}`));
    });

    test("takes any model name", async () => {
      const model = 'models/ä"b\\c|d\n{e}=f,g;h: ';
      await serve(served("main", { model }), served("spare", { model, race: "lost" }));
      expect(await world.homes.read(A)).toEqual([{ model, home: { provider: "main", races: "l" } }]);
    });

    test("lapses, all of a session's together, a ttl after it was last served", async () => {
      await serve(served("main"));
      await world.setNow(START_MS + TTL_MS / 2);
      await serve(served("main", { model: "haiku" }));
      await world.setNow(START_MS + TTL_MS + 1000);
      expect(await home()).toEqual({ provider: "main", races: "" });
      await world.setNow(START_MS + 2 * TTL_MS);
      expect(await world.homes.read(A)).toEqual([]);
    });

    test("forgets one session", async () => {
      await serve(served("main"), served("spare", { session: B }));
      await world.homes.forget(A);
      expect(await world.homes.read(A)).toEqual([]);
      expect(await home("sonnet", B)).toEqual({ provider: "spare", races: "" });
    });

    test("an alias leads to its session and provider until it lapses", async () => {
      await world.homes.writeAlias("resp_1", { session: A, provider: "main" });
      expect(await world.homes.readAlias("resp_1")).toEqual({ session: A, provider: "main" });
      expect(await world.homes.readAlias("resp_2")).toBeNull();
      await world.setNow(START_MS + ALIAS_TTL_MS);
      expect(await world.homes.readAlias("resp_1")).toBeNull();
    });

    test("the aliases of an answer lead to who gave it, whether or not the home moves there", async () => {
      await serve(served("main"), served("spare", { aliases: ["resp_1", "conv_1"] }));
      expect(await home()).toEqual({ provider: "main", races: "" });
      for (const key of ["resp_1", "conv_1"]) {
        expect(await world.homes.readAlias(key)).toEqual({ session: A, provider: "spare" });
      }
      await world.setNow(START_MS + ALIAS_TTL_MS);
      expect(await world.homes.readAlias("resp_1")).toBeNull();
    });

    test("an alias written again leads to where it was written last", async () => {
      await world.homes.writeAlias("conv_1", { session: A, provider: "main" });
      await world.homes.writeAlias("conv_1", { session: B, provider: "spare" });
      expect(await world.homes.readAlias("conv_1")).toEqual({ session: B, provider: "spare" });
    });
  });
}
