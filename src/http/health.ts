/** What readiness depends on, at the moment of asking. */
export type HealthState = Readonly<{
  draining: boolean;
  /** `degraded`: away, and limits are shared out by rule; `down`: away, and providers with limits are refused. */
  store: "up" | "degraded" | "down";
  /** Providers that are enabled, operators' overrides included. */
  providersEnabled: number;
}>;

export type Readiness = Readonly<{ ready: boolean; reasons: readonly string[]; store: HealthState["store"] }>;

export function readiness(state: HealthState): Readiness {
  const reasons = [
    ...(state.draining ? ["draining"] : []),
    ...(state.store === "down" ? ["store_down"] : []),
    ...(state.providersEnabled === 0 ? ["no_providers"] : []),
  ];
  return { ready: reasons.length === 0, reasons, store: state.store };
}

/** `/livez`, `/readyz` and `/health`; null for any other path. `/livez` says only that the process answers: a restart cures nothing else. */
export function healthRoute(path: string, state: () => HealthState): Response | null {
  if (path === "/livez") return answer(200, { live: true });
  if (path !== "/readyz" && path !== "/health") return null;
  const found = readiness(state());
  return answer(found.ready ? 200 : 503, found);
}

function answer(status: number, body: Readonly<Record<string, unknown>>): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}
