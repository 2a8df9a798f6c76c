import { describe, expect, test } from "bun:test";
import { activeInMs, isActive } from "../../src/provider/active-hours.ts";
import type { ActiveHours } from "../../src/provider/provider.ts";

const hours = (from: string, to: string, timeZone: string): ActiveHours => {
  const minute = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
  return { fromMinute: minute(from), toMinute: minute(to), timeZone, text: `${from}-${to}` };
};
const at = (iso: string) => Date.parse(iso);

describe("active hours", () => {
  test("begin with their first minute and end before their last", () => {
    const day = hours("08:00", "20:00", "UTC");
    const seen = ["07:59:59", "08:00:00", "19:59:59", "20:00:00"].map((time) =>
      isActive(day, at(`2026-01-15T${time}Z`)),
    );
    expect(seen).toEqual([false, true, true, false]);
  });

  test("are of the provider's zone", () => {
    const noon = at("2026-01-15T12:00:00Z");
    expect(isActive(hours("20:00", "22:00", "Asia/Shanghai"), noon)).toBe(true);
    expect(isActive(hours("06:00", "08:00", "America/New_York"), noon)).toBe(true);
    expect(isActive(hours("17:30", "17:31", "Asia/Kolkata"), noon)).toBe(true);
    expect(isActive(hours("12:00", "13:00", "Asia/Shanghai"), noon)).toBe(false);
  });

  test("may cross midnight", () => {
    const night = hours("22:00", "06:00", "Europe/Berlin");
    const seen = ["20:59", "21:00", "23:30", "04:59", "05:00"].map((time) =>
      isActive(night, at(`2026-01-15T${time}:00Z`)),
    );
    expect(seen).toEqual([false, true, true, true, false]);
  });

  test("from a minute to itself are all day", () => {
    expect(isActive(hours("00:00", "00:00", "UTC"), at("2026-01-15T03:00:00Z"))).toBe(true);
  });

  test("that begin in the hour skipped in spring begin with the one after", () => {
    // Berlin, 29 March 2026: 01:59:59 is followed by 03:00:00.
    const early = hours("02:30", "04:00", "Europe/Berlin");
    const seen = ["00:59", "01:00", "01:59", "02:00"].map((time) => isActive(early, at(`2026-03-29T${time}:00Z`)));
    expect(seen).toEqual([false, true, true, false]);
  });

  test("count both times in the hour that comes twice in autumn", () => {
    // Berlin, 25 October 2026: 02:00 to 03:00 comes at 00:00Z and again at 01:00Z.
    const early = hours("02:15", "02:45", "Europe/Berlin");
    const seen = ["00:14", "00:15", "00:45", "01:15", "01:44", "01:45"].map((time) =>
      isActive(early, at(`2026-10-25T${time}:00Z`)),
    );
    expect(seen).toEqual([false, true, false, true, true, false]);
  });
});

describe("the next time on duty", () => {
  const minutes = (count: number) => count * 60_000;

  test("is no time away inside the hours, and all day long", () => {
    expect(activeInMs(hours("08:00", "20:00", "UTC"), at("2026-01-15T08:00:00Z"))).toBe(0);
    expect(activeInMs(hours("00:00", "00:00", "UTC"), at("2026-01-15T03:00:00Z"))).toBe(0);
  });

  test("is the next beginning, to the millisecond", () => {
    const day = hours("08:00", "20:00", "Europe/Berlin");
    expect(activeInMs(day, at("2026-01-15T06:59:58.500Z"))).toBe(1_500);
    expect(activeInMs(day, at("2026-01-15T19:00:00Z"))).toBe(minutes(12 * 60));
    expect(activeInMs(hours("22:00", "06:00", "UTC"), at("2026-01-15T06:00:00Z"))).toBe(minutes(16 * 60));
  });

  test("comes an hour sooner or later where the clocks are put forward or back meanwhile", () => {
    const day = hours("08:00", "20:00", "Europe/Berlin");
    expect(activeInMs(day, at("2026-03-28T19:00:00Z"))).toBe(minutes(11 * 60));
    expect(activeInMs(day, at("2026-10-24T18:00:00Z"))).toBe(minutes(13 * 60));
    expect(activeInMs(hours("02:30", "04:00", "Europe/Berlin"), at("2026-03-29T00:00:00Z"))).toBe(minutes(60));
    expect(activeInMs(hours("02:30", "02:45", "Europe/Berlin"), at("2026-03-29T00:00:00Z"))).toBe(minutes(1_470));
  });

  test("is where isActive begins to hold, whatever the minute", () => {
    const early = hours("02:15", "02:45", "Europe/Berlin");
    for (let start = at("2026-10-24T22:00:00Z"); start < at("2026-10-25T02:00:00Z"); start += minutes(7)) {
      let wallMs = start;
      while (!isActive(early, wallMs)) wallMs += minutes(1);
      expect(start + activeInMs(early, start)).toBe(wallMs);
    }
  });
});
