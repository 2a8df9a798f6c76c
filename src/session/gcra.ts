/**
 * Requests a minute, by the generic cell rate algorithm (ITU-T I.371): one number per client, the theoretical arrival
 * time, in whole microseconds because 60,000 ms divide by few limits. A client that was silent for a minute may send a
 * whole minute's worth at once; from then on one more each 60 s / `perMinute`.
 */
export type Rate = Readonly<{ granted: true; arrivalUs: number } | { granted: false; retryAfterMs: number }>;

const MINUTE_US = 60_000_000;

export function gcra(rules: Readonly<{ arrivalUs: number; nowMs: number; perMinute: number }>): Rate {
  const nowUs = rules.nowMs * 1000;
  const stepUs = Math.ceil(MINUTE_US / rules.perMinute);
  const burstUs = stepUs * rules.perMinute;
  // The upper clamp matters when the clock went back or the limit was raised: nobody waits longer than one step for it.
  const arrivalUs = Math.min(Math.max(rules.arrivalUs, nowUs), nowUs + burstUs) + stepUs;
  const excessUs = arrivalUs - burstUs - nowUs;
  return excessUs > 0 ? { granted: false, retryAfterMs: Math.ceil(excessUs / 1000) } : { granted: true, arrivalUs };
}
