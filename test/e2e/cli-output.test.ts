import { expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { answer } from "../../src/simulator/behaviour.ts";
import { binary } from "../world/binary.ts";
import { eventually, startWorld } from "../world/scripted-upstream.ts";
import { ask } from "../world/http.ts";

setDefaultTimeout(60_000);

/** Sessions enough that their list is several times what a pipe holds (64 KiB, pipe(7)). */
const SESSIONS = 500;

test("a reader that is late has all of a long answer", async () => {
  await using world = await startWorld({ a: answer() });
  const client = async (name: number) => {
    for (let turn = 0; turn < SESSIONS / 10; turn++) await ask(world.url, "anthropic", { session: `${name}-${turn}` });
  };
  await Promise.all(Array.from({ length: 10 }, (_, name) => client(name)));
  await world.idle();
  // The shell's own reader begins when the verb has had all the time it needs to write.
  const late = `"$0" sessions --json --url ${world.url} | { read -r line; sleep 1; echo "$line"; cat; }`;
  const shell = Bun.spawn(["sh", "-c", late, await binary()], { env: { PATH: process.env["PATH"] }, stdout: "pipe" });
  const { sessions, total } = (await new Response(shell.stdout).json()) as { sessions: unknown[]; total: number };
  expect([sessions.length, total]).toEqual([SESSIONS, SESSIONS]);
});

test("a reader that has had enough is no error, a full disk is one", async () => {
  const early = Bun.spawn(["sh", "-c", `{ "$0" schema; echo "exit $?" >&2; } | true`, await binary()], {
    env: { PATH: process.env["PATH"] },
    stderr: "pipe",
  });
  expect(await new Response(early.stderr).text()).toBe("exit 0\n");
  const full = openSync("/dev/full", "w");
  const lost = Bun.spawn([await binary(), "schema"], { env: {}, stdout: full, stderr: "pipe" });
  closeSync(full);
  expect(await lost.exited).toBe(1);
});

test.each(["SIGHUP", "SIGINT", "SIGTERM"] as const)(
  "the demo ends on %s, with nothing on standard error",
  async (name) => {
    const child = Bun.spawn([await binary(), "demo", "--port", "0"], { env: {}, stdout: "pipe", stderr: "pipe" });
    try {
      const heard = { text: "" };
      const reading = (async () => {
        for await (const bytes of child.stdout) heard.text += new TextDecoder().decode(bytes);
      })();
      await eventually("it is up", () => heard.text.includes("Each request's decision:"));
      child.kill(name);
      expect(await child.exited).toBe(0);
      await reading;
      for (const line of heard.text.split("\n")) expect(line).not.toMatch(/^\{"level"|^\[\d\d:/);
      expect(await new Response(child.stderr).text()).toBe("");
    } finally {
      child.kill("SIGKILL");
    }
  },
);
