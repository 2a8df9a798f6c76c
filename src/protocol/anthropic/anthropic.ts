import { spliceTopLevelString } from "../json-splice.ts";
import type { Protocol } from "../protocol.ts";
import { anthropicErrorEvent, anthropicKeepAlive } from "./ending.ts";
import { anthropicEnvelope } from "./envelope.ts";
import { anthropicEvents } from "./events.ts";
import { judgeAnthropic, readAnthropicError } from "./judge.ts";
import { readAnthropic } from "./request.ts";

export const anthropic: Protocol = {
  name: "anthropic",
  auth: "x-api-key",
  read: readAnthropic,
  withModel: (body, model) => spliceTopLevelString(body, "model", model),
  events: anthropicEvents,
  judge: judgeAnthropic,
  readError: readAnthropicError,
  envelope: anthropicEnvelope,
  errorEvent: anthropicErrorEvent,
  keepAlive: anthropicKeepAlive,
};
