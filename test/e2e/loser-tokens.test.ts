import { expect, setDefaultTimeout, test } from "bun:test";
import { anthropicDialect } from "../../src/simulator/answers/anthropic.ts";
import { answer, forWish, noHeaders, PLAIN_REPLY, streamHead } from "../../src/simulator/behaviour.ts";
import { send, stall } from "../../src/simulator/script.ts";
import type { Behave } from "../../src/simulator/simulator.ts";
import { ask } from "../world/http.ts";
import { eventually, startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const HEDGED = { config: { defaults: { hedge: { after: "100ms", budget: "100%" } } } };
/** The message begins, its tokens are told, and then there is nothing more. */
const preludeThenSilence: Behave = forWish((wish) => {
  const [start] = anthropicDialect.stream(wish, PLAIN_REPLY);
  return [streamHead(wish), send(start?.text ?? ""), stall];
});

/** What the log line says of the loser's tokens. */
async function loserTokens(behave: Behave, prompt: string): Promise<unknown> {
  await using world = await startWorld({ a: behave, b: answer() }, HEDGED);
  expect((await ask(world.url, "anthropic", { prompt })).headers.get("x-hedgerow-hedge")).toBe("won");
  const line = () => world.hedgerow.log().find(({ msg }) => msg === "request answered");
  await eventually("the request is in the log", () => line() !== undefined);
  const attempts = line()?.["attempts"] as readonly Readonly<{ outcome: string; tokens?: unknown }>[];
  return attempts.find(({ outcome }) => outcome === "lost")?.tokens;
}

test("a loser's tokens are those its stream had told when it was called off", async () => {
  const { input, cached } = PLAIN_REPLY.tokens;
  expect(await loserTokens(preludeThenSilence, "short")).toMatchObject({ input: input + cached, cached });
});

test("a loser that had said nothing has cost its prompt, by the rule of thumb", async () => {
  const tokens = await loserTokens(noHeaders, "x".repeat(4_000));
  expect(tokens).toMatchObject({ output: 0, cached: 0, estimated: true });
  expect((tokens as { input: number }).input).toBeWithin(1_000, 1_100);
});
