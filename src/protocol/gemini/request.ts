import type { OwnError } from "../../core/errors.ts";
import { contentSeed } from "../content-seed.ts";
import {
  bodySessions,
  checkModel,
  invalid,
  isFilled,
  isObject,
  type JsonObject,
  objectAt,
  objectsIn,
  readJsonBody,
} from "../json-body.ts";
import { spliceStrings } from "../json-splice.ts";
import type { Operation, RequestFacts } from "../protocol.ts";

/** A file of the Files API: by name, or by its address, whose host may be a relay's. */
const UPLOADED_FILE = /(^|\/v\d\w*\/)files\//;

/** Gemini API: https://ai.google.dev/api/generate-content. JSON of protobuf accepts both spellings of a field. */
export function readGemini(operation: Operation, body: Uint8Array): RequestFacts | OwnError {
  const model = operation.pathModel;
  if (model === null) return invalid("the path names no model");
  const wrong = checkModel(model);
  if (wrong) return wrong;
  return readJsonBody(body, (object) => ({
    model,
    stream: operation.pathStream,
    binding: namesAccount(object) ? "account" : "free",
    sessions: bodySessions(object),
    aliases: [],
    contentSeed: () => (operation.kind === "embed" ? embedSeed(model, object) : conversationSeed(model, object)),
    aliasable: false,
  }));
}

/** Short calls repeat the path's model in the body, and Google refuses one that differs. */
const MODEL_PATHS = [
  ["model"],
  ["requests", "*", "model"],
  ["generateContentRequest", "model"],
  ["generate_content_request", "model"],
] as const;
const MODELS_PREFIX = "models/";

/** The name keeps the form it had: `models/NAME` or `NAME`. */
export function geminiWithModel(body: Uint8Array, model: string): Uint8Array {
  return spliceStrings(body, MODEL_PATHS, (old) => (old?.startsWith(MODELS_PREFIX) ? resourceName(model) : model));
}

/** `NAME` as Google's resource name: `models/NAME`, unless it is a full one already (`tunedModels/NAME`). */
export function resourceName(model: string): string {
  return /^(models|tunedModels)\//.test(model) ? model : MODELS_PREFIX + model;
}

function contents(object: JsonObject): readonly JsonObject[] {
  const { contents: given } = object;
  return objectsIn(Array.isArray(given) ? given : [given]);
}

function conversationSeed(model: string, object: JsonObject): string {
  // countTokens may wrap the whole request.
  const wrapped = object.generateContentRequest ?? object.generate_content_request;
  const request = isObject(wrapped) ? wrapped : object;
  const system = request.systemInstruction ?? request.system_instruction;
  const all = contents(request);
  const firstUser = all.find((content) => content.role === "user" || content.role === undefined);
  return contentSeed(model, isObject(system) ? system.parts : system, firstUser?.parts);
}

function embedSeed(model: string, object: JsonObject): string {
  return contentSeed(model, null, object.content ?? object.requests);
}

function namesAccount(object: JsonObject): boolean {
  if (isFilled(object.cachedContent ?? object.cached_content)) return true;
  return contents(object).some((content) => objectsIn(content.parts).some(namesFile));
}

function namesFile(part: JsonObject): boolean {
  const file = part.fileData === undefined ? objectAt(part, "file_data") : objectAt(part, "fileData");
  const uri = file.fileUri ?? file.file_uri;
  return typeof uri === "string" && UPLOADED_FILE.test(uri);
}
