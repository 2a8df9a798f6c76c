/** Why an attempt, or a whole request, was called off from our side. A closed set: everybody branches on `why`, never on the text. */
export type Why =
  | "client_left"
  | "lost_race"
  /** Its race was settled by what is the client's own error, or a policy's word: that says nothing about the others. */
  | "lost_to_client_error"
  | "called_off"
  | "connect_timeout"
  | "first_token_timeout"
  | "idle_timeout"
  | "total_timeout"
  | "session_ended"
  | "lease_lost"
  | "drain";

/** The reason of every abort in the forwarder. */
export class Stop extends Error {
  readonly why: Why;
  constructor(why: Why) {
    super(why);
    this.name = "Stop";
    this.why = why;
  }
}

export function isTimeout(why: Why): boolean {
  return (
    why === "connect_timeout" || why === "first_token_timeout" || why === "idle_timeout" || why === "total_timeout"
  );
}
