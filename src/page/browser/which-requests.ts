import { requestOutcome } from "../../core/request-outcome.ts";
import type { RequestView } from "../../http/admin/views.ts";

export type Which = "all" | "not_answered" | "hedged" | "failed_over" | "moved";

export const WHICH: readonly Readonly<{ which: Which; words: string }>[] = [
  { which: "all", words: "all" },
  { which: "not_answered", words: "not answered" },
  { which: "hedged", words: "hedged" },
  { which: "failed_over", words: "failed over" },
  { which: "moved", words: "moved from home" },
];

/** `sought`: words that must all occur in what a request is known by, in any case. */
export type Choice = Readonly<{ which: Which; sought: string }>;

export const ANY: Choice = { which: "all", sought: "" };

export function chosen(requests: readonly RequestView[], { which, sought }: Choice): readonly RequestView[] {
  const words = sought
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return requests.filter((request) => isOf(request, which) && words.every((word) => knownBy(request).includes(word)));
}

function isOf(request: RequestView, which: Which): boolean {
  switch (which) {
    case "all":
      return true;
    case "not_answered":
      return requestOutcome(request) !== "answered";
    case "hedged":
      return request.attempts.some(({ kind }) => kind === "hedge");
    case "failed_over":
      return request.attempts.some(({ kind }) => kind === "failover");
    case "moved":
      return request.sticky === "moved";
  }
}

function knownBy({ request_id, session, client, model, protocol, attempts, provider, status, error }: RequestView) {
  const asked = attempts.map((attempt) => `${attempt.provider} ${attempt.reason}`);
  return [request_id, session, client, model, protocol, provider, status, error, ...asked].join("\n").toLowerCase();
}
