import type { OwnError } from "../../core/errors.ts";
import { contentSeed } from "../content-seed.ts";
import {
  bodySessions,
  isFilled,
  isObject,
  type JsonObject,
  objectAt,
  objectsIn,
  readFlag,
  readJsonBody,
  readModel,
} from "../json-body.ts";
import type { Binding, BodySession, Operation, RequestFacts } from "../protocol.ts";

/** `metadata.user_id` is an id of a few hundred characters at most; more is not looked into. */
const USER_ID_CHARS_MAX = 4096;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const SESSION_MARK = "_session_";

/** Messages API: https://docs.anthropic.com/en/api/messages */
export function readAnthropic(operation: Operation, body: Uint8Array): RequestFacts | OwnError {
  return readJsonBody(body, (object) => {
    const model = readModel(object, body);
    if (typeof model !== "string") return model;
    const stream = readFlag(object, "stream", false);
    if (typeof stream !== "boolean") return stream;
    const messages = objectsIn(object.messages);
    const firstUser = messages.find((message) => message.role === "user");
    return {
      model,
      stream: stream && operation.kind === "generate",
      binding: binding(object, messages),
      sessions: [...userIdSession(objectAt(object, "metadata").user_id), ...bodySessions(object)],
      aliases: [],
      contentSeed: () => contentSeed(model, object.system, firstUser?.content),
      aliasable: false,
    };
  });
}

/** Two shapes that Claude Code has sent: JSON with `session_id`, and `user_HASH_account_UUID_session_UUID`. Any other is a person, not a session. */
function userIdSession(userId: unknown): readonly BodySession[] {
  if (!isFilled(userId) || userId.length > USER_ID_CHARS_MAX) return [];
  const id = userId.startsWith("{") ? sessionInJson(userId) : sessionInName(userId);
  return id === null ? [] : [{ source: "metadata.user_id", id }];
}

function sessionInJson(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    const id = isObject(value) ? value.session_id : null;
    return isFilled(id) ? id : null;
  } catch {
    return null;
  }
}

function sessionInName(name: string): string | null {
  const at = name.lastIndexOf(SESSION_MARK);
  const id = name.slice(at + SESSION_MARK.length);
  return at > 0 && name.startsWith("user_") && name.slice(0, at).includes("_account_") && UUID.test(id) ? id : null;
}

function binding(object: JsonObject, messages: readonly JsonObject[]): Binding {
  const { container, mcp_servers: servers } = object;
  const elsewhere = Boolean(container) || (Array.isArray(servers) && servers.length > 0);
  return elsewhere || messages.some((message) => namesFile(message.content)) ? "account" : "free";
}

/**
 * An uploaded file lives in one account. Looked for only where the API has it, in `source` and in `container_upload`
 * blocks, since tool inputs may have a `file_id` of their own. Blocks nest (tool results), so this walks a list.
 */
function namesFile(content: unknown): boolean {
  const blocks = [...objectsIn(content)];
  for (let block = blocks.pop(); block; block = blocks.pop()) {
    if (objectAt(block, "source").type === "file") return true;
    if (block.type === "container_upload") return true;
    for (const inner of objectsIn(block.content)) blocks.push(inner);
  }
  return false;
}
