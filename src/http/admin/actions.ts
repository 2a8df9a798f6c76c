import { PROTOCOL_NAMES, type ProtocolName } from "../../protocol/protocol.ts";
import { type Several, findSession } from "./find-session.ts";
import { eventStream, json, refusal } from "./reply.ts";
import type { AdminSources, Override } from "./sources.ts";
import type { RequestFilter } from "./views.ts";

/** What the path and the query of an admin request say; `name` is the path's variable part, decoded. */
export type Asked = Readonly<{ name: string; query: URLSearchParams }>;

export type Action = Readonly<{
  method: "GET" | "POST" | "DELETE";
  /** Below `/admin`. */
  path: RegExp;
  answer(sources: AdminSources, asked: Asked): Response | Promise<Response>;
}>;

/** How many requests or sessions one answer holds unless `limit` says otherwise, and at most. */
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

export const ACTIONS: readonly Action[] = [
  {
    method: "GET",
    path: /^\/api\/providers$/,
    answer: async (sources) => json({ providers: await sources.providers() }),
  },
  { method: "GET", path: /^\/api\/sessions$/, answer: listSessions },
  { method: "GET", path: /^\/api\/requests$/, answer: listRequests },
  { method: "GET", path: /^\/api\/config$/, answer: (sources) => json(sources.config()) },
  { method: "GET", path: /^\/api\/events$/, answer: listen },
  { method: "GET", path: /^\/api\/explain$/, answer: explain },
  { method: "DELETE", path: /^\/api\/sessions\/([^/]+)$/, answer: endSession },
  { method: "POST", path: /^\/api\/providers\/([^/]+)\/enable$/, answer: override("enabled") },
  { method: "POST", path: /^\/api\/providers\/([^/]+)\/disable$/, answer: override("disabled") },
  { method: "POST", path: /^\/api\/providers\/([^/]+)\/reset$/, answer: override("reset") },
  { method: "POST", path: /^\/api\/reload$/, answer: reload },
];

/** With `id` (and `client`): that session alone, found by hash or by the client's own id. */
function listSessions(sources: AdminSources, { query }: Asked): Response {
  const limit = limitOf(query);
  if (limit instanceof Response) return limit;
  const id = query.get("id");
  const one = id === null ? null : findSession(id, query.get("client"), sources);
  if (one?.kind === "several") return whose(one);
  const found = sources
    .sessions()
    .filter(({ session }) => one === null || (one.kind === "one" && session === one.session));
  return json({ sessions: found.slice(0, limit), total: found.length });
}

/** Nobody's session is shown or ended for another's; the hashes help where a client's name cannot be given. */
function whose({ sessions }: Several): Response {
  const names = sessions.map(({ client, session }) => `${client} (${session})`).join(", ");
  const message = `more than one client has a session of this id: ${names}; say whose it is (?client=NAME, --client NAME) or give its hash`;
  return refusal("invalid_request", message, { fields: { sessions } });
}

function listRequests(sources: AdminSources, { query }: Asked): Response {
  const limit = limitOf(query);
  if (limit instanceof Response) return limit;
  const requestId = query.get("id");
  const [session, client, provider] = [query.get("session"), query.get("client"), query.get("provider")];
  const filter: RequestFilter = {
    ...(requestId !== null && { requestId }),
    ...(session !== null && { session }),
    ...(client !== null && { client }),
    ...(provider !== null && { provider }),
  };
  return json({ requests: sources.requests(limit, filter) });
}

function listen(sources: AdminSources): Response {
  const stream = sources.events();
  if (stream === null) return refusal("too_many_listeners", "as many listen to the events already as may");
  return eventStream(stream);
}

async function endSession(sources: AdminSources, { name: id, query }: Asked): Promise<Response> {
  const found = findSession(id, query.get("client"), sources);
  if (found.kind === "several") return whose(found);
  const unknown = () =>
    refusal(
      "not_found",
      "no such session: give its hash, or the client's own id together with the client's name if it runs elsewhere",
    );
  if (found.kind === "unknown") return unknown();
  const { session, client } = found;
  const { leases, cutHere, toBeCut, freed } = await sources.endSession(session);
  if (leases + cutHere + toBeCut + freed === 0) return unknown();
  return json({ session, client, leases, cut_here: cutHere, to_be_cut: toBeCut, freed });
}

function override(to: Override) {
  return (sources: AdminSources, { name }: Asked): Response => {
    if (sources.override(name, to)) return json({ provider: name, override: to === "reset" ? null : to });
    return refusal("not_found", "no provider of that name is in the config");
  };
}

async function reload(sources: AdminSources): Promise<Response> {
  const done = await sources.reload();
  if (done.result !== "refused") return json(done);
  return refusal("config_refused", "the config has mistakes; the last good one stays in force", { fields: done });
}

async function explain(sources: AdminSources, { query }: Asked): Promise<Response> {
  const [protocol, model, client, session] = ["protocol", "model", "client", "session"].map((key) => query.get(key));
  if (!isProtocol(protocol)) return refusal("invalid_request", `protocol must be one of ${PROTOCOL_NAMES.join(", ")}`);
  if (!model) return refusal("invalid_request", "model is missing");
  if (client && !sources.clients().includes(client)) {
    return refusal("not_found", "no client of that name is in the config");
  }
  const found = session ? findSession(session, client || null, sources) : null;
  if (found?.kind === "several") return whose(found);
  if (found?.kind === "unknown") return refusal("invalid_request", "say whose session this is: client is missing");
  return json(await sources.explain({ protocol, model, client: client || null, session: found?.session ?? null }));
}

function isProtocol(name: string | null | undefined): name is ProtocolName {
  return PROTOCOL_NAMES.some((known) => known === name);
}

function limitOf(query: URLSearchParams): number | Response {
  const text = query.get("limit") ?? String(LIMIT_DEFAULT);
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIMIT_MAX) return limit;
  return refusal("invalid_request", `limit must be a whole number from 1 to ${LIMIT_MAX}`);
}
