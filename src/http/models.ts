import type { OwnError } from "../core/errors.ts";
import type { ProtocolName } from "../protocol/protocol.ts";
import { globMatches, isLiteral } from "../provider/glob.ts";
import type { Client, Provider } from "../provider/provider.ts";

/** The models a client can name, as `GET /v1/models` and its kin answer: a list, one of it, or that there is no such one. */
export type ModelsAnswer =
  | Readonly<{ kind: "found"; body: Readonly<Record<string, unknown>> }>
  | Readonly<{ kind: "missing"; error: OwnError }>;

export type ModelsQuestion = Readonly<{
  protocol: ProtocolName;
  /** Null: all of them. */
  id: string | null;
  client: Client;
  /** Those in use. */
  providers: readonly Provider[];
}>;

type Shape = Readonly<{
  one(id: string): Readonly<Record<string, unknown>>;
  list(ids: readonly string[]): Readonly<Record<string, unknown>>;
}>;

/** A moment for fields that must hold one: a config does not say when a model was made. */
const CREATED = { seconds: 0, text: "1970-01-01T00:00:00Z" } as const;

const openai: Shape = {
  one: (id) => ({ id, object: "model", created: CREATED.seconds, owned_by: "hedgerow" }),
  list: (ids) => ({ object: "list", data: ids.map(openai.one) }),
};

const anthropic: Shape = {
  one: (id) => ({ type: "model", id, display_name: id, created_at: CREATED.text }),
  list: (ids) => ({
    data: ids.map(anthropic.one),
    has_more: false,
    first_id: ids[0] ?? null,
    last_id: ids.at(-1) ?? null,
  }),
};

const GEMINI_METHODS = [
  "generateContent",
  "streamGenerateContent",
  "countTokens",
  "embedContent",
  "batchEmbedContents",
];

const gemini: Shape = {
  one: (id) => ({ name: `models/${id}`, displayName: id, version: "", supportedGenerationMethods: GEMINI_METHODS }),
  list: (ids) => ({ models: ids.map(gemini.one) }),
};

const SHAPES: Readonly<Record<ProtocolName, Shape>> = {
  anthropic,
  "openai-chat": openai,
  "openai-responses": openai,
  gemini,
};

/** Who answers a caller that asks in this protocol; OpenAI's two have one list between them. */
const SPOKEN: Readonly<Record<ProtocolName, readonly ProtocolName[]>> = {
  anthropic: ["anthropic"],
  "openai-chat": ["openai-chat", "openai-responses"],
  "openai-responses": ["openai-chat", "openai-responses"],
  gemini: ["gemini"],
};

export function models({ protocol, id, client, providers }: ModelsQuestion): ModelsAnswer {
  const speaking = providers.filter(({ protocols }) => protocols.some((name) => SPOKEN[protocol].includes(name)));
  const names = namesFor(client, speaking);
  const shape = SHAPES[protocol];
  if (id === null) return { kind: "found", body: shape.list(names) };
  if (names.includes(id)) return { kind: "found", body: shape.one(id) };
  return {
    kind: "missing",
    error: { code: "not_found", message: `no model is listed under the name ${JSON.stringify(id)}` },
  };
}

/** Names written out in `models` and `model_map`; what a pattern would match is not known. Sorted, each once. */
function namesFor(client: Client, providers: readonly Provider[]): readonly string[] {
  const reached = providers.filter(({ groups }) => groups.some((group) => client.groups.includes(group)));
  return [...new Set(reached.flatMap(namesOf))].sort();
}

function namesOf({ models, modelMap }: Provider): readonly string[] {
  const mapped = modelMap.map(({ glob }) => glob).filter(isLiteral);
  if (models === null) return mapped;
  // A mapping serves nobody where `models` leaves its name out.
  return [...models.filter(isLiteral), ...mapped.filter((name) => models.some((glob) => globMatches(glob, name)))];
}
