import type { OwnError } from "../../core/errors.ts";
import { contentSeed } from "../content-seed.ts";
import {
  bodySessions,
  isFilled,
  type JsonObject,
  objectAt,
  objectsIn,
  readFlag,
  readJsonBody,
  readModel,
} from "../json-body.ts";
import type { Operation, RequestFacts } from "../protocol.ts";

/** Chat Completions and Embeddings: https://platform.openai.com/docs/api-reference/chat */
export function readChat(operation: Operation, body: Uint8Array): RequestFacts | OwnError {
  return readJsonBody(body, (object) => {
    const model = readModel(object, body);
    if (typeof model !== "string") return model;
    const stream = readFlag(object, "stream", false);
    if (typeof stream !== "boolean") return stream;
    const messages = objectsIn(object.messages);
    return {
      model,
      stream: stream && operation.kind === "generate",
      binding: messages.some(namesFile) ? "account" : "free",
      sessions: bodySessions(object),
      aliases: [],
      contentSeed: () =>
        operation.kind === "embed" ? contentSeed(model, null, object.input) : conversationSeed(model, messages),
      aliasable: false,
    };
  });
}

function conversationSeed(model: string, messages: readonly JsonObject[]): string {
  const system = messages.find((message) => message.role === "system" || message.role === "developer");
  const firstUser = messages.find((message) => message.role === "user");
  return contentSeed(model, system?.content, firstUser?.content);
}

function namesFile(message: JsonObject): boolean {
  return objectsIn(message.content).some((part) => isFilled(objectAt(part, "file").file_id));
}
