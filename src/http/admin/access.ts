import { createHash, timingSafeEqual } from "node:crypto";
import type { Secret } from "../../core/secret.ts";
import { refusal } from "./reply.ts";
import type { WrongTokens } from "./wrong-tokens.ts";

/** Who may use the admin routes, by the config in force. */
export type AdminAccess = Readonly<{
  /** `admin.token`: whoever has it, from wherever. */
  token: Secret | null;
  /** Without a token: loopback peers may, because nothing in the config says that anybody else can reach this port. */
  trustsLoopback: boolean;
}>;

/** Null when the request may go on, else the answer to it. `peer` is the address of the connection's other end. */
export function refuseAccess(
  request: Request,
  peer: string,
  { access, wrong }: Readonly<{ access: AdminAccess; wrong: WrongTokens }>,
): Response | null {
  return (
    refuseForeignPage(request) ??
    refuseFormBody(request) ??
    (access.token === null ? refuseStranger(request, peer, access) : refuseToken(request, peer, access.token, wrong))
  );
}

/**
 * Null when the page itself may be given out. With a token anybody may have it, because a browser cannot send one with an
 * address that is typed or a link that is followed, and there is nothing in it; without one, whoever may use the API.
 */
export function refusePage(request: Request, peer: string, access: AdminAccess): Response | null {
  return access.token === null ? refuseStranger(request, peer, access) : null;
}

/** Requests that a page of another origin makes with this browser's reach (CSRF, and pages on a rebound name). */
function refuseForeignPage({ headers }: Request): Response | null {
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site") ?? "none";
  const own = origin === null || (URL.canParse(origin) && new URL(origin).host === headers.get("host"));
  if (own && (site === "none" || site === "same-origin")) return null;
  return refusal("forbidden", "the admin API does not answer pages of another origin");
}

/** A form can send these three types to any origin without asking first; JSON it cannot. */
function refuseFormBody({ method, headers }: Request): Response | null {
  if (method === "GET" || method === "HEAD") return null;
  const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type === undefined || type === "application/json") return null;
  return refusal("unsupported_content_type", "send JSON, or no body at all");
}

function refuseStranger({ headers }: Request, peer: string, { trustsLoopback }: AdminAccess): Response | null {
  // A name that an attacker's DNS points at 127.0.0.1 comes with that name as Host (DNS rebinding).
  const isLocal = isLoopbackAddress(peer) && isLoopbackHost(headers.get("host") ?? "");
  const isForwarded = FORWARDED.some((name) => headers.has(name));
  if (trustsLoopback && isLocal && !isForwarded) return null;
  return refusal(
    "forbidden",
    trustsLoopback
      ? "the admin API answers local requests only until admin.token is set in the config"
      : "the admin API needs admin.token where the config has clients, server.open or a host that is not loopback",
  );
}

/** A reverse proxy on this machine is a loopback peer, whoever is behind it. */
const FORWARDED = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

function refuseToken({ headers }: Request, peer: string, token: Secret, wrong: WrongTokens): Response | null {
  const challenge = { "www-authenticate": 'Bearer realm="hedgerow admin"' };
  const given = /^Bearer +(.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  if (given === undefined) {
    return refusal("unauthorized", "send admin.token as a bearer token", { headers: challenge });
  }
  const waitMs = wrong.waitMs(peer);
  if (waitMs > 0) {
    const retry = { "retry-after": String(Math.ceil(waitMs / 1_000)) };
    return refusal("slow_down", "too many wrong tokens from this address", { headers: retry });
  }
  if (isSame(given, token.reveal())) return null;
  wrong.wrong(peer);
  return refusal("unauthorized", "this is not admin.token", { headers: challenge });
}

/** In constant time whatever the lengths, which comparing digests of them makes equal. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function isLoopbackAddress(address: string): boolean {
  const v4 = address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
  return address === "::1" || LOOPBACK_V4.test(v4);
}

function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/:\d{1,5}$/, "");
  return name === "localhost" || name === "[::1]" || LOOPBACK_V4.test(name);
}

const LOOPBACK_V4 = /^127(\.\d{1,3}){3}$/;
