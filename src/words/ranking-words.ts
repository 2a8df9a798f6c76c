/** Why a provider is asked at its place. A word of the ranking that is not here is shown as it is. */
export function whyWords(why: string): string {
  return WHY[why] ?? why;
}

/** Why a provider is left out. */
export function outWords(reason: string): string {
  return OUT[reason] ?? reason;
}

const WHY: Readonly<Record<string, string>> = {
  home: "the session's home",
  bound: "the request is bound to this account",
  rank: "by priority, weight and session",
};

const OUT: Readonly<Record<string, string>> = {
  protocol: "does not speak this protocol",
  model: "does not serve this model",
  group: "shares no group with the client",
  disabled: "disabled in the config",
  disabled_by_operator: "disabled by an operator",
  hours: "outside its hours",
  other_account: "the request is bound to another account",
  open: "its breaker is open",
  cooling: "cooling down",
};
