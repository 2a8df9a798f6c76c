import { describe, expect, test } from "bun:test";
import { secret } from "../../src/core/secret.ts";
import { latitude, whyNobody, withinOrigin } from "../../src/forward/candidates.ts";
import type { Inbound } from "../../src/forward/inbound.ts";
import type { Provider } from "../../src/provider/provider.ts";
import type { LeftOut, Ranking } from "../../src/provider/rank.ts";
import { provider } from "../provider/world.ts";

const keyed = (name: string) => provider(name, { keys: [secret("a-key-of-the-proxy")] });
const at = (name: string, origin: string) => provider(name, { origin });
const ranked = (...providers: Provider[]): Ranking => ({
  order: providers.map((one) => ({ provider: one, why: "rank" as const })),
  out: [],
});
const names = (ranking: Ranking) => ranking.order.map((one) => one.provider.name);

describe("the client's own credentials", () => {
  test("stay with the origin they are sent to first", () => {
    const all = ranked(at("a", "https://x.test"), at("b", "https://y.test"), at("c", "https://x.test"), keyed("d"));
    const within = withinOrigin(all);
    expect(names(within)).toEqual(["a", "c"]);
    expect(within.out.map(({ provider: name, reason }) => [name, reason])).toEqual([
      ["b", "other_account"],
      ["d", "other_account"],
    ]);
  });

  test("go to one origin at most where providers with keys come first", () => {
    expect(
      names(withinOrigin(ranked(keyed("a"), at("b", "https://y.test"), at("c", "https://z.test"), keyed("d")))),
    ).toEqual(["a", "b", "d"]);
  });

  test("change nothing where every provider has keys", () => {
    const all = ranked(keyed("a"), keyed("b"));
    expect(withinOrigin(all)).toBe(all);
  });
});

describe("how free a request is", () => {
  const asks = (facts: Partial<Inbound["facts"]>, kind = "generate") =>
    ({ facts: { stream: true, binding: "free", ...facts }, operation: { kind } }) as Inbound;
  const two = ranked(keyed("a"), keyed("b"));
  const rows: [string, Inbound, Ranking, ReturnType<typeof latitude>][] = [
    ["a stream", asks({}), two, { hedgeable: true, attemptsMax: 4 }],
    ["no stream", asks({ stream: false }), two, { hedgeable: false, attemptsMax: 4 }],
    ["one provider", asks({}), ranked(keyed("a")), { hedgeable: false, attemptsMax: 4 }],
    ["stored where it is answered", asks({ binding: "failover_only" }), two, { hedgeable: false, attemptsMax: 4 }],
    ["bound to an account", asks({ binding: "account" }), two, { hedgeable: false, attemptsMax: 1 }],
    ["a short call", asks({}, "count"), two, { hedgeable: false, attemptsMax: 4 }],
    ["a compaction", asks({}, "compact"), two, { hedgeable: false, attemptsMax: 4 }],
  ];
  test.each(rows)("%s", (_, inbound, ranking, wanted) => {
    expect(latitude(inbound, ranking, 4)).toEqual(wanted);
  });
});

describe("why nobody can be asked", () => {
  const out = (reason: LeftOut["reason"], backInMs = 0, limited = false): LeftOut => ({
    provider: "a",
    reason,
    backInMs,
    limited,
  });
  const rows: [string, readonly LeftOut[], ReturnType<typeof whyNobody>][] = [
    ["nobody ever would", [out("model"), out("group"), out("disabled")], "no_provider"],
    ["those who would are off duty", [out("hours", 5_000), out("model")], { code: "off_hours", backInMs: 5_000 }],
    ["those who would are open", [out("open", 5_000), out("model")], { code: "providers_down", backInMs: 5_000 }],
    ["those who would are limited", [out("cooling", 5_000, true)], { code: "providers_full", backInMs: 5_000 }],
  ];
  test.each(rows)("%s", (_, left, why) => {
    expect(whyNobody({ order: [], out: left }, null)).toEqual(why);
  });

  const elsewhere: LeftOut = { ...out("other_account"), provider: "b" };
  const bound: [string, readonly LeftOut[], ReturnType<typeof whyNobody>][] = [
    ["disabled", [out("disabled")], { code: "account_disabled" }],
    ["disabled by an operator", [out("disabled_by_operator")], { code: "account_disabled" }],
    ["not there any more", [], { code: "account_removed" }],
    ["not for this client", [out("group")], { code: "account_barred" }],
    ["off duty", [out("hours", 7_000)], { code: "off_hours", backInMs: 7_000 }],
    ["open", [out("open", 7_000)], { code: "providers_down", backInMs: 7_000 }],
    ["limited", [out("cooling", 7_000, true)], { code: "providers_full", backInMs: 7_000 }],
  ];
  test.each(bound)("the one that holds the account is %s", (_, left, why) => {
    expect(whyNobody({ order: [], out: [elsewhere, ...left] }, "a")).toEqual(why);
  });
});
