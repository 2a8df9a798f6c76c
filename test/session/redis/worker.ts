import { systemClock } from "../../../src/core/clock.ts";
import { secret } from "../../../src/core/secret.ts";
import { member } from "./fleet.ts";
import type { Seen } from "./history.ts";

/**
 * A process of its own for tests that kill one: holds a session, takes and gives back others, writes what it saw to
 * stdout, one JSON line each, and ends in good order when its stdin does.
 */
const [url = "", name = "", leaseTtlMs = "600", limit = "4"] = process.argv.slice(2);

const one = await member({ where: { kind: "single", url: secret(url) }, name, leaseTtlMs: Number(leaseTtlMs) });
const over = new AbortController();
let written = 0;
const write = () => {
  const news: readonly Seen[] = one.history.slice(written);
  written = one.history.length;
  for (const seen of news) process.stdout.write(`${JSON.stringify(seen)}\n`);
};

let kept = await one.ask(`kept-${name}`, Number(limit));
while (!kept) {
  await systemClock.sleep(3); // the others are at the limit
  kept = await one.ask(`kept-${name}`, Number(limit));
}
write();
const work = async (lane: number) => {
  for (let round = 0; !over.signal.aborted; round++) {
    const held = await one.ask(`s${(lane * 3 + round) % 9}`, Number(limit));
    await systemClock.sleep(3);
    if (held) one.give(held, round % 4 === 0 ? "reverted" : "failed");
    write();
  }
};
const lanes = [0, 1, 2].map(work);

for await (const _ of Bun.stdin.stream()); // until it is closed
over.abort();
await Promise.all(lanes);
one.give(kept);
write();
await one.close();
