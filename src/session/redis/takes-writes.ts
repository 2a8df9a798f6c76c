import type { Calls } from "./calls.ts";
import type { Keys } from "./keys.ts";
import probeText from "./lua/probe.lua" with { type: "text" };
import { script } from "./script.ts";

const probe = script("probe", probeText);

/** Resolves where the server that holds a scope takes writes, and rejects as every call does where it does not. Changes nothing. */
export async function takesWrites(calls: Calls, [sessions = ""]: ReturnType<Keys["scope"]>): Promise<void> {
  await calls.run(probe, [sessions], []);
}
