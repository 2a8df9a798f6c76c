import type { Scope } from "../lease.ts";

/** Names in the store. What one operation touches shares one hash tag, so that a cluster keeps it on one node. */
export type Keys = Readonly<{
  /** Sessions, leases, refs, marks: the keys of every operation on a scope. */
  scope(scope: Scope): readonly string[];
  /** A scope's requests a minute; acquire's fifth. */
  rate(scope: Scope): string;
  home(session: string): string;
  /** `alias` is a hash: ids of upstream objects come from outside and may be of any length. */
  alias(alias: string): string;
  instances: string;
}>;

/** `prefix` holds no braces: a second tag would scatter what belongs together. */
export function keys(prefix: string): Keys {
  const active = (scope: Scope) => `${prefix}:{${scope}}:active_session`;
  return {
    scope(scope) {
      const name = active(scope);
      return [`${name}s`, `${name}_leases`, `${name}_refs`, `${name}_marks`];
    },
    rate: (scope) => `${active(scope)}_rate`,
    home: (session) => `${prefix}:{home:${session}}`,
    alias: (alias) => `${prefix}:{alias:${alias}}`,
    instances: `${prefix}:{instances}`,
  };
}
