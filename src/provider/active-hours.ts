import type { ActiveHours } from "./provider.ts";

/**
 * Is the provider on duty at this moment? The hours are wall-clock hours of the provider's zone, so that they follow
 * daylight saving time: a "02:30" that is skipped in spring begins with the hour after, one that comes twice in autumn
 * counts both times. `from` = `to` means all day.
 */
export function isActive(hours: ActiveHours, wallMs: number): boolean {
  const { fromMinute, toMinute } = hours;
  if (fromMinute === toMinute) return true;
  const minute = minuteOfDay(wallMs, hours.timeZone);
  if (fromMinute < toMinute) return minute >= fromMinute && minute < toMinute;
  return minute >= fromMinute || minute < toMinute;
}

/** Making a formatter costs about 50 µs, using it 1 µs; there are as many as the config names zones. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function minuteOfDay(wallMs: number, timeZone: string): number {
  let format = formatters.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    formatters.set(timeZone, format);
  }
  const [hour, minute] = format.format(wallMs).split(":");
  return Number(hour) * 60 + Number(minute);
}
