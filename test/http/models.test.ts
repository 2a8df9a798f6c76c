import { describe, expect, test } from "bun:test";
import { models } from "../../src/http/models.ts";
import type { ProtocolName } from "../../src/protocol/protocol.ts";
import type { Client, Provider } from "../../src/provider/provider.ts";
import { provider } from "../provider/world.ts";

const CLIENT: Client = { name: "ann", groups: ["default", "team"], limits: { sessions: 0, requests: 0, rpm: 0 } };

const PROVIDER: Provider = { ...provider("p"), protocols: ["anthropic", "openai-chat", "gemini"] };

const PROVIDERS: readonly Provider[] = [
  { ...PROVIDER, models: ["claude-b", "claude-*", "claude-a"] },
  {
    ...PROVIDER,
    groups: ["team"],
    models: ["claude-a", "g?t", "mapped-*"],
    modelMap: [
      { glob: "mapped-1", upstream: "up" },
      { glob: "elsewhere", upstream: "up" },
      { glob: "mapped-?", upstream: "up" },
    ],
  },
  { ...PROVIDER, modelMap: [{ glob: "alias", upstream: "up" }] },
  { ...PROVIDER, groups: ["others"], models: ["not-ours"] },
];
const NAMES = ["alias", "claude-a", "claude-b", "mapped-1"];

const ask = (protocol: ProtocolName, id: string | null = null, providers = PROVIDERS) =>
  models({ protocol, id, client: CLIENT, providers });

function bodyOf(answer: ReturnType<typeof models>) {
  if (answer.kind !== "found") expect.unreachable("missing");
  return answer.body;
}

describe("the models a client can name", () => {
  test("are the literal names of the providers it reaches, each once, in OpenAI's shape", () => {
    expect(bodyOf(ask("openai-chat"))).toEqual({
      object: "list",
      data: NAMES.map((id) => ({ id, object: "model", created: 0, owned_by: "hedgerow" })),
    });
  });

  test("in Anthropic's shape", () => {
    expect(bodyOf(ask("anthropic"))).toEqual({
      data: NAMES.map((id) => ({ type: "model", id, display_name: id, created_at: "1970-01-01T00:00:00Z" })),
      has_more: false,
      first_id: "alias",
      last_id: "mapped-1",
    });
    expect(bodyOf(ask("anthropic", null, []))).toEqual({ data: [], has_more: false, first_id: null, last_id: null });
  });

  test("in Google's shape", () => {
    expect(bodyOf(ask("gemini"))).toMatchObject({ models: NAMES.map((id) => ({ name: `models/${id}` })) });
  });

  test("are those of providers that speak the protocol asked in", () => {
    const speaking = (name: string, protocols: Provider["protocols"]) => ({ ...PROVIDER, protocols, models: [name] });
    const providers = [
      speaking("claude", ["anthropic"]),
      speaking("gemini", ["gemini"]),
      speaking("gpt", ["openai-chat"]),
      speaking("gpt-pro", ["openai-responses"]),
      speaking("relay", ["gemini", "anthropic"]),
    ];
    const ids = (protocol: ProtocolName) => JSON.stringify(bodyOf(ask(protocol, null, providers)));
    const listed = (protocol: ProtocolName) =>
      ["claude", "gemini", "gpt", "gpt-pro", "relay"].filter((name) =>
        ids(protocol).includes(`"${protocol === "gemini" ? "models/" : ""}${name}"`),
      );
    expect(listed("anthropic")).toEqual(["claude", "relay"]);
    expect(listed("gemini")).toEqual(["gemini", "relay"]);
    // One list is asked for by both of OpenAI's.
    expect(listed("openai-chat")).toEqual(["gpt", "gpt-pro"]);
    expect(listed("openai-responses")).toEqual(["gpt", "gpt-pro"]);
    expect(ask("gemini", "claude", providers).kind).toBe("missing");
    expect(ask("anthropic", "claude", providers).kind).toBe("found");
  });

  test("can be asked for one by one", () => {
    expect(bodyOf(ask("anthropic", "alias"))).toMatchObject({ type: "model", id: "alias" });
    expect(bodyOf(ask("openai-chat", "alias"))).toMatchObject({ object: "model", id: "alias" });
    expect(bodyOf(ask("gemini", "alias"))).toMatchObject({ name: "models/alias" });
  });

  test.each(["not-ours", "claude-*", "elsewhere", ""])("do not hold %j", (id) => {
    expect(ask("anthropic", id)).toMatchObject({ kind: "missing", error: { code: "not_found" } });
  });
});
