import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { LOCALHOST_CERT, LOCALHOST_KEY } from "../world/localhost-tls.ts";
import { CUT_KEY, encryptedKey, linesOfKey, OTHER_CERT, otherKey } from "./pem-world.ts";
import { linesOf, PROVIDER } from "./world.ts";

type Pair = readonly [cert: string, key: string];

function complaints([cert, key]: Pair): readonly string[] {
  const disk = { [resolve("tls/c.pem")]: cert, [resolve("tls/k.pem")]: key };
  return linesOf(`server: {tls: {cert: tls/c.pem, key: tls/k.pem}}\n${PROVIDER}`, { disk });
}

/** Whether the server of this very runtime starts with them. */
function starts([cert, key]: Pair): boolean {
  try {
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", tls: { cert, key }, fetch: () => new Response() });
    void server.stop(true);
    return true;
  } catch {
    return false;
  }
}

const SWAPPED = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const pairs: Readonly<Record<string, Pair>> = {
  "a pair": [LOCALHOST_CERT, LOCALHOST_KEY],
  "one file for both": [LOCALHOST_KEY + LOCALHOST_CERT, LOCALHOST_CERT + LOCALHOST_KEY],
  "a chain": [LOCALHOST_CERT + OTHER_CERT, LOCALHOST_KEY],
  "line ends of Windows": [LOCALHOST_CERT.replaceAll("\n", "\r\n"), LOCALHOST_KEY.replaceAll("\n", "\r\n")],
  "a key of somebody else": [LOCALHOST_CERT, otherKey()],
  "a chain in the wrong order": [OTHER_CERT + LOCALHOST_CERT, LOCALHOST_KEY],
  "an encrypted key": [LOCALHOST_CERT, encryptedKey()],
  "a key without its end": [LOCALHOST_CERT, CUT_KEY],
  "a key with a letter changed": [LOCALHOST_CERT, LOCALHOST_KEY.replace("MIG", "MIH")],
  "a damaged certificate": [SWAPPED, LOCALHOST_KEY],
  "a chain with a damaged certificate": [LOCALHOST_CERT + SWAPPED, LOCALHOST_KEY],
  "a chain without its end": [LOCALHOST_CERT + OTHER_CERT.slice(0, -60), LOCALHOST_KEY],
};

describe("what the check lets through is what a server starts with", () => {
  for (const [what, pair] of Object.entries(pairs)) {
    test(what, () => expect(complaints(pair).length === 0).toBe(starts(pair)));
  }
});

describe("of a certificate and key that are wrong the key, the file and what to do are told", () => {
  const pem = (what: string, file: string, why: string) =>
    `expected path of a file with PEM ${what}, got "tls/${file}.pem": ${why}`;
  const COPY = "is damaged; copy it again, from -----BEGIN to -----END";
  const cases: readonly (readonly [what: string, line: string])[] = [
    [
      "a key of somebody else",
      `1:38 server.tls.key: the key in "tls/k.pem" is not that of the first certificate in "tls/c.pem"; name the two that were issued together`,
    ],
    [
      "a chain in the wrong order",
      `1:38 server.tls.key: the key in "tls/k.pem" is not that of the first certificate in "tls/c.pem"; its own is number 2 there; put that one first, then those of its issuers`,
    ],
    [
      "an encrypted key",
      `1:38 server.tls.key: ${pem("private key", "k", "it is encrypted, and nobody is there to type its passphrase; decrypt it: openssl pkey -in OLD -out NEW")}`,
    ],
    ["a key without its end", `1:38 server.tls.key: ${pem("private key", "k", `it ${COPY}`)}`],
    [
      "a chain with a damaged certificate",
      `1:22 server.tls.cert: ${pem("certificate", "c", `number 2 of the 2 in it ${COPY}`)}`,
    ],
  ];
  for (const [what, line] of cases) {
    test(what, () => {
      const pair = pairs[what] ?? expect.unreachable(what);
      expect(complaints(pair)).toEqual([`providers.yaml:${line}`]);
      for (const secret of [...linesOfKey(pair[1]), "canary-passphrase"]) expect(line).not.toContain(secret);
    });
  }

  test("both, where both are wrong, and not a third time that they do not fit", () => {
    expect(complaints([SWAPPED, CUT_KEY])).toHaveLength(2);
    expect(complaints([LOCALHOST_KEY, LOCALHOST_CERT])).toEqual([
      `providers.yaml:1:22 server.tls.cert: ${pem("certificate", "c", "it holds none")}`,
      `providers.yaml:1:38 server.tls.key: ${pem("private key", "k", "it holds none")}`,
    ]);
  });

  test("a file that is not there is not repeated: it may be the key itself", () => {
    expect(linesOf(`server: {tls: {cert: sk-canary, key: sk-canary}}\n${PROVIDER}`).join()).not.toContain("canary");
  });
});
