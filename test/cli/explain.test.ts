import { describe, expect, test } from "bun:test";
import { explainRunning, explainText, printExplain } from "../../src/cli/explain.ts";
import { sessionHash } from "../../src/core/ids.ts";
import type { ExplainView } from "../../src/http/admin/views.ts";
import { cliWorld, scriptedTerminal } from "./world.ts";

const VIEW: ExplainView = {
  order: [
    { provider: "fast", why: "home", hedge_after_ms: 1_500 },
    { provider: "slow", why: "rank", hedge_after_ms: null },
  ],
  out: [
    { provider: "down", reason: "open", back_in_ms: 12_000 },
    { provider: "else", reason: "model", back_in_ms: 0 },
    { provider: "newer", reason: "some_new_word", back_in_ms: 0 },
  ],
};

describe("the page", () => {
  test("says who would be asked, in which order, when hedged, and why the others not", () => {
    expect(explainText(VIEW, false).split("\n")).toEqual([
      "#  PROVIDER  WHY",
      "1  fast      the session's home                hedge after 1.5s",
      "2  slow      by priority, weight and session   no hedge",
      "-  down      its breaker is open, back in 12s",
      "-  else      does not serve this model",
      "-  newer     some_new_word",
    ]);
  });

  test("says plainly that nobody would be asked", () => {
    expect(explainText({ ...VIEW, order: [] }, false)).toStartWith("nobody would be asked\n");
  });

  test("is printed from a value, as text or JSON", () => {
    for (const json of [false, true]) {
      const { terminal, out } = scriptedTerminal();
      const { world, server } = cliWorld();
      using _ = server;
      printExplain(VIEW, { json, world: { ...world, terminal } });
      expect(json ? JSON.parse(out()) : out()).toEqual(json ? VIEW : `${explainText(VIEW, false)}\n`);
    }
  });
});

describe("asking a running instance", () => {
  test("passes the question on whole", async () => {
    const { verb, world, done, out, server } = cliWorld();
    using _ = server;
    const question = { protocol: "gemini", model: "a/b&c=d", client: "bob", session: "é +" };
    expect(await explainRunning({ ...verb, ...question }, world)).toBe(0);
    expect(done).toEqual([{ protocol: "gemini", model: "a/b&c=d", client: "bob", session: sessionHash("bob", "é +") }]);
    expect(out()).toStartWith("nobody would be asked");
  });

  test("shows why it was refused", async () => {
    const { verb, world, err, server } = cliWorld();
    using _ = server;
    const question = { protocol: "smtp", model: "m", client: null, session: null };
    expect(await explainRunning({ ...verb, ...question }, world)).toBe(1);
    expect(err()).toContain("protocol must be one of anthropic");
  });
});
