import { type ForwardDeps, type ForwardPlan, forward } from "../forward/forward.ts";
import { ANONYMOUS, authenticator } from "../http/auth.ts";
import type { Edge } from "../http/proxy-routes.ts";
import type { SlotRules } from "../session/slot-rules.ts";
import type { Plan } from "./plan.ts";

/** One generation of the configuration, made ready for the edge: whatever can be computed once is. */
export function edgeOf(deps: ForwardDeps, plan: Plan): Edge {
  const forwardPlan: ForwardPlan = {
    providers: plan.providers,
    rules: { ...plan.forward, waitMs: plan.sessions.waitMs, idle: plan.sessions.idle },
    sessionTtlMs: plan.sessions.ttlMs,
  };
  return {
    authenticate: authenticator(plan.clients),
    bodyBytesMax: plan.server.bodyBytesMax,
    providers: () => plan.providers.filter(({ name, enabled }) => deps.override(name) ?? enabled),
    forward: (inbound) => forward(deps, forwardPlan, inbound),
  };
}

export function slotRulesOf({ sessions, providers }: Plan, storeTimeoutMs: number): SlotRules {
  return {
    limitsOf: (scope) => providers.find(({ name }) => scope === `provider:${name}`)?.limits ?? null,
    residenceMs: sessions.ttlMs,
    leaseTtlMs: sessions.leaseTtlMs,
    idle: sessions.idle,
    waitMax: sessions.waitMax,
    asksAgainMs: ASKS_AGAIN_MS,
    tombstoneMs: sessions.tombstoneMs,
    sweepEveryMs: sessions.sweepEveryMs,
    storeTimeoutMs,
  };
}

/** How often the oldest waiter looks by itself for slots that nobody told this process about. */
const ASKS_AGAIN_MS = 250;

/** All scopes that the configuration knows. */
export function scopesOf({ providers, clients }: Plan): readonly string[] {
  const limited = clients.filter(({ limits }) => limits.sessions + limits.requests + limits.rpm > 0);
  return [...providers.map(({ name }) => `provider:${name}`), ...limited.map(({ name }) => `client:${name}`)];
}

/** Names of all who may ask, as they appear in logs and metrics. */
export function clientNames({ clients }: Plan): readonly string[] {
  return clients.length === 0 ? [ANONYMOUS.name] : clients.map(({ name }) => name);
}
