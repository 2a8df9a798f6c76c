import { describe, expect, test } from "bun:test";
import { models } from "../../src/http/models.ts";
import type { ProtocolName } from "../../src/protocol/protocol.ts";
import type { Client, Provider } from "../../src/provider/provider.ts";
import { provider } from "../provider/world.ts";

const CLIENT: Client = { name: "ann", groups: ["default", "team"], limits: { sessions: 0, requests: 0, rpm: 0 } };

const PROVIDER = provider("p");

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

  test("can be asked for one by one", () => {
    expect(bodyOf(ask("anthropic", "alias"))).toMatchObject({ type: "model", id: "alias" });
    expect(bodyOf(ask("openai-chat", "alias"))).toMatchObject({ object: "model", id: "alias" });
    expect(bodyOf(ask("gemini", "alias"))).toMatchObject({ name: "models/alias" });
  });

  test.each(["not-ours", "claude-*", "elsewhere", ""])("do not hold %j", (id) => {
    expect(ask("anthropic", id)).toMatchObject({ kind: "missing", error: { code: "not_found" } });
  });
});
