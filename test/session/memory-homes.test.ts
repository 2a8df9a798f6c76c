import { expect, test } from "bun:test";
import { ALIAS_TTL_MS } from "../../src/session/home.ts";
import { memoryHomes } from "../../src/session/memory-homes.ts";
import { START_MS } from "./contract-world.ts";
import { describeHomeContract } from "./home-contract.ts";

describeHomeContract("memory", async () => {
  let nowMs = START_MS;
  return {
    homes: memoryHomes({ nowMs: () => nowMs }),
    async setNow(ms) {
      nowMs = ms;
    },
    async close() {},
  };
});

const serve = (session: string) => ({
  session,
  model: "m",
  provider: "main",
  homeLost: false,
  race: null,
  aliases: [],
});

test("lapsed homes and aliases are dropped as new ones are written", async () => {
  let nowMs = 0;
  const homes = memoryHomes({ nowMs: () => nowMs });
  for (let i = 0; i < 50; i++) await homes.served(serve(`s${i}`), 1000);
  for (let i = 0; i < 50; i++) await homes.writeAlias(`a${i}`, { session: "s", provider: "main" });
  nowMs = ALIAS_TTL_MS;
  await homes.served(serve("last"), 1000);
  await homes.writeAlias("last", { session: "s", provider: "main" });
  expect(homes.kept()).toEqual({ sessions: 1, aliases: 1 });
});

test("when too many are alive, the one served longest ago goes", async () => {
  const homes = memoryHomes({ nowMs: () => 0 }, 2);
  for (const session of ["a", "b", "a", "c"]) await homes.served(serve(session), 1000);
  expect(homes.kept().sessions).toBe(2);
  expect(await homes.read("b")).toEqual([]);
  expect(await homes.read("a")).toHaveLength(1);
});
