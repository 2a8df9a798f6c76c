import { expect, test } from "bun:test";
import { background } from "../../../src/core/background.ts";
import { HedgerowError } from "../../../src/core/errors.ts";
import type { ProxyEvent } from "../../../src/core/events.ts";
import { breakingCalls } from "../../../src/session/redis/breaking-calls.ts";
import { handClock } from "../../world/clock.ts";
import { failureOf, refusal } from "./degraded-world.ts";

const TIMEOUT_MS = 100;

/** Calls to nodes `a` and `b`, which serve the keys that begin with their name. */
function nodesWorld() {
  const clock = handClock();
  const events: ProxyEvent[] = [];
  const broken: unknown[] = [];
  const asked: string[] = [];
  const state = { hangs: new Set<string>(), refuses: new Set<string>(), unknown: new Set<string>(), moved: false };
  const nodeOf = (key: string) => (key === "" ? null : state.moved ? "b" : key.charAt(0));
  const send = async (op: string, key: string): Promise<never> => {
    const node = nodeOf(key) ?? "";
    asked.push(`${op} ${key}`);
    if (state.refuses.has(node)) throw refusal(op);
    if (state.unknown.has(node)) throw refusal(op, `MOVED 1 ${node}`); // the client lost it, and asked another
    if (!state.hangs.has(node)) return undefined as never;
    await clock.sleep(TIMEOUT_MS);
    throw new HedgerowError("store_timeout", `${op}: no reply`);
  };
  const calls = breakingCalls({
    calls: { timeoutMs: TIMEOUT_MS, send, run: ({ name }, [key = ""]) => send(name, key) },
    nodeOf,
    what: "homes",
    clock,
    background: background((_what, error) => broken.push(error)),
    observe: (event) => events.push(event),
  });
  const notices = () => events.flatMap((event) => (event.kind === "notice" ? [{ [event.what]: event.fields }] : []));
  const read = async (key: string) => {
    const failed = failureOf(calls.send("read", key, async () => {}));
    await clock.advance(TIMEOUT_MS);
    return failed;
  };
  return { clock, calls, state, asked, notices, read, broken };
}

test("a node that was silent three times in a row is not asked any more; the others are", async () => {
  const { clock, calls, state, asked, notices, read } = nodesWorld();
  state.hangs.add("a");
  for (const key of ["a1", "a2", "a3"]) expect(await read(key)).toBe("store_timeout");
  expect(notices()).toEqual([{ homes_away: { node: "a", reason: "read: no reply" } }]);
  asked.length = 0;
  expect(await failureOf(calls.send("read", "a4", async () => {}))).toBe("store_unreachable");
  expect(await failureOf(calls.run({ name: "served", source: "", sha: "" }, ["a5"], []))).toBe("store_unreachable");
  expect(await read("b1")).toBeNull();
  expect(asked).toEqual(["read b1"]);
  calls.close();
  await clock.advance(0);
  expect(clock.sleepers()).toBe(0);
});

test("it is probed each second, and asked again when it answers, be it with a refusal", async () => {
  for (const how of ["hangs", "refuses"] as const) {
    const { clock, state, asked, notices, read, broken } = nodesWorld();
    state.hangs.add("a");
    for (const key of ["a1", "a2", "a3"]) await read(key);
    asked.length = 0;
    await clock.advance(3000);
    expect(asked).toEqual(["homes_probe a3", "homes_probe a3"]);
    state.hangs.delete("a");
    if (how === "refuses") state.refuses.add("a");
    await clock.advance(1000 + TIMEOUT_MS);
    expect(notices().slice(1)).toEqual([{ homes_back: { node: "a" } }]);
    expect(await read("a4")).toBe(how === "refuses" ? "store_unreachable" : null);
    expect(asked.at(-1)).toBe("read a4");
    expect(clock.sleepers()).toBe(0);
    expect(broken).toEqual([]);
  }
});

test("what another node says of who has its keys is no answer of its own", async () => {
  const { clock, calls, state, asked, notices, read } = nodesWorld();
  state.unknown.add("a");
  for (const key of ["a1", "a2", "a3"]) await read(key);
  await clock.advance(2000);
  expect(asked.slice(3)).toEqual(["homes_probe a3", "homes_probe a3"]);
  expect(notices()).toMatchObject([{ homes_away: { node: "a" } }]);
  calls.close();
});

test("an answer between silences, be it a refusal, ends their row", async () => {
  const { state, notices, read } = nodesWorld();
  for (let at = 0; at < 9; at++) {
    state.hangs.clear();
    state.refuses.clear();
    if (at % 3 === 2) state.refuses.add("a");
    else state.hangs.add("a");
    await read(`a${at}`);
  }
  expect(notices()).toEqual([]);
});

test("once another node has taken its keys over they are asked for there, and it is not probed any longer", async () => {
  const { clock, state, notices, read } = nodesWorld();
  state.hangs.add("a");
  for (const key of ["a1", "a2", "a3"]) await read(key);
  state.moved = true;
  expect(await read("a4")).toBeNull();
  await clock.advance(1000);
  expect(notices().slice(1)).toEqual([{ homes_back: { node: "a" } }]);
  expect(clock.sleepers()).toBe(0);
});

test("where nobody knows who serves a key it is asked for whatever happened", async () => {
  const { asked, read } = nodesWorld();
  for (let at = 0; at < 5; at++) await read("");
  expect(asked).toHaveLength(5);
});
