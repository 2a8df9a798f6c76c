import { expect, test } from "bun:test";
import { inTime } from "../../src/core/in-time.ts";
import { handClock } from "../world/clock.ts";

test("work that ends in time is what it comes to, well or ill, and leaves no timer", async () => {
  const clock = handClock();
  expect(await inTime(clock, 10, Promise.resolve("done"))).toBe("done");
  expect(await inTime(clock, 10, Promise.reject(new Error("broken"))).catch(String)).toBe("Error: broken");
  expect(clock.sleepers()).toBe(0);
});

test("work that takes longer goes on unheard", async () => {
  const clock = handClock();
  const work = Promise.withResolvers<string>();
  const waited = inTime(clock, 10, work.promise);
  await clock.advance(10);
  expect(await waited).toBeNull();
  work.reject(new Error("nobody listens any more"));
  await clock.advance(0);
  expect(clock.sleepers()).toBe(0);
});
