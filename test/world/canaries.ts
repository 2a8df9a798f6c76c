/** What must never be seen outside a request and its answer. */
export const CANARIES = {
  clientKey: "canary-client-key-4711",
  otherKey: "canary-small-key-4712",
  token: "canary-admin-token-4713",
  upstreamKey: "upstream-key-of-",
  prompt: "canary prompt 4714",
  answer: "The hedge ",
  header: "canary-header-4715",
} as const;
