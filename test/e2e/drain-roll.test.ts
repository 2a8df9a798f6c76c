import { expect, setDefaultTimeout, test } from "bun:test";
import { answer } from "../../src/simulator/behaviour.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { startHedgerow } from "../world/binary.ts";
import { ask, begin, hear, hearUntil } from "../world/http.ts";
import { streamingLoad } from "../world/load.ts";
import { BEGUN, heldOpen } from "../world/operate.ts";
import { rawAsk } from "../world/raw.ts";
import { configText, eventually, providerEntry, startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(120_000);

test("two versions listen side by side on one port, and rolling from one to the other loses no request", async () => {
  const held = heldOpen();
  using upstreams = new DisposableStack();
  const upstream = (behave: typeof held.behave) => {
    const simulator = startSimulator({ behave });
    upstreams.defer(() => void simulator.close());
    return simulator;
  };
  let behave = held.behave;
  const old = upstream((request) => behave(request));
  const version = (name: string, port: number, url: string) =>
    startHedgerow({
      config: configText({
        server: { port, reuse_port: true, drain_delay: "500ms" },
        providers: [providerEntry(name, url)],
      }),
    });
  await using first = await version("old", 0, old.url);
  const begun = await begin(first.url, "anthropic");
  await hearUntil(begun, BEGUN);
  behave = answer();
  const port = Number(new URL(first.url).port);
  await using second = await version("new", port, upstream(answer()).url);
  expect(second.url).toBe(first.url);

  // A connection for each: which of the two gets it is the system's choice.
  const served = { old: 0, new: 0 };
  let resets = 0;
  const clientCount = 4;
  const over = new AbortController();
  const client = async () => {
    while (!over.signal.aborted) {
      const heard = await rawAsk(first.url, "openai-chat");
      // One that the system had queued for the old socket when it closed was heard by nobody (SO_REUSEPORT, socket(7)).
      if (heard.status === 0 && resets++ < clientCount) continue;
      expect(heard).toMatchObject({ status: 200, clean: true, terminal: true });
      served[heard.headers.get("x-hedgerow-provider") as "old" | "new"]++;
    }
  };
  const clients = Promise.all(Array.from({ length: clientCount }, client));
  await eventually("both serve", () => served.old > 0 && served.new > 0);
  const gone = first.stop();
  await eventually("the old one is told", () => first.log().some(({ msg }) => msg === "draining"));
  held.release();
  expect(await hear(begun, "anthropic")).toMatchObject({ clean: true, terminal: true });
  expect(await gone).toBe(0);
  const before = served.new;
  await eventually("the new one serves alone", () => served.new > before + 10);
  over.abort();
  await clients;
  expect(first.log().at(-1)).toMatchObject({ msg: "drained", leases: 0 });
  expect(await second.stop()).toBe(0);
});

test("without reuse_port a second one is told that the port is taken", async () => {
  await using world = await startWorld({ a: answer() });
  const port = Number(new URL(world.url).port);
  const config = configText({ server: { port }, providers: [providerEntry("a", world.upstream.a.url)] });
  const why = await startHedgerow({ config }).then(() => "it listens", String);
  expect(why).toMatch(/exit 1.*the port is taken/s);
  expect((await ask(world.url, "anthropic")).status).toBe(200);
});

test("a drain under load: whatever was begun is answered whole, and nothing is left", async () => {
  const paced = answer({ gapMs: 15 });
  await using world = await startWorld(
    { a: paced, b: paced },
    { config: { server: { port: 0, drain_delay: "200ms" } } },
  );
  const load = streamingLoad(world.url, 24);
  await eventually("it streams", () => load.streams() > 24);
  const exited = world.hedgerow.stop();
  expect(await exited).toBe(0);
  await load.stop();
  // A client that comes when nobody listens any more hears nothing at all; nobody hears half an answer.
  for (const wrong of load.wrong) expect(wrong).toBeInstanceOf(Error);
  expect(world.hedgerow.log().at(-1)).toMatchObject({ msg: "drained", leases: 0 });
  const outcomes = new Set(world.hedgerow.log().flatMap(({ msg }) => (msg.startsWith("request ") ? [msg] : [])));
  expect([...outcomes]).toEqual(["request answered"]);
  for (const upstream of Object.values(world.upstream)) expect(upstream.running()).toBe(0);
});
