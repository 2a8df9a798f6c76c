import type { Exchange } from "../../src/simulator/simulator.ts";

/** In a world of these nothing ends by itself while a test runs: what ends was ended by what the test did. */
export const PATIENT = { connect: "10m", first_token: "10m", idle: "10m", total: "10m" } as const;

/**
 * "At once" without a stopwatch, which a busy machine would falsify: time is counted in exchanges with the same proxy. What
 * it passes on as it comes arrives within a few of them, however slow they are; what waits for a timer of a second does not.
 */
const AT_ONCE_EXCHANGES = 300;

/** How an upstream's exchange ended within that; "runs" where it did not. */
export async function endedAtOnce(url: string, exchange: Exchange | undefined): Promise<string> {
  for (let made = 0; made < AT_ONCE_EXCHANGES; made++) {
    const end = exchange?.end();
    if (end) return end.how;
    await exchanges(url, 1);
  }
  return "runs";
}

/** So many exchanges with the proxy, one after the other. */
export async function exchanges(url: string, count: number): Promise<void> {
  for (let made = 0; made < count; made++) await (await fetch(`${url}/livez`)).text();
}
