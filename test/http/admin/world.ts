import { secret } from "../../../src/core/secret.ts";
import { adminRoutes } from "../../../src/http/admin/routes.ts";
import type { AdminSources } from "../../../src/http/admin/sources.ts";
import type { ProviderView, SessionView } from "../../../src/http/admin/views.ts";
import { requestRecord } from "../../observe/records.ts";
import { handClock } from "../../world/clock.ts";

export const TOKEN = "correct-horse-battery-staple";
export const LOCAL = "127.0.0.1";
export const AWAY = "192.0.2.7";

export function providerView(own: Partial<ProviderView> = {}): ProviderView {
  return {
    name: "fast",
    origin: "https://api.example",
    protocols: ["anthropic"],
    groups: ["default"],
    models: null,
    priority: 0,
    weight: 1,
    enabled: true,
    removed: false,
    override: null,
    active: true,
    breaker: { state: "closed", probe_in_ms: 0 },
    cooldowns: [],
    sessions: 1,
    sessions_limit: 10,
    requests: 1,
    requests_limit: 0,
    leases: 1,
    hedge: [{ model: "m", after_ms: 1_500, samples: 40 }],
    hedges: { won: 1, lost: 3, denied: 0, win_rate: 0.25 },
    ...own,
  };
}

export function sessionView(own: Partial<SessionView> = {}): SessionView {
  return {
    session: "0123456789abcdefghijkl",
    client: null,
    age_ms: 60_000,
    idle_ms: 1_000,
    running: 0,
    providers: [{ provider: "fast", running: 0, idle_ms: 1_000, resides_ms: 299_000 }],
    ...own,
  };
}

/** An admin API over sources that answer something plain and write down what they were told to do. */
export function adminWorld(own: Partial<AdminSources> = {}) {
  const done: unknown[] = [];
  const errors: unknown[] = [];
  const clock = handClock();
  const sources: AdminSources = {
    access: () => ({ token: null, trustsLoopback: true }),
    monoMs: clock.monoMs,
    providers: async () => [providerView()],
    sessions: () => [sessionView()],
    requests: (limit, filter) => {
      done.push({ requests: limit, ...filter });
      return [{ ...requestRecord(), time_ms: 1 }];
    },
    config: () => ({ file: "providers.yaml", time_ms: 1, reload: null, config: { key: secret(TOKEN) } }),
    events: () => new Response(": listening\n\n").body,
    clients: () => ["alice", "bob"],
    endSession: async (session) => {
      done.push({ end: session });
      return { leases: 2, cutHere: 1, toBeCut: 1, freed: 1 };
    },
    override: (provider, override) => {
      done.push({ provider, override });
      return provider === "fast";
    },
    reload: async () => ({ result: "applied", problems: [], notes: ["server.port needs a restart"] }),
    explain: async (wish) => {
      done.push(wish);
      return { order: [], out: [] };
    },
    onError: (error) => errors.push(error),
    ...own,
  };
  const routes = adminRoutes(sources);
  type Sent = RequestInit & { peer?: string };
  const send = (path: string, { peer = LOCAL, ...init }: Sent = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has("host")) headers.set("host", "localhost:8787");
    return routes(new Request(`http://localhost:8787${path}`, { ...init, headers }), peer);
  };
  const ask = async (path: string, init?: Sent) => {
    const response = await send(path, init);
    if (response === null) return { status: null, body: null, headers: new Headers() };
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json");
    return {
      status: response.status,
      body: isJson && text !== "" ? JSON.parse(text) : text,
      headers: response.headers,
    };
  };
  return { send, ask, done, errors, clock };
}
