import { describe, expect, test } from "bun:test";
import { inbox } from "../../src/forward/inbox.ts";

describe("an inbox", () => {
  test("gives notes in the order they came, waiting or not", async () => {
    const it = inbox<number>();
    it.put(1);
    it.put(2);
    const read = [await it.take(), await it.take()];
    const third = it.take();
    it.put(3);
    it.put(4);
    expect([...read, await third, await it.take()]).toEqual([1, 2, 3, 4]);
  });

  test("sends what is left, and what comes later, elsewhere once it is closed", () => {
    const it = inbox<number>();
    const late: number[] = [];
    it.put(1);
    it.close((note) => late.push(note));
    it.put(2);
    expect(late).toEqual([1, 2]);
  });
});
