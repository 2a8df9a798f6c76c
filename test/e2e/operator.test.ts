import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { answer, status } from "../../src/simulator/behaviour.ts";
import { runHedgerow, startHedgerow } from "../world/binary.ts";
import { ask, begin, hear, hearUntil, PLAIN_TEXT } from "../world/http.ts";
import { streamingLoad } from "../world/load.ts";
import { admin, BEGUN, heldOpen, reloadBy, replaceFile, rewrite } from "../world/operate.ts";
import { describeWithRedis, redisServer, type RedisServer } from "../world/redis.ts";
import { eventually, startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(120_000);

describeWithRedis("an operator at three in the morning", () => {
  let redis: RedisServer;
  beforeEach(async () => {
    redis = await redisServer({ listen: "tcp" });
  });
  afterEach(() => redis.stop());

  test("sees what broke, ends what is stuck, mends the file, and rolls to a new version under load", async () => {
    await using world = await startWorld(
      { main: answer(), relay: answer() },
      {
        each: { limits: { sessions: 50 } },
        config: {
          server: { port: 0, reuse_port: true, drain_delay: "300ms" },
          sessions: { store: "redis", redis: { url: redis.url, timeout: "2s" } },
          defaults: { hedge: { after: "off" }, breaker: { failures: 3, open: "10m" } },
        },
      },
    );
    const { hedgerow, upstream, url } = world;
    const verb = async (...args: string[]) => {
      const { code, stdout, stderr } = await runHedgerow([...args, "--url", url]);
      return { code, shown: stdout + stderr };
    };
    const rowOf = (shown: string, name: string) => shown.split("\n").find((line) => line.startsWith(`${name} `)) ?? "";

    // All is well.
    expect(await ask(url, "anthropic")).toMatchObject({ status: 200, said: PLAIN_TEXT });
    expect(rowOf((await verb("status")).shown, "main")).toMatch(/^main +up +1\/50 /);

    // One provider breaks. Nobody is hurt; `status` names it, and the trail of a request says what it does.
    upstream.main.behave(status(503));
    for (let turn = 0; turn < 4; turn++)
      expect(await ask(url, "anthropic", { session: `night-${turn}` })).toMatchObject({
        status: 200,
        said: PLAIN_TEXT,
      });
    expect(rowOf((await verb("status")).shown, "main")).toMatch(/^main +open, probe in /);
    expect((await admin(url, "requests?provider=main&limit=1")).body).toMatchObject({
      requests: [
        {
          provider: "relay",
          attempts: [
            { provider: "main", kind: "first", outcome: "failed", status: 503, reason: "status_503" },
            { provider: "relay", kind: "failover", outcome: "answered" },
          ],
        },
      ],
    });
    expect((await verb("explain", "--protocol", "anthropic", "--model", "m")).shown).toMatch(
      /1 +relay .*\n- +main +its breaker is open, back in /,
    );

    // A session is stuck. It is found by the id its client gives it, and ended.
    upstream.relay.behave(heldOpen().behave);
    const stuck = await begin(url, "openai-responses", { session: "stuck-agent" });
    await hearUntil(stuck, BEGUN);
    expect((await verb("sessions")).shown).toMatch(/ anonymous .* 1 +relay \(1 running\)/);
    expect(await verb("sessions", "end", "stuck-agent")).toMatchObject({
      code: 0,
      shown: expect.stringContaining(" of anonymous: 1 lease"),
    });
    expect(await hear(stuck, "openai-responses")).toMatchObject({ clean: true, terminal: false, error: true });
    upstream.relay.behave(answer());
    await world.idle();

    // The file is mended, with a mistake first: nothing changes, and the line is told wherever one looks.
    const good = readFileSync(hedgerow.configFile, "utf8");
    const mistake = `${hedgerow.configFile}:5:5 server.drian: unknown key; did you mean "drain"?`;
    const refused = await reloadBy(hedgerow, () =>
      replaceFile(hedgerow.configFile, good.replace('"drain_delay": "300ms"', '"drian": "300ms"')),
    );
    expect(refused["problems"]).toEqual([mistake]);
    expect(await runHedgerow(["check", "-c", hedgerow.configFile])).toMatchObject({ code: 2, stdout: `${mistake}\n` });
    expect((await admin(url, "config")).body).toMatchObject({ reload: { result: "refused", problems: [mistake] } });
    expect(await ask(url, "anthropic", { session: "meanwhile" })).toMatchObject({ status: 200, said: PLAIN_TEXT });
    replaceFile(hedgerow.configFile, good);
    const mended = await reloadBy(hedgerow, () =>
      rewrite(hedgerow, (config) => ({
        ...config,
        providers: config.providers.map((provider) =>
          provider["name"] === "main" ? { ...provider, enabled: false } : provider,
        ),
      })),
    );
    expect(mended).toMatchObject({ result: "applied", problems: [], notes: [] });
    expect(rowOf((await verb("status")).shown, "main")).toMatch(/^main +disabled /);

    // A new version beside the old one, then the old one goes, under load: every answer is whole.
    const next = readFileSync(hedgerow.configFile, "utf8").replace('"port": 0', `"port": ${new URL(url).port}`);
    await using newer = await startHedgerow({ config: next });
    upstream.relay.behave(answer({ gapMs: 20 }));
    const load = streamingLoad(url, 12);
    await eventually("it streams", () => load.streams() > 24);
    const gone = hedgerow.stop();
    await eventually("the old one drains", () => hedgerow.log().some(({ msg }) => msg === "draining"));
    const before = load.streams();
    expect(await gone).toBe(0);
    expect(hedgerow.log().at(-1)).toMatchObject({ msg: "drained", leases: 0 });
    await eventually("the new one serves on", () => load.streams() > before + 24 || load.wrong.length > 0);
    await load.stop();
    // Connections that the old one kept open may close under a client just as it asks; it hears nothing then, and asks again.
    for (const wrong of load.wrong) expect(wrong).toBeInstanceOf(Error);

    await eventually("nothing is held", async () => (await newer.metric("hedgerow_leases")) === 0);
    expect(await newer.stop()).toBe(0);
    for (const name of ["main", "relay"])
      expect(await redis.admin.zcard(`hedgerow:{provider:${name}}:active_session_leases`)).toBe(0);
  });
});
