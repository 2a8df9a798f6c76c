import { expect, setDefaultTimeout, test } from "bun:test";
import { PROTOCOL_NAMES } from "../../src/protocol/protocol.ts";
import { binary } from "../world/binary.ts";
import { ask } from "../world/http.ts";
import { eventually } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

test("the demo answers in all four protocols, tells each decision, and ends on SIGINT", async () => {
  const child = Bun.spawn([await binary(), "demo", "--port", "0"], { env: {}, stdout: "pipe", stderr: "pipe" });
  let printed = "";
  const reading = (async () => {
    for await (const bytes of child.stdout) printed += new TextDecoder().decode(bytes);
  })();
  try {
    await eventually("it says where it is", () => printed.includes("Each request's decision:"));
    const url = /on (http:\S+\d):/.exec(printed)?.[1] ?? "";
    const page = await fetch(/Dashboard: (\S+)/.exec(printed)?.[1] ?? "");
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    await page.text();
    // A broken stream may be among them: one provider fails now and then, and is then ended honestly.
    const heard = await Promise.all(PROTOCOL_NAMES.map((protocol) => ask(url, protocol, { session: protocol })));
    for (const answered of heard) expect(answered.terminal || answered.error).toBe(true);
    await eventually("four decisions are told", () => printed.match(/ · sticky /g)?.length === 4);
    expect(printed).not.toContain("\u001b");
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);
    await reading;
  } finally {
    child.kill("SIGKILL");
  }
});
