import { spliceTopLevelString } from "../json-splice.ts";
import type { Protocol } from "../protocol.ts";
import { chatErrorEvent, chatKeepAlive } from "./ending.ts";
import { openaiEnvelope } from "./envelope.ts";
import { chatEvents } from "./events.ts";
import { judgeChat, readChatError } from "./judge.ts";
import { readChat } from "./request.ts";

export const openaiChat: Protocol = {
  name: "openai-chat",
  auth: "bearer",
  read: readChat,
  withModel: (body, model) => spliceTopLevelString(body, "model", model),
  events: chatEvents,
  judge: judgeChat,
  readError: readChatError,
  envelope: openaiEnvelope,
  errorEvent: chatErrorEvent,
  keepAlive: chatKeepAlive,
};
