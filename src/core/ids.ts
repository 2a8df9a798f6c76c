import { createHash, randomBytes } from "node:crypto";

/** 128 bits of chance, 22 characters base64url. */
export function randomId(): string {
  return randomBytes(16).toString("base64url");
}

/**
 * How a session is stored and logged: `sha256` over client and raw id, cut to 22 characters base64url (132 bits).
 * The client is part of it, so that the ids of two clients never meet; a NUL keeps `a`+`bc` apart from `ab`+`c`.
 */
export function sessionHash(client: string, rawId: string): string {
  return createHash("sha256").update(client).update("\0").update(rawId).digest("base64url").slice(0, 22);
}

/** Lease ids `instance.boot.counter`: unique over all processes, short enough for a store member of 64 bytes. */
export function leaseIds(instance: string): () => string {
  const boot = randomBytes(4).toString("base64url");
  let counter = 0;
  return () => `${instance}.${boot}.${(++counter).toString(36)}`;
}

/** A name for this process among those that share a store: 8 characters. */
export function instanceId(): string {
  return randomBytes(6).toString("base64url");
}
