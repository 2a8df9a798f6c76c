import { readErrorBody } from "../error-facts.ts";
import { objectsIn } from "../json-body.ts";
import { type BodyRules, judgeBody } from "../judge-body.ts";
import { payloadChars } from "../payload.ts";
import type { BodySeen, ErrorFacts, Operation } from "../protocol.ts";
import { saidUsage } from "../tokens.ts";
import { chatCounts, chatFailure, chatLevel, choicePayload, openaiErrorValue } from "./events.ts";

const RULES: BodyRules = {
  failure: chatFailure,
  answer(completion) {
    if (!Array.isArray(completion.choices)) return null;
    if (payloadChars(objectsIn(completion.choices).flatMap(choicePayload)) > 0) return { level: "content" };
    return { level: chatLevel(completion) === "definitive" ? "definitive" : "held" };
  },
  usage: (completion) => saidUsage(chatCounts(completion)),
};

export function judgeChat(operation: Operation, body: Uint8Array, contentType: string): BodySeen {
  return judgeBody(operation, { body, contentType }, RULES);
}

export function readChatError(status: number, body: Uint8Array): ErrorFacts {
  return readErrorBody(status, body, openaiErrorValue);
}
