import { answer } from "../../src/simulator/behaviour.ts";
import { waitFor } from "../../src/simulator/script.ts";
import type { Behave, SimulatedRequest } from "../../src/simulator/simulator.ts";
import { type Asking, begin, hear, type Heard, hearUntil } from "./http.ts";

/** Upstream answers that wait for the test, each session by itself. */
export type Gates = Readonly<{
  /** Says nothing until its session's gate is open. */
  silent: Behave;
  /** Says all its content at once, and that this was all when its session's gate is open. */
  talking: Behave;
  open(session: string): void;
}>;

/** A request of a session that its upstream can tell: the proxy's own session header does not go upstream. */
export const asSession = (session: string): Asking => ({ session, prompt: `prompt-of-${session}` });

export function sessionOf(request: SimulatedRequest): string {
  return /prompt-of-([\w-]+)/.exec(request.text())?.[1] ?? "";
}

export function gates(): Gates {
  const known = new Map<string, PromiseWithResolvers<void>>();
  const gate = (session: string) => {
    const one = known.get(session) ?? Promise.withResolvers<void>();
    known.set(session, one);
    return one;
  };
  const waiting = (request: SimulatedRequest) => waitFor(gate(sessionOf(request)).promise);
  return {
    silent: async (request) => [waiting(request), ...(await answer()(request))],
    talking: async (request) => [...(await answer()(request))].toSpliced(-1, 0, waiting(request)),
    open: (session) => gate(session).resolve(),
  };
}

/** A session's stream from a talking upstream, all of its content heard; `rest` reads on to its end, whatever that is. */
export type Talk = Readonly<{ rest(): Promise<Heard> }>;

export async function startTalk(url: string, session: string): Promise<Talk> {
  const response = await begin(url, "anthropic", asSession(session));
  if (!response.ok) throw new Error(`${session} was refused: ${response.status} ${await response.text()}`);
  await hearUntil(response, "row.");
  return { rest: () => hear(response, "anthropic") };
}
