import { describe, expect, test } from "bun:test";
import { classifyFault, type Fault, silentFault } from "../../src/forward/classify.ts";
import { PROTOCOLS } from "../../src/protocol/registry.ts";
import type { ErrorFacts, ProtocolName } from "../../src/protocol/protocol.ts";

const facts = (more: Partial<ErrorFacts> = {}): ErrorFacts => ({
  status: null,
  type: "",
  message: "",
  retryAfterMs: null,
  policy: false,
  ...more,
});
const fault = (status: number, more: Partial<Fault> = {}): Fault => ({
  status,
  facts: facts(),
  pushbackMs: null,
  ownCredentials: false,
  shortCall: false,
  ...more,
});
const KEY = { what: "key", ms: 300_000, limited: false } as const;
const MODEL = { what: "model", ms: 60_000, limited: false } as const;
const limited = (ms: number) => ({ what: "key_model", ms, limited: true }) as const;

describe("no connection, a reset, a truncated answer, a timeout", () => {
  test.each(["connect", "tls", "dns", "reset", "truncated", "first_token_timeout", "invalid_body"])("%s", (reason) => {
    expect(silentFault(reason)).toEqual({ retry: true, health: "failed", rest: null, showable: false, reason });
  });
});

describe("5xx, 529, overloaded_error, api_error, timeout_error", () => {
  const down = { retry: true, health: "failed", rest: null, showable: true } as const;
  test.each([500, 502, 504, 520, 529, 599])("%p fails, whatever word comes with it", (status) => {
    expect(classifyFault(fault(status))).toMatchObject(down);
    expect(classifyFault(fault(status, { facts: facts({ type: "invalid_request_error" }) }))).toMatchObject(down);
  });
  test.each(["overloaded_error", "api_error", "timeout_error", "server_error", "UNAVAILABLE", "INTERNAL"])(
    "%s inside a 200 or with a 400",
    (type) => {
      expect(classifyFault(fault(200, { facts: facts({ type }) }))).toMatchObject(down);
      expect(classifyFault(fault(400, { facts: facts({ type }) }))).toMatchObject(down);
    },
  );
  test.each([503, 529])("%p with retry-after lets the model rest at this provider, ten minutes at most", (status) => {
    expect(classifyFault(fault(status, { pushbackMs: 7_000 }))).toMatchObject({
      ...down,
      rest: { what: "model", ms: 7_000, limited: false },
    });
    expect(classifyFault(fault(status, { pushbackMs: 3_600_000 })).rest?.ms).toBe(600_000);
  });
  test("overloaded_error inside a 200 with retry-after as well", () => {
    const event = facts({ type: "overloaded_error", status: 529 });
    expect(classifyFault(fault(200, { facts: event, pushbackMs: 7_000 })).rest?.ms).toBe(7_000);
  });
  test("500 with retry-after lets nobody rest", () => {
    expect(classifyFault(fault(500, { pushbackMs: 7_000 })).rest).toBeNull();
  });
  test("what is no status to pass on is not shown", () => {
    expect(classifyFault(fault(999))).toMatchObject({ retry: true, showable: false });
  });
});

describe("429, rate_limit_error, RESOURCE_EXHAUSTED", () => {
  const full = { retry: true, health: "unknown", showable: true } as const;
  test("429 lets the key rest for the model, ten seconds where nothing is said", () => {
    expect(classifyFault(fault(429))).toEqual({ ...full, rest: limited(10_000), reason: "status_429" });
    expect(classifyFault(fault(429, { pushbackMs: 2_500 })).rest).toEqual(limited(2_500));
    expect(classifyFault(fault(429, { pushbackMs: 86_400_000 })).rest).toEqual(limited(600_000));
  });
  test.each(["rate_limit_error", "rate_limit_exceeded", "RESOURCE_EXHAUSTED", "insufficient_quota"])("%s", (type) => {
    expect(classifyFault(fault(200, { facts: facts({ type }) }))).toMatchObject({ ...full, rest: limited(10_000) });
    expect(classifyFault(fault(503, { facts: facts({ type }) }))).toMatchObject({ ...full, rest: limited(10_000) });
  });
  test("429 whatever word comes with it", () => {
    const said = facts({ type: "invalid_request_error" });
    expect(classifyFault(fault(429, { facts: said }))).toMatchObject({ ...full, rest: limited(10_000) });
  });
});

describe("401 402 403, authentication_error, permission_error, billing_error", () => {
  const key = { retry: true, health: "failed", rest: KEY, showable: false } as const;
  test.each([401, 402, 403, 407])("%p lets the key rest and is not shown", (status) => {
    expect(classifyFault(fault(status))).toEqual({ ...key, reason: `status_${status}` });
  });
  test.each(["invalid_request_error", "api_error", "not_found_error", "rate_limit_error"])(
    "401 is about our key though it says %s",
    (type) => {
      expect(classifyFault(fault(401, { facts: facts({ type }) }))).toMatchObject(key);
    },
  );
  test.each(["authentication_error", "permission_error", "billing_error", "invalid_api_key", "PERMISSION_DENIED"])(
    "%s inside a 200, and with a 400",
    (type) => {
      expect(classifyFault(fault(200, { facts: facts({ type }) }))).toMatchObject(key);
      expect(classifyFault(fault(400, { facts: facts({ type }) }))).toMatchObject(key);
    },
  );
  test("a 403 that names a content policy is a policy block", () => {
    expect(classifyFault(fault(403, { facts: facts({ policy: true }) }))).toEqual({
      retry: false,
      health: "ok",
      rest: null,
      showable: true,
      reason: "policy",
    });
  });
});

describe("404", () => {
  test.each(["", "not_found_error", "invalid_request_error", "model_not_found"])(
    "with %p lets the model rest",
    (type) => {
      const verdict = classifyFault(fault(404, { facts: facts({ type }) }));
      expect(verdict).toEqual({ retry: true, health: "unknown", rest: MODEL, showable: true, reason: "status_404" });
    },
  );
  test("of a short call says nothing about the model", () => {
    expect(classifyFault(fault(404, { shortCall: true }))).toMatchObject({ retry: true, rest: null });
  });
});

describe("408 409 425", () => {
  test.each([408, 409, 425])("%p goes elsewhere and blames nobody", (status) => {
    const said = facts({ type: "invalid_request_error" });
    for (const facts of [fault(status).facts, said]) {
      expect(classifyFault(fault(status, { facts }))).toMatchObject({ retry: true, health: "unknown", rest: null });
    }
  });
});

describe("400 413 422, any other 4xx, context too long, a policy block", () => {
  const own = { retry: false, health: "ok", rest: null } as const;
  test.each([400, 405, 410, 413, 415, 418, 422, 451, 499])("%p is the client's answer", (status) => {
    expect(classifyFault(fault(status))).toEqual({ ...own, showable: true, reason: `status_${status}` });
  });
  test.each(["invalid_request_error", "request_too_large", "context_length_exceeded", "INVALID_ARGUMENT"])(
    "%s inside a 200",
    (type) => {
      expect(classifyFault(fault(200, { facts: facts({ type }) }))).toMatchObject(own);
    },
  );
  test("a policy's word whatever the status", () => {
    for (const status of [200, 400, 403, 500]) {
      expect(classifyFault(fault(status, { facts: facts({ policy: true }) }))).toMatchObject({
        ...own,
        reason: "policy",
      });
    }
  });
});

describe("3xx, and what makes no sense inside a 200", () => {
  test.each([301, 302, 304, 307])("%p fails and is not shown", (status) => {
    expect(classifyFault(fault(status))).toMatchObject({ retry: true, health: "failed", rest: null, showable: false });
  });
  test("an error object without a word we know fails", () => {
    const verdict = classifyFault(fault(200, { facts: facts({ type: "something_odd" }) }));
    expect(verdict).toMatchObject({ retry: true, health: "failed", reason: "error_something_odd" });
  });
  test("a word that is none does not get into the log", () => {
    expect(classifyFault(fault(200, { facts: facts({ type: "sk-abc 123" }) })).reason).toBe("error_event");
  });
});

describe("the client's own credentials", () => {
  test.each([401, 402, 403, 429])("make %p the client's answer", (status) => {
    expect(classifyFault(fault(status, { ownCredentials: true }))).toMatchObject({
      retry: false,
      health: "ok",
      rest: null,
    });
  });
  test.each([407, 404, 500, 529])("change nothing about %p", (status) => {
    expect(classifyFault(fault(status, { ownCredentials: true }))).toEqual(classifyFault(fault(status)));
  });
});

describe("as upstreams say it", () => {
  const rows: [string, ProtocolName, number, unknown, Partial<ReturnType<typeof classifyFault>>][] = [
    ["no key (OpenAI)", "openai-chat", 401, { error: { type: "invalid_request_error", code: null } }, { rest: KEY }],
    ["a wrong URL (OpenAI)", "openai-chat", 404, { error: { type: "invalid_request_error" } }, { retry: true }],
    [
      "an invalid key (Google)",
      "gemini",
      400,
      { error: { code: 400, status: "INVALID_ARGUMENT", details: [{ reason: "API_KEY_INVALID" }] } },
      { rest: KEY, showable: false },
    ],
    [
      "no credit (Anthropic)",
      "anthropic",
      400,
      { type: "error", error: { type: "invalid_request_error", message: "Your credit balance is too low to …" } },
      { rest: KEY, showable: false },
    ],
    [
      "too long (Anthropic)",
      "anthropic",
      400,
      { type: "error", error: { type: "invalid_request_error", message: "prompt is too long" } },
      { retry: false, health: "ok" },
    ],
    [
      "overload (Anthropic)",
      "anthropic",
      529,
      { type: "error", error: { type: "overloaded_error" } },
      { health: "failed" },
    ],
    ["nonsense", "anthropic", 502, "<html>bad gateway</html>", { health: "failed", retry: true }],
  ];
  test.each(rows)("%s", (_, protocol, status, body, verdict) => {
    const bytes = new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
    const facts = PROTOCOLS[protocol].readError(status, bytes);
    expect(classifyFault(fault(status, { facts }))).toMatchObject(verdict);
  });
});
