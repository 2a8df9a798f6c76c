import type { ActiveHours } from "./provider.ts";

/**
 * Is the provider on duty at this moment? The hours are wall-clock hours of the provider's zone, so that they follow
 * daylight saving time: a "02:30" that is skipped in spring begins with the hour after, one that comes twice in autumn
 * counts both times. `from` = `to` means all day.
 */
export function isActive(hours: ActiveHours, wallMs: number): boolean {
  return isWithin(hours, minuteOfDay(wallMs, hours.timeZone));
}

/** Milliseconds until it is on duty again, 0 while it is. */
export function activeInMs(hours: ActiveHours, wallMs: number): number {
  const known = away.get(hours);
  if (known && wallMs >= known.sinceMs && wallMs < known.untilMs) return known.untilMs - wallMs;
  const untilMs = nextActiveMs(hours, wallMs);
  if (untilMs > wallMs) away.set(hours, { sinceMs: wallMs, untilMs });
  return untilMs - wallMs;
}

/** Asked for by every request: found once for the whole time off duty. */
const away = new WeakMap<ActiveHours, Readonly<{ sinceMs: number; untilMs: number }>>();

function nextActiveMs(hours: ActiveHours, wallMs: number): number {
  const { fromMinute, timeZone } = hours;
  const minute = minuteOfDay(wallMs, timeZone);
  if (isWithin(hours, minute)) return wallMs;
  const thisMinuteMs = wallMs - (wallMs % MINUTE_MS);
  const startMs = thisMinuteMs + ((fromMinute - minute + MINUTES_A_DAY) % MINUTES_A_DAY) * MINUTE_MS;
  if (minuteOfDay(startMs, timeZone) === fromMinute) return startMs;
  // The clocks are put forward or back until then, in whichever way: minute by minute nothing is missed.
  let atMs = thisMinuteMs + MINUTE_MS;
  while (atMs < thisMinuteMs + SEARCHED_MS && !isActive(hours, atMs)) atMs += MINUTE_MS;
  return atMs;
}

const MINUTE_MS = 60_000;
const MINUTES_A_DAY = 24 * 60;
/** Two days: hours that fall whole into the hour skipped in spring are waited for until the day after. */
const SEARCHED_MS = 2 * MINUTES_A_DAY * MINUTE_MS;

function isWithin({ fromMinute, toMinute }: ActiveHours, minute: number): boolean {
  if (fromMinute === toMinute) return true;
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
