import { expect, setDefaultTimeout, test } from "bun:test";
import { answer, forWish, PLAIN_REPLY, streamHead } from "../../src/simulator/behaviour.ts";
import { send, waitFor } from "../../src/simulator/script.ts";
import { PLAIN_TEXT } from "../world/http.ts";
import { rawAsk } from "../world/raw.ts";
import { eventually, startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(120_000);

const STREAMS = 600;
/** Fewer at a time than a listen backlog holds. */
const BATCH = 100;

test("600 streams are open at once: the process is not held to fetch's 256", async () => {
  const gate = Promise.withResolvers<void>();
  const half = forWish((wish, dialect) => {
    const events = dialect.stream(wish, PLAIN_REPLY).map((event) => send(event.text));
    return [streamHead(wish), ...events.slice(0, 5), waitFor(gate.promise), ...events.slice(5)];
  });
  await using world = await startWorld({ a: half }, { config: { defaults: { hedge: { after: "off" } } } });
  const streams: ReturnType<typeof rawAsk>[] = [];
  while (streams.length < STREAMS) {
    for (let at = 0; at < BATCH; at++) streams.push(rawAsk(world.url, "anthropic", { session: `s${streams.length}` }));
    await eventually(`${streams.length} run upstream`, () => world.upstream.a.running() === streams.length);
  }
  expect(await world.hedgerow.metric("hedgerow_leases")).toBe(STREAMS);
  gate.resolve();
  const heard = await Promise.all(streams);
  expect(heard.filter((answered) => answered.said === PLAIN_TEXT && answered.terminal).length).toBe(STREAMS);
  await world.idle();
  world.upstream.a.behave(answer());
  expect(await rawAsk(world.url, "anthropic")).toMatchObject({ said: PLAIN_TEXT, terminal: true });
});
