import { HedgerowError } from "../../core/errors.ts";
import { targetOf } from "../target.ts";
import { refuseAccess, refusePage } from "./access.ts";
import { ACTIONS } from "./actions.ts";
import { pageAnswer } from "./page.ts";
import { refusal } from "./reply.ts";
import type { AdminSources } from "./sources.ts";
import { wrongTokens } from "./wrong-tokens.ts";

const PREFIX = "/admin";

/**
 * Answers `/admin` and all below it; null for any other path. `peer` is the address of the connection's other end, as
 * the socket says it, "" where there is none.
 */
export function adminRoutes(sources: AdminSources): (request: Request, peer: string) => Promise<Response> | null {
  const wrong = wrongTokens(sources.monoMs);
  return (request, peer) => {
    const url = targetOf(request.url);
    if (url.pathname !== PREFIX && !url.pathname.startsWith(`${PREFIX}/`)) return null;
    const access = sources.access();
    const isPage = url.pathname === PREFIX || url.pathname === `${PREFIX}/`;
    const refused = isPage ? refusePage(request, peer, access) : refuseAccess(request, peer, { access, wrong });
    if (refused !== null) return Promise.resolve(refused);
    return isPage ? page(request) : answer(request, url, sources);
  };
}

async function page({ method }: Request): Promise<Response> {
  if (method === "GET") return pageAnswer();
  if (method === "HEAD") return await headOf(pageAnswer());
  return refusal("method_not_allowed", "use GET", { headers: { allow: "GET" } });
}

async function answer(request: Request, url: URL, sources: AdminSources): Promise<Response> {
  const path = url.pathname.slice(PREFIX.length);
  const matching = ACTIONS.flatMap((action) => {
    const match = action.path.exec(path);
    return match === null ? [] : [{ action, name: decoded(match[1] ?? "") }];
  });
  if (matching.length === 0) return refusal("not_found", `there is nothing at ${PREFIX}${path}`);
  const isHead = request.method === "HEAD";
  const method = isHead ? "GET" : request.method;
  const found = matching.find(({ action }) => action.method === method);
  if (found === undefined) {
    const allow = matching.map(({ action }) => action.method).join(", ");
    return refusal("method_not_allowed", `use ${allow}`, { headers: { allow } });
  }
  if (found.name === null) return refusal("invalid_request", "the name in the path is not percent-encoded UTF-8");
  try {
    const response = await found.action.answer(sources, { name: found.name, query: url.searchParams });
    return isHead ? await headOf(response) : response;
  } catch (error) {
    sources.onError(error);
    if (error instanceof HedgerowError && error.code.startsWith("store_")) {
      return refusal("store_down", "the session store does not answer");
    }
    return refusal("internal", "this went wrong inside; the log says more");
  }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** The headers alone, with the length that GET would answer; a stream, which has none, is ended: nobody will read it. */
async function headOf(response: Response): Promise<Response> {
  const { status, headers } = response;
  if (headers.get("content-type") === "text/event-stream") {
    await response.body?.cancel();
  } else {
    const { byteLength } = await response.arrayBuffer();
    headers.set("content-length", String(byteLength));
  }
  return new Response(null, { status, headers });
}
