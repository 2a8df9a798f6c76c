import { readErrorBody, topLevelError } from "../error-facts.ts";
import { objectAt, objectsIn } from "../json-body.ts";
import { type BodyRules, judgeBody } from "../judge-body.ts";
import { isSaid } from "../payload.ts";
import type { BodySeen, ErrorFacts, Operation } from "../protocol.ts";
import { saidUsage } from "../tokens.ts";
import { anthropicCounts, anthropicErrorValue, blockPayload, stopLevel } from "./events.ts";

const RULES: BodyRules = {
  failure: (message) => topLevelError(message, anthropicErrorValue),
  answer(message) {
    if (!Array.isArray(message.content)) return null;
    // A tool call that is here as a whole is content, with or without arguments.
    const isContent = objectsIn(message.content).some((block) => isSaid(blockPayload(block)) || "input" in block);
    return { level: isContent ? "content" : stopLevel(message.stop_reason) === "definitive" ? "definitive" : "held" };
  },
  usage: (message) => saidUsage(anthropicCounts(objectAt(message, "usage"))),
};

export function judgeAnthropic(operation: Operation, body: Uint8Array, contentType: string): BodySeen {
  return judgeBody(operation, { body, contentType }, RULES);
}

export function readAnthropicError(status: number, body: Uint8Array): ErrorFacts {
  return readErrorBody(status, body, anthropicErrorValue);
}
