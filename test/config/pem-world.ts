import { generateKeyPairSync } from "node:crypto";
import { LOCALHOST_KEY } from "../world/localhost-tls.ts";

/** Somebody else's certificate, made once with `openssl req -x509 -days 36500`; its key is gone. */
export const OTHER_CERT = `-----BEGIN CERTIFICATE-----
MIIBejCCAR+gAwIBAgIUNQ6+yQhQgqVLIKqoQ07nko5aV+swCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGaXNzdWVyMCAXDTI2MTEyNTA0NDUxNFoYDzIxMjYxMTAxMDQ0
NTE0WjARMQ8wDQYDVQQDDAZpc3N1ZXIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AARQfx/WVR6h0LGtarn1KXa0fdl3+3sDHNcWJHIo/SyOWT0hEXMUU6w0XghiPLv0
nr32hCk4xn5T90JY1jVcCMp7o1MwUTAdBgNVHQ4EFgQU6jML9wYPWlU00Qi3uKZc
x70plGkwHwYDVR0jBBgwFoAU6jML9wYPWlU00Qi3uKZcx70plGkwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEArl7f4e/MUFjv46rHyOxmWp0k0FdU
RvSHMjIOC85DMzYCIQCrjK+jaTBWg7jmj9sUuMvyMBZQcT5XamnlZZneNZfeFg==
-----END CERTIFICATE-----
`;

/** A key that belongs to no certificate here. */
export function otherKey(): string {
  return fresh().export({ type: "pkcs8", format: "pem" });
}

/** One that asks for a passphrase. */
export function encryptedKey(): string {
  return fresh().export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "canary-passphrase" });
}

function fresh() {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

/** What a key's file would give away, were any of it printed. */
export function linesOfKey(pem: string): readonly string[] {
  return pem.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
}

/** Copied without its end. */
export const CUT_KEY = LOCALHOST_KEY.slice(0, -60);
