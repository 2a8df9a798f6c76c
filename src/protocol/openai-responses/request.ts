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
import type { Binding, Operation, RequestFacts } from "../protocol.ts";

/** Responses: https://platform.openai.com/docs/api-reference/responses */
export function readResponses(operation: Operation, body: Uint8Array): RequestFacts | OwnError {
  return readJsonBody(body, (object) => {
    const model = readModel(object, body);
    if (typeof model !== "string") return model;
    const stream = readFlag(object, "stream", false);
    if (typeof stream !== "boolean") return stream;
    const store = readFlag(object, "store", true);
    if (typeof store !== "boolean") return store;
    const background = readFlag(object, "background", false);
    if (typeof background !== "boolean") return background;
    const generate = operation.kind === "generate";
    const bound = background || namesAccount(object);
    const unbound: Binding = generate && store ? "failover_only" : "free";
    return {
      model,
      stream: stream && generate,
      binding: bound ? "account" : unbound,
      sessions: bodySessions(object),
      aliases: aliases(object),
      contentSeed: () => conversationSeed(model, object),
      aliasable: generate && store,
    };
  });
}

function aliases(object: JsonObject): RequestFacts["aliases"] {
  const { conversation, previous_response_id: previous } = object;
  const id = isObject(conversation) ? conversation.id : conversation;
  return [
    ...(isFilled(id) ? [{ source: "conversation", id } as const] : []),
    ...(isFilled(previous) ? [{ source: "previous_response_id", id: previous } as const] : []),
  ];
}

function conversationSeed(model: string, object: JsonObject): string {
  const { input } = object;
  if (!Array.isArray(input)) return contentSeed(model, object.instructions, input);
  const items = objectsIn(input);
  const system = items.find((item) => item.role === "system" || item.role === "developer");
  const firstUser = items.find((item) => item.role === "user");
  return contentSeed(model, object.instructions ?? system?.content, firstUser?.content);
}

/** Names something that is stored in one account: a response, a conversation, a prompt, a file, a container. */
function namesAccount(object: JsonObject): boolean {
  return (
    aliases(object).length > 0 ||
    isFilled(objectAt(object, "prompt").id) ||
    objectsIn(object.input).some(itemNamesAccount) ||
    objectsIn(object.tools).some(toolNamesAccount)
  );
}

function itemNamesAccount(item: JsonObject): boolean {
  const parts = [item, objectAt(item, "output"), ...objectsIn(item.content), ...objectsIn(item.output)];
  return item.type === "item_reference" || parts.some((part) => isFilled(part.file_id));
}

function toolNamesAccount(tool: JsonObject): boolean {
  const { container, vector_store_ids: stores, type } = tool;
  const files = objectAt(tool, "container").file_ids;
  const mask = objectAt(tool, "input_image_mask").file_id;
  return (
    (type === "code_interpreter" && isFilled(container)) ||
    [stores, files].some((ids) => Array.isArray(ids) && ids.length > 0) ||
    isFilled(mask)
  );
}
