import { Elysia } from "elysia";
import type { Clock } from "../core/clock.ts";
import type { Secret } from "../core/secret.ts";
import type { HealthState } from "./health.ts";
import { healthRoute } from "./health.ts";
import { type Connection, type ProxyDeps, proxyRequest } from "./proxy-routes.ts";
import { pathOf } from "./target.ts";

export type ServerDeps = ProxyDeps &
  Readonly<{
    health(): HealthState;
    /** The page for Prometheus. */
    metrics(): Promise<Readonly<{ text: string; contentType: string }>>;
    /** Null where the path is none of the admin's. */
    admin(request: Request, peer: string): Promise<Response> | null;
    onError(error: unknown): void;
  }>;

export type ServerRules = Readonly<{
  host: string;
  /** 0 = the system chooses. */
  port: number;
  reusePort: boolean;
  tls: Readonly<{ cert: string; key: Secret }> | null;
}>;

/** Owns the listening socket. */
export type Server = Readonly<{
  url: string;
  /** From now on each answer is the last on its connection, so that clients who keep theirs open go elsewhere (RFC 9112, 9.6). */
  leave(): void;
  /** Stops accepting; resolves when no request runs any more and every answer is out. What is open by then is cut. */
  drained(): Promise<void>;
  /** Cuts what still runs. */
  cut(): Promise<void>;
}>;

/** Listens at once; throws where the port is taken. */
export function listen(deps: ServerDeps, rules: ServerRules): Server {
  let leaving = false;
  let listening: BunServer | null = null;
  const app = new Elysia({
    aot: true,
    handler: { standardHostname: false },
    serve: { idleTimeout: IDLE_S },
  })
    // A handler's own message never reaches a client: the default one of the framework would send it.
    .onError(({ error }) => {
      deps.onError(error);
      return new Response(null, { status: 500 });
    })
    .all(
      "/*",
      async ({ request }) => {
        const response = await route(deps, request, listening);
        if (leaving) response.headers.set("connection", "close");
        return response;
      },
      { parse: "none" },
    );
  const { host, port, reusePort, tls } = rules;
  app.listen({
    hostname: host,
    port,
    reusePort,
    idleTimeout: IDLE_S,
    // Ours is the only limit: it answers in the caller's envelope, and a reload may change it.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    ...(tls ? { tls: { cert: tls.cert, key: tls.key.reveal() } } : {}),
  });
  const { server } = app;
  if (!server) throw new Error("the server did not start");
  listening = server;
  return {
    url: urlOf(server.port ?? port, host, tls !== null),
    leave() {
      leaving = true;
    },
    drained: () => drained(server, deps.clock),
    async cut() {
      await server.stop(true);
    },
  };
}

/** Seconds of silence after which a connection is closed, unless a request sets it otherwise while it runs. */
const IDLE_S = 60;

/** How often a drain looks whether it is over. */
const LOOK_MS = 20;

type BunServer = NonNullable<Elysia["server"]>;

/**
 * By itself the runtime would wait for connections that have asked for nothing yet as well: a health check's, a browser's
 * spare one, half a head. A request counts until its answer has been handed to the system; of that nobody is told, so we
 * look, and not at once: what has come in by now is to be seen.
 */
async function drained(server: BunServer, clock: Clock): Promise<void> {
  const closed = server.stop(false);
  do await clock.sleep(LOOK_MS);
  while (server.pendingRequests > 0);
  await server.stop(true);
  await closed;
}

async function route(deps: ServerDeps, request: Request, server: BunServer | null): Promise<Response> {
  const path = pathOf(request.url);
  const health = healthRoute(path, deps.health);
  if (health && (request.method === "GET" || request.method === "HEAD")) return health;
  if (path === "/metrics" && (request.method === "GET" || request.method === "HEAD")) {
    const { text, contentType } = await deps.metrics();
    return new Response(text, { headers: { "content-type": contentType, "cache-control": "no-store" } });
  }
  const connection: Connection = { idleAfter: (seconds) => server?.timeout(request, seconds) };
  if (path === "/admin" || path.startsWith("/admin/")) {
    if (path === "/admin/api/events") connection.idleAfter(0);
    const answer = deps.admin(request, server?.requestIP(request)?.address ?? "");
    if (answer) return answer;
  }
  return proxyRequest(deps, request, connection);
}

function urlOf(port: number, host: string, secure: boolean): string {
  const name = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host.includes(":") ? `[${host}]` : host;
  return `${secure ? "https" : "http"}://${name}:${port}`;
}
