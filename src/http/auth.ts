import { createHash, timingSafeEqual } from "node:crypto";
import type { OwnError } from "../core/errors.ts";
import type { Secret } from "../core/secret.ts";
import type { Client } from "../provider/provider.ts";

/** A configured client and what it shows to be let in. */
export type ClientWithKey = Client & Readonly<{ key: Secret }>;

export type Admitted = Readonly<{ kind: "client"; client: Client }> | Readonly<{ kind: "refused"; error: OwnError }>;

/** Who asks where no clients are configured. */
export const ANONYMOUS: Client = {
  name: "anonymous",
  groups: ["default"],
  limits: { sessions: 0, requests: 0, rpm: 0 },
};

const BEARER = /^Bearer +(.+)$/i;

/**
 * Finds the client by the key it sends, in any of the four places that SDKs put one. Every key is compared with every
 * client's, by digests of one length and without an early end, so that the time taken tells nothing.
 */
export function authenticator(clients: readonly ClientWithKey[]): (headers: Headers, search: string) => Admitted {
  if (clients.length === 0) return () => ({ kind: "client", client: ANONYMOUS });
  const known = clients.map(({ key, ...client }) => ({ client, digest: digest(key.reveal()) }));
  return (headers, search) => {
    const [key, other] = keysIn(headers, search);
    if (key === undefined)
      return refused("no key: send one as Authorization: Bearer, x-api-key, x-goog-api-key or ?key=");
    if (other !== undefined) return refused("two different keys in one request");
    const sent = digest(key);
    let found: Client | null = null;
    for (const { client, digest } of known) if (timingSafeEqual(sent, digest)) found = client;
    return found ? { kind: "client", client: found } : refused("unknown key");
  };
}

/** All keys of a request that differ, the first places first. */
function keysIn(headers: Headers, search: string): readonly string[] {
  const sent = [
    BEARER.exec(headers.get("authorization") ?? "")?.[1],
    headers.get("x-api-key"),
    headers.get("x-goog-api-key"),
    ...(search === "" ? [] : new URLSearchParams(search).getAll("key")),
  ];
  return [...new Set(sent.map((key) => key?.trim() ?? "").filter((key) => key !== ""))];
}

function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

function refused(message: string): Admitted {
  return { kind: "refused", error: { code: "unauthorized", message } };
}
