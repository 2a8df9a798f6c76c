import { expect, test } from "bun:test";
import { freePort } from "./free-port.ts";

const DRAWS = 600;

test("a free port is given once, nobody's connection goes out from it, and one who asks by number gets it", async () => {
  const given = new Set<number>();
  for (let at = 0; at < DRAWS; at++) given.add(await freePort());
  expect(given.size).toBe(DRAWS);
  const socket = { data() {} };
  using server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket });
  expect(given.has(server.port)).toBe(false);
  for (let at = 0; at < DRAWS; at++) {
    const out = await Bun.connect({ hostname: "127.0.0.1", port: server.port, socket });
    expect(given.has(out.localPort)).toBe(false);
    out.terminate();
  }
  const [port] = given;
  using taken = Bun.listen({ hostname: "127.0.0.1", port: port ?? 0, socket });
  expect(taken.port).toBe(port ?? 0);
});
