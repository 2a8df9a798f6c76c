import type { Clock } from "../core/clock.ts";
import { type AdminClient, adminClient, type Remote, type Reply } from "./admin-client.ts";
import { type Draw, live, type Picture } from "./live.ts";
import type { Terminal } from "./terminal.ts";

/** What the verbs that ask a running Hedgerow have in common: whom they ask, how they answer, where they run. */
export type RemoteVerb = Remote & Readonly<{ json: boolean }>;

export type World = Readonly<{ terminal: Terminal; clock: Clock; signal: AbortSignal }>;

/** 0 done, 1 the instance could not be asked or said no. */
export type ExitCode = 0 | 1;

/** Asks once and prints. */
export async function showOnce(draw: Draw, { terminal, signal }: World): Promise<ExitCode> {
  return shown(await draw(signal), terminal);
}

/** Prints once into a pipe or as JSON; on a terminal it goes on until it is quit. */
export async function showLive(verb: RemoteVerb, draw: Draw, world: World): Promise<ExitCode> {
  const { terminal } = world;
  if (verb.json || !terminal.isInteractive) return showOnce(draw, world);
  const last = await live(draw, terminal, world);
  return last.kind === "ok" ? 0 : shown(last, terminal);
}

/** What a call to the admin API answers, as JSON or as `text` makes it of the body. */
export function drawing(
  verb: RemoteVerb,
  clock: Clock,
  { call, text }: Readonly<{ call: (client: AdminClient) => Promise<Reply>; text: (body: unknown) => string }>,
): Draw {
  return async (signal) => pictured(await call(adminClient(verb, { clock, signal })), verb, text);
}

function pictured(reply: Reply, verb: RemoteVerb, text: (body: unknown) => string): Picture {
  if (reply.kind === "failed") return reply;
  if (verb.json) return { kind: "ok", text: JSON.stringify(reply.body, null, 2) };
  try {
    return { kind: "ok", text: text(reply.body) };
  } catch {
    return { kind: "failed", message: `${verb.url} answers, but not as this version of Hedgerow does` };
  }
}

function shown(picture: Picture, terminal: Terminal): ExitCode {
  if (picture.kind === "ok") terminal.write(`${picture.text}\n`);
  else terminal.writeError(`hedgerow: ${picture.message}\n`);
  return picture.kind === "ok" ? 0 : 1;
}
