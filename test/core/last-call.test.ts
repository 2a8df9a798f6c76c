import { expect, test } from "bun:test";
import { lastCall } from "../../src/core/last-call.ts";

test("a last call is heard once, also by who comes later, and by nobody who has left", () => {
  const heard: string[] = [];
  const it = lastCall();
  const both = () => heard.push("both");
  it.whenSaid(both);
  const leave = it.whenSaid(both);
  it.whenSaid(() => heard.push("stays"));
  leave();
  leave();
  it.say();
  it.say();
  expect(heard).toEqual(["both", "stays"]);
  it.whenSaid(() => heard.push("late"))();
  expect(heard).toEqual(["both", "stays", "late"]);
});

test("who leaves while it is said is not told any more", () => {
  const heard: string[] = [];
  const it = lastCall();
  it.whenSaid(() => leave());
  const leave = it.whenSaid(() => heard.push("left"));
  it.say();
  expect(heard).toEqual([]);
});
