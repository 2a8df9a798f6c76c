import { describe, expect, test } from "bun:test";
import { sessionHash } from "../../src/core/ids.ts";
import { identify } from "../../src/http/identify.ts";
import type { RequestFacts } from "../../src/protocol/protocol.ts";
import type { Alias } from "../../src/session/home.ts";

const FACTS: RequestFacts = {
  model: "m",
  stream: false,
  binding: "free",
  sessions: [],
  aliases: [],
  contentSeed: "seed",
  aliasable: false,
};

const ALL_HEADERS = {
  "x-hedgerow-session": "1",
  "x-claude-code-session-id": "2",
  session_id: "4",
  "session-id": "5",
  "x-session-id": "6",
  "x-session-affinity": "7",
};
const ALL_SESSIONS: RequestFacts["sessions"] = [
  { source: "metadata.user_id", id: "3" },
  { source: "prompt_cache_key", id: "8" },
  { source: "metadata.session_id", id: "9" },
];

const ORDER = [
  ["x-hedgerow-session", "1"],
  ["x-claude-code-session-id", "2"],
  ["metadata.user_id", "3"],
  ["session_id", "4"],
  ["session-id", "5"],
  ["x-session-id", "6"],
  ["x-session-affinity", "7"],
  ["prompt_cache_key", "8"],
  ["metadata.session_id", "9"],
] as const;

function identified(
  given: Readonly<{
    client?: string;
    headers?: Record<string, string>;
    facts?: Partial<RequestFacts>;
    known?: Readonly<Record<string, Alias>>;
  }>,
) {
  return identify({
    client: given.client ?? "ann",
    headers: new Headers(given.headers),
    facts: { ...FACTS, ...given.facts },
    readAlias: async (id) => given.known?.[id] ?? null,
  });
}

describe("who the session is", () => {
  test.each(ORDER)("%s counts where nothing before it is given, whatever comes after", async (source, id) => {
    const at = ORDER.findIndex(([name]) => name === source);
    const later = new Set<string>(ORDER.slice(at).map(([name]) => name));
    const headers = Object.fromEntries(Object.entries(ALL_HEADERS).filter(([name]) => later.has(name)));
    const sessions = ALL_SESSIONS.filter((session) => later.has(session.source));
    const found = await identified({ headers, facts: { sessions } });
    expect(found).toEqual({ session: sessionHash("ann", id), source, boundTo: null });
  });

  test("is its content where nothing gives an id, or an empty one", async () => {
    const content = { session: sessionHash("ann", "seed"), source: "content", boundTo: null };
    expect(await identified({})).toEqual(content);
    expect(await identified({ headers: { session_id: "", "x-hedgerow-session": " " } })).toEqual(content);
  });

  test("is a hash of 22 letters, however long or odd the id", async () => {
    for (const id of ["x".repeat(10_000), "a b\tc", "../../{tag}:*", "0"]) {
      const { session } = await identified({ headers: { session_id: id } });
      expect(session).toMatch(/^[A-Za-z0-9_-]{22}$/);
    }
  });

  test("is never that of another client with the same id", async () => {
    const headers = { session_id: "same" };
    const [ann, bob] = await Promise.all([identified({ headers }), identified({ headers, client: "bob" })]);
    expect(ann?.session).not.toBe(bob?.session);
  });
});

describe("a request that goes on from an upstream's object", () => {
  const facts = {
    aliases: [
      { source: "conversation", id: "conv_1" },
      { source: "previous_response_id", id: "resp_1" },
    ],
  } as const;
  const home: Alias = { session: "session-of-before", provider: "main" };

  test("belongs to the session that was answered with it, and to that provider", async () => {
    expect(await identified({ facts, known: { resp_1: home } })).toEqual({
      session: "session-of-before",
      source: "previous_response_id",
      boundTo: "main",
    });
    const known = { conv_1: { session: "s", provider: "p" }, resp_1: home };
    expect(await identified({ facts, known })).toEqual({ session: "s", source: "conversation", boundTo: "p" });
  });

  test("keeps an id of its own, and is bound to that provider all the same", async () => {
    const headers = { session_id: "mine" };
    expect(await identified({ headers, facts, known: { resp_1: home } })).toEqual({
      session: sessionHash("ann", "mine"),
      source: "session_id",
      boundTo: "main",
    });
  });

  test("is its content where nobody knows the object", async () => {
    expect(await identified({ facts })).toEqual({
      session: sessionHash("ann", "seed"),
      source: "content",
      boundTo: null,
    });
  });
});
