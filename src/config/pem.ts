import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { HIDDEN, type Secret, secret } from "../core/secret.ts";
import { type Format, parsed, wrong } from "./format.ts";

const CERT_BEGIN = "-----BEGIN CERTIFICATE-----";
const KEY_BEGIN = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const COPY_AGAIN = "is damaged; copy it again, from -----BEGIN to -----END";

/** Each is looked at: of a damaged one a server says nothing but OpenSSL's number, and who trusts the others passes it over. */
export const PEM_CERTS: Format<string> = {
  expected: "PEM certificates",
  pattern: "^.+$",
  hidden: true,
  parse(text) {
    const all = certificatesIn(text);
    if (all.length === 0) return wrong("it holds none");
    const damaged = all.findIndex((pem) => certificateOf(pem) === null);
    return damaged < 0 ? parsed(text) : wrong(`number ${damaged + 1} of the ${all.length} in it ${COPY_AGAIN}`);
  },
  show: () => "(PEM)",
};

export const PEM_CERT: Format<string> = { ...PEM_CERTS, expected: "PEM certificate" };

export const PEM_KEY: Format<Secret> = {
  expected: "PEM private key",
  pattern: "^.+$",
  hidden: true,
  parse(text) {
    if (!KEY_BEGIN.test(text)) return wrong("it holds none");
    const key = keyOf(text);
    return typeof key === "string" ? wrong(WHY_NO_KEY[key]) : parsed(secret(text));
  },
  show: () => HIDDEN,
};

type NoKey = "encrypted" | "unsupported" | "damaged";

const WHY_NO_KEY: Readonly<Record<NoKey, string>> = {
  encrypted: "it is encrypted, and nobody is there to type its passphrase; decrypt it: openssl pkey -in OLD -out NEW",
  unsupported: "keys of its kind are not supported; RSA, ECDSA on P-256, P-384 or P-521, and Ed25519 are",
  damaged: `it ${COPY_AGAIN}`,
};

/** Which of `certificates`, from 0, is that of `key`; -1: none. Both as the formats above let them through. */
export function certificateOfKey(certificates: string, key: Secret): number {
  const own = keyOf(key.reveal());
  if (typeof own === "string") throw new Error("a key that cannot be read passed the checks");
  return certificatesIn(certificates).findIndex((pem) => certificateOf(pem)?.checkPrivateKey(own) === true);
}

function certificatesIn(text: string): readonly string[] {
  const [, ...bodies] = text.split(CERT_BEGIN);
  return bodies.map((body) => CERT_BEGIN + body);
}

function certificateOf(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

/** What OpenSSL throws names no file and says nothing to do. */
function keyOf(pem: string): KeyObject | NoKey {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (code === "ERR_MISSING_PASSPHRASE") return "encrypted";
    return code === "ERR_OSSL_EVP_UNSUPPORTED_ALGORITHM" ? "unsupported" : "damaged";
  }
}
