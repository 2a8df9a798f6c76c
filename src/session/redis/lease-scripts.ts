import acquire from "./lua/acquire.lua" with { type: "text" };
import count from "./lua/count.lua" with { type: "text" };
import end from "./lua/end.lua" with { type: "text" };
import prelude from "./lua/prelude.lua" with { type: "text" };
import release from "./lua/release.lua" with { type: "text" };
import renew from "./lua/renew.lua" with { type: "text" };
import sweep from "./lua/sweep.lua" with { type: "text" };
import { type Script, script } from "./script.ts";

export type LeaseOperation = "acquire" | "release" | "renew" | "sweep" | "end" | "count";
export type LeaseScripts = Readonly<Record<LeaseOperation, Script>>;

/** Each operation is the prelude and its own file; `patch` lets a test break one of them on purpose. */
export function leaseScripts(patch: (text: string, file: string) => string = (text) => text): LeaseScripts {
  const whole = (name: LeaseOperation, text: string) =>
    script(name, `${patch(prelude, "prelude")}\n${patch(text, name)}`);
  return {
    acquire: whole("acquire", acquire),
    release: whole("release", release),
    renew: whole("renew", renew),
    sweep: whole("sweep", sweep),
    end: whole("end", end),
    count: whole("count", count),
  };
}
