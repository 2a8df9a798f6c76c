import { describe, expect, test } from "bun:test";
import { secret } from "../../src/core/secret.ts";
import { ANONYMOUS, authenticator } from "../../src/http/auth.ts";

const LIMITS = { sessions: 0, requests: 0, rpm: 0 };
const clients = ["ann", "bob", "cyd"].map((name) => ({
  name,
  groups: ["default"],
  limits: LIMITS,
  key: secret(`key-of-${name}`),
}));
const admit = authenticator(clients);

function nameFor(headers: Record<string, string>, search = "") {
  const admitted = admit(new Headers(headers), search);
  return admitted.kind === "client" ? admitted.client.name : admitted.error.code;
}

describe("a client's key", () => {
  test.each([
    [{ authorization: "Bearer key-of-ann" }, "", "ann"],
    [{ authorization: "bearer  key-of-cyd " }, "", "cyd"],
    [{ "x-api-key": "key-of-bob" }, "", "bob"],
    [{ "x-goog-api-key": "key-of-cyd" }, "", "cyd"],
    [{}, "?alt=sse&key=key-of-ann", "ann"],
    [{}, "?key=key%2Dof%2Dbob", "bob"],
  ] as const)("is found in %j %s", (headers, search, name) => {
    expect(nameFor(headers, search)).toBe(name);
  });

  test("may stand in several places, as long as it is the same", () => {
    expect(nameFor({ authorization: "Bearer key-of-ann", "x-api-key": "key-of-ann" }, "?key=key-of-ann")).toBe("ann");
  });

  test.each([
    [{}, ""],
    [{ authorization: "Bearer " }, ""],
    [{ authorization: "Basic a2V5LW9mLWFubg==" }, ""],
    [{ authorization: "key-of-ann" }, ""],
    [{ "x-api-key": "" }, "?key="],
    [{ "x-api-key": "key-of-an" }, ""],
    [{ "x-api-key": "key-of-anna" }, ""],
    [{ "x-api-key": "KEY-OF-ANN" }, ""],
    [{ "api-key": "key-of-ann" }, ""],
    [{ authorization: "Bearer key-of-ann", "x-api-key": "key-of-bob" }, ""],
    [{ authorization: "Bearer key-of-ann", "x-api-key": "wrong" }, ""],
    [{}, "?key=key-of-ann&key=key-of-bob"],
  ] as const)("missing, wrong or conflicting is refused: %j %s", (headers, search) => {
    expect(nameFor(headers, search)).toBe("unauthorized");
  });

  test("goes no further: neither the client nor the refusal holds one", () => {
    const all = [
      admit(new Headers({ "x-api-key": "key-of-ann" }), ""),
      admit(new Headers({ "x-api-key": "sk-wrong" }), ""),
    ];
    expect(JSON.stringify(all)).not.toMatch(/key-of|sk-wrong/);
    expect(all[0]).toEqual({ kind: "client", client: { name: "ann", groups: ["default"], limits: LIMITS } });
  });

  test("is not asked for where no clients are configured, nor looked at", () => {
    const open = authenticator([]);
    const headers = new Headers({ authorization: "Bearer a", "x-api-key": "b" });
    expect(open(headers, "?key=c")).toEqual({ kind: "client", client: ANONYMOUS });
  });
});
