import { errorFacts, readErrorBody, topLevelError } from "../error-facts.ts";
import { type BodyRules, judgeBody } from "../judge-body.ts";
import { openaiErrorValue } from "../openai-chat/events.ts";
import { isSaid } from "../payload.ts";
import type { BodySeen, ErrorFacts, Operation } from "../protocol.ts";
import { saidUsage } from "../tokens.ts";
import { responseAliases, responsesCounts } from "./events.ts";

const RULES: BodyRules = {
  failure(response) {
    const broke = response.status === "failed" ? errorFacts({ words: ["server_error"] }) : null;
    return topLevelError(response, openaiErrorValue) ?? broke;
  },
  answer(response) {
    if (!Array.isArray(response.output)) return null;
    if (isSaid(response.output)) return { level: "content" };
    // Incomplete, cancelled, or a background job that was taken: nobody else would answer otherwise.
    return { level: response.status === "completed" || response.status === undefined ? "held" : "definitive" };
  },
  usage: (response) => saidUsage(responsesCounts(response)),
  aliases: responseAliases,
};

export function judgeResponses(operation: Operation, body: Uint8Array, contentType: string): BodySeen {
  return judgeBody(operation, { body, contentType }, RULES);
}

export function readResponsesError(status: number, body: Uint8Array): ErrorFacts {
  return readErrorBody(status, body, openaiErrorValue);
}
