import type { Protocol } from "../protocol.ts";
import { geminiErrorEvent, geminiKeepAlive } from "./ending.ts";
import { geminiEnvelope } from "./envelope.ts";
import { geminiEvents } from "./events.ts";
import { judgeGemini, readGeminiError } from "./judge.ts";
import { geminiWithModel, readGemini } from "./request.ts";

export const gemini: Protocol = {
  name: "gemini",
  auth: "x-goog-api-key",
  read: readGemini,
  withModel: geminiWithModel,
  events: geminiEvents,
  judge: judgeGemini,
  readError: readGeminiError,
  envelope: geminiEnvelope,
  errorEvent: geminiErrorEvent,
  keepAlive: geminiKeepAlive,
};
