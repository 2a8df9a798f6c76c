import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { type LeaseScripts, leaseScripts } from "../../../src/session/redis/lease-scripts.ts";
import { describeWithRedis, redisServer, type RedisServer } from "../../world/redis.ts";
import { firstDifference } from "./differential.ts";
import { redisWorld } from "./redis-world.ts";

/** The scripts with one mistake in them; throws when the line it breaks is no longer there. */
function mutant(...breaks: readonly Readonly<{ file: string; line: string; becomes: string }>[]): LeaseScripts {
  const found = new Set<unknown>();
  const scripts = leaseScripts((text, file) => {
    const broken = breaks.find((one) => one.file === file && text.includes(one.line));
    if (!broken) return text;
    found.add(broken);
    return text.replace(broken.line, broken.becomes);
  });
  if (found.size !== breaks.length) throw new Error("the script no longer has the line that this mutant breaks");
  return scripts;
}

const MUTANTS: Readonly<Record<string, () => LeaseScripts>> = {
  "a replay looks at limits": () => mutant({ file: "acquire", line: "if held_until then", becomes: "if false then" }),
  "the limit is off by one": () =>
    mutant({ file: "acquire", line: "sessions < sessions_max", becomes: "sessions <= sessions_max" }),
  "had is ignored": () =>
    mutant({ file: "release", line: "if not live(LEASES, lease .. '|' .. session) then", becomes: "if false then" }),
  "reverted is taken for failed": () =>
    mutant({ file: "release", line: "ending == 'failed'", becomes: "ending ~= 'done'" }),
  "the tombstone is ignored by a restore": () =>
    mutant({ file: "acquire", line: "if live(MARKS, 'T|' .. session) then", becomes: "if false then" }),
  "the tombstone is ignored by a renewal": () =>
    mutant({ file: "renew", line: "elseif live(MARKS, 'T|' .. session) then", becomes: "elseif false then" }),
  "a lapsed lease is renewed": () =>
    mutant({
      file: "prelude",
      line: "return score > now and score or nil",
      becomes: "return score > 0 and score or nil",
    }),
  "a busy session is displaced": () =>
    mutant(
      { file: "acquire", line: "and refs_of(other) == 0 then", becomes: "then" },
      { file: "prelude", line: "runs ~= (score < 0)", becomes: "not runs" },
    ),
  "a session that has come to rest is kept among the running": () =>
    mutant({
      file: "release",
      line: "reside(session, resides_until, refs > 0)",
      becomes: "reside(session, resides_until, true)",
    }),
  "a session whose lease was swept is kept among the running": () =>
    mutant({ file: "prelude", line: "runs ~= (score < 0)", becomes: "runs" }),
  "a look for idle sessions leaves lapsed leases lying": () =>
    mutant({ file: "acquire", line: "sweep_leases(bound)", becomes: "0" }),
  "a refusal uses up a part of the minute": () =>
    mutant({
      file: "acquire",
      line: "if excess > 0 then",
      becomes: "redis.call('SET', RATE, int(arrival)) if excess > 0 then",
    }),
  "the sweep forgets the refs of what it takes": () =>
    mutant({
      file: "prelude",
      line: "if drop_lease(lease, session) == 0 then",
      becomes: "if redis.call('ZREM', LEASES, member) == 0 then",
    }),
};

const FOLDER = "src/session/redis/lua";
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".lua"));
const textOf = (file: string) => readFileSync(`${FOLDER}/${file}`, "utf8");

/** What a header promises after a word, up to the next promise: names in a row, then prose in indented lines. */
function promised(text: string, word: string): string[] {
  const line = new RegExp(`^-- ${word}: (.*)$`, "m").exec(text)?.[1] ?? "";
  return line
    .replace(/ \(.*$/, "")
    .split(", ")
    .filter((name) => name !== "");
}

/** Names that the body binds to `KEYS[n]` or `ARGV[n]`, by n. */
function bound(text: string, array: "KEYS" | "ARGV"): Map<number, string> {
  const found = new Map<number, string>();
  for (const [, names = "", values = ""] of text.matchAll(/^ *local ([\w, ]+) = (.*)$/gm)) {
    const left = names.split(", ");
    values.split(/, (?![^(]*\))/).forEach((value, at) => {
      const index = new RegExp(`${array}\\[(\\d+)\\]`).exec(value)?.[1];
      const name = left[at];
      if (index !== undefined && name !== undefined && !found.has(Number(index))) found.set(Number(index), name);
    });
  }
  return found;
}

describe("the header of each script", () => {
  test.each(files)("%s names its keys and arguments as its body does, in their order", (file) => {
    const text = textOf(file);
    for (const array of ["KEYS", "ARGV"] as const) {
      const names = promised(text, array);
      const inBody = bound(text, array);
      for (const [index, name] of inBody) expect(`${index} ${name}`).toBe(`${index} ${names[index - 1]}`);
      // The prelude binds the first ones for every operation.
      const first = text.includes("read globals") ? (array === "KEYS" ? 4 : 2) : 0;
      const open = names.filter((name) => name.endsWith("...")).length;
      const expected = names.slice(first, names.length - open).map((_, at) => first + at + 1);
      expect([...inBody.keys()].sort((a, b) => a - b).filter((index) => index <= names.length - open)).toEqual(
        expected,
      );
    }
  });

  test.each(files.filter((file) => file !== "prelude.lua"))("%s answers as many values as it promises", (file) => {
    const text = textOf(file);
    const names = promised(text, "RETURNS").filter((name) => !name.endsWith("..."));
    const tables = [...text.matchAll(/(?:return|local reply(?:, \w+)? =) \{ ((?:[^{}]|\{[^{}]*\})*) \}/g)];
    for (const [, inside = ""] of tables) {
      expect(inside.split(/, (?![^(]*\))(?![^{]*\})/)).toHaveLength(names.length);
    }
    expect(tables.length > 0 || names.length === 1).toBe(true);
    expect(/-- INVARIANTS:\n--   \w/.test(text)).toBe(true);
  });
});

describeWithRedis("lease scripts with one mistake in them", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await redisServer();
  });
  afterAll(() => server.stop());

  for (const [name, scripts] of Object.entries(MUTANTS)) {
    test(`are found out: ${name}`, async () => {
      const world = await redisWorld(server, scripts());
      expect(await firstDifference(world, { seed: 1, operations: 6000 })).not.toBeNull();
      await world.close();
    });
  }
});
