import { spliceTopLevelString } from "../json-splice.ts";
import { openaiEnvelope } from "../openai-chat/envelope.ts";
import type { Protocol } from "../protocol.ts";
import { responsesErrorEvent, responsesKeepAlive } from "./ending.ts";
import { responsesEvents } from "./events.ts";
import { judgeResponses, readResponsesError } from "./judge.ts";
import { readResponses } from "./request.ts";

export const openaiResponses: Protocol = {
  name: "openai-responses",
  auth: "bearer",
  read: readResponses,
  withModel: (body, model) => spliceTopLevelString(body, "model", model),
  events: responsesEvents,
  judge: judgeResponses,
  readError: readResponsesError,
  envelope: openaiEnvelope,
  errorEvent: responsesErrorEvent,
  keepAlive: responsesKeepAlive,
};
