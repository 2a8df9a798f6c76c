import type { ByteAccount } from "../core/byte-account.ts";
import type { Clock } from "../core/clock.ts";
import { ERROR_STATUS, HedgerowError, type OwnError } from "../core/errors.ts";
import { CLIENT_LEFT_STATUS, type Observer } from "../core/events.ts";
import { randomId } from "../core/ids.ts";
import { type Inbound, ownAnswer } from "../forward/inbound.ts";
import type { Operation, Protocol } from "../protocol/protocol.ts";
import { PROTOCOLS } from "../protocol/registry.ts";
import { matchRoute, protocolOfPath } from "../protocol/routes.ts";
import type { Client, Provider } from "../provider/provider.ts";
import type { Alias } from "../session/home.ts";
import type { Admitted } from "./auth.ts";
import { readBody } from "./body.ts";
import { edgeRecord } from "./edge-record.ts";
import { identify } from "./identify.ts";
import { models } from "./models.ts";
import { targetOf } from "./target.ts";

/** What one generation of the configuration means at the edge; a request keeps the one it came in under. */
export type Edge = Readonly<{
  authenticate(headers: Headers, search: string): Admitted;
  bodyBytesMax: number;
  /** Those in use, by the configuration and by the operator's word. */
  providers(): readonly Provider[];
  forward(inbound: Inbound): Promise<Response>;
}>;

export type ProxyDeps = Readonly<{
  clock: Clock;
  account: ByteAccount;
  observe: Observer;
  edge(): Edge;
  draining(): boolean;
  readAlias(client: Client, id: string): Promise<Alias | null>;
}>;

/** A client's connection: `idleAfter` sets how many seconds it may be silent in either direction; 0 = for ever. */
export type Connection = Readonly<{ idleAfter(seconds: number): void }>;

const NOTHING = new Uint8Array(0);

/** Between requests. */
const IDLE_S = 60;

/** Answers every path that is neither health, metrics nor admin: the proxied routes, or a 404 in the caller's envelope. */
export async function proxyRequest(deps: ProxyDeps, request: Request, connection: Connection): Promise<Response> {
  const { clock } = deps;
  const arrivedMs = clock.monoMs();
  const { pathname, search } = targetOf(request.url);
  const requestId = requestIdOf(request.headers);
  const route = matchRoute(request.method, pathname, request.headers);
  const protocol = PROTOCOLS[route === null ? protocolOfPath(pathname, request.headers) : protocolOf(route)];
  let clientName = "";
  const told = (response: Response, error: string) => {
    const end = { requestId, client: clientName, protocol: protocol.name, status: response.status, error };
    const record = edgeRecord({ ...end, ms: clock.monoMs() - arrivedMs });
    deps.observe({ kind: "request_finished", wallMs: clock.wallMs(), record });
    return response;
  };
  const refuse = (error: OwnError) => told(ownAnswer(protocol, error, requestId, ERROR_STATUS[error.code]), error.code);

  if (route === null) return refuse({ code: "not_found", message: "There is nothing at this path for this method." });
  if (deps.draining()) return refuse({ code: "draining", message: "The proxy is shutting down.", retryAfterMs: 1_000 });
  const edge = deps.edge();
  const admitted = edge.authenticate(request.headers, search);
  if (admitted.kind === "refused") return refuse(admitted.error);
  const { client } = admitted;
  clientName = client.name;
  if (route.kind === "unreadable") return refuse({ code: "invalid_request", message: route.message });
  if (route.kind === "models") {
    const answer = models({ protocol: route.protocol, id: route.id, client, providers: edge.providers() });
    if (answer.kind === "missing") return refuse(answer.error);
    return told(Response.json(answer.body, { headers: { "x-hedgerow-request-id": requestId } }), "");
  }
  const at = { requestId, client, protocol, operation: route.operation, pathname, search, arrivedMs };
  const inbound = await readInbound(deps, edge, request, connection, at);
  if (inbound === "left") return told(new Response(null, { status: CLIENT_LEFT_STATUS }), "");
  if (!("code" in inbound)) return edge.forward(inbound);
  connection.idleAfter(IDLE_S);
  return refuse(inbound);
}

type At = Readonly<{
  requestId: string;
  client: Client;
  protocol: Protocol;
  operation: Operation;
  pathname: string;
  search: string;
  arrivedMs: number;
}>;

async function readInbound(
  deps: ProxyDeps,
  edge: Edge,
  request: Request,
  connection: Connection,
  at: At,
): Promise<Inbound | OwnError | "left"> {
  const arrivedWallMs = deps.clock.wallMs();
  // Silence is ours to judge from here on. The runtime counts a body's bytes as silence, and would cut an upload that
  // takes longer without an answer; and an upstream may think for minutes.
  connection.idleAfter(0);
  let read: Awaited<ReturnType<typeof readBody>>;
  try {
    read = await readBody(request, { clock: deps.clock, bytesMax: edge.bodyBytesMax, account: deps.account });
  } catch (error) {
    if (error instanceof HedgerowError && error.code === "client_left") return "left";
    throw error;
  }
  if (read.kind === "refused") return read.error;
  using owned = new DisposableStack();
  const body = owned.use(read.body);
  const facts = at.protocol.read(at.operation, body.bytes);
  if ("code" in facts) return facts;
  const { session, source, boundTo } = await identify({
    client: at.client.name,
    headers: request.headers,
    facts,
    readAlias: (id) => deps.readAlias(at.client, id),
  });
  const held = owned.move();
  let { bytes } = body;
  return {
    ...at,
    facts,
    session,
    sessionSource: source,
    boundTo,
    headers: request.headers,
    get body() {
      return bytes;
    },
    bodyBytes: bytes.byteLength,
    signal: request.signal,
    arrivedWallMs,
    bodyDone() {
      bytes = NOTHING;
      held.dispose();
    },
    beforeEnd: () => connection.idleAfter(IDLE_S),
  };
}

function protocolOf(route: NonNullable<ReturnType<typeof matchRoute>>) {
  return route.kind === "proxied" ? route.operation.protocol : route.protocol;
}

/** A client may name its request, so that its logs and ours meet; what is no plain word is not taken over. */
function requestIdOf(headers: Headers): string {
  const given = headers.get("x-hedgerow-request-id");
  return given !== null && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : randomId();
}
