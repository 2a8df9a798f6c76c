import { readErrorBody, topLevelError } from "../error-facts.ts";
import { objectsIn } from "../json-body.ts";
import { type BodyRules, judgeBody } from "../judge-body.ts";
import { payloadChars } from "../payload.ts";
import type { BodySeen, ErrorFacts, Operation } from "../protocol.ts";
import { saidUsage } from "../tokens.ts";
import { candidatePayload, geminiCounts, geminiErrorValue, geminiLevel, unwrapped } from "./events.ts";

/** An answer has one of these; without candidates it may be nothing but its own usage. */
const ANSWER_FIELDS = ["candidates", "promptFeedback", "usageMetadata"] as const;

const RULES: BodyRules = {
  failure: (body) => topLevelError(body, geminiErrorValue),
  answer(body) {
    const answer = unwrapped(body);
    if (!ANSWER_FIELDS.some((field) => field in answer)) return null;
    if (payloadChars(objectsIn(answer.candidates).flatMap(candidatePayload)) > 0) return { level: "content" };
    const seen = geminiLevel(answer);
    if (typeof seen !== "string") return { level: "error", ...(seen.error ? { error: seen.error } : {}) };
    return { level: seen === "definitive" ? "definitive" : "held" };
  },
  usage: (body) => saidUsage(geminiCounts(unwrapped(body))),
};

export function judgeGemini(operation: Operation, body: Uint8Array, contentType: string): BodySeen {
  return judgeBody(operation, { body, contentType }, RULES);
}

export function readGeminiError(status: number, body: Uint8Array): ErrorFacts {
  return readErrorBody(status, body, geminiErrorValue);
}
