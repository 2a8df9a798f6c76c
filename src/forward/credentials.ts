import type { Secret } from "../core/secret.ts";
import type { AuthScheme } from "../protocol/protocol.ts";

/** Where a client's own credential may stand; what it sent in one of these goes up in the same one. */
const CLIENT_CREDENTIALS = ["authorization", "x-api-key", "x-goog-api-key", "api-key"] as const;

export type CredentialParts = Readonly<{
  /** The provider's `auth`, else its protocol's. */
  scheme: AuthScheme;
  /** Null: the provider has none, the client's own go up. */
  key: Secret | null;
  headers: Headers;
  search: string;
}>;

/** The credential headers of one upstream request. */
export function credentialHeaders({ scheme, key, headers, search }: CredentialParts): Record<string, string> {
  if (key === null) return clientCredentials(headers, search);
  return scheme === "bearer" ? { authorization: `Bearer ${key.reveal()}` } : { [scheme]: key.reveal() };
}

/** `?key=` goes up as a header, since queries end in logs. */
function clientCredentials(headers: Headers, search: string): Record<string, string> {
  const passed: Record<string, string> = {};
  const queryKey = new URLSearchParams(search).get("key");
  if (queryKey) passed["x-goog-api-key"] = queryKey;
  for (const name of CLIENT_CREDENTIALS) {
    const value = headers.get(name);
    if (value) passed[name] = value;
  }
  return passed;
}
