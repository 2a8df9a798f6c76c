/** The environment as it was when the process started, or as a test wants it. */
export type Env = Readonly<Record<string, string | undefined>>;

export type Interpolated =
  /** `fromEnv`: a variable was part of it, so it must not be shown. */
  Readonly<{ kind: "text"; text: string; fromEnv: boolean }> | Readonly<{ kind: "wrong"; why: string }>;

/** `$$`, `${VAR}`, `${VAR:-default}`; a `${` that is neither ends in the last group. The first `}` ends a default. */
const REFERENCE = /\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|(\$\{)/g;

/** A default stands in for a variable that is unset or empty, as in a shell. All other `$` stand for themselves. */
export function interpolate(text: string, env: Env): Interpolated {
  const missing: string[] = [];
  let fromEnv = false;
  let malformed = false;
  let nested = false;
  const resolved = text.replace(REFERENCE, (match: string, name?: string, otherwise?: string, open?: string) => {
    if (open !== undefined) malformed = true;
    // As a shell has it, and not as it is here: what is left of it would be taken for the value.
    if (otherwise?.includes("${")) nested = true;
    if (name === undefined) return match === "$$" ? "$" : "";
    fromEnv = true;
    const value = env[name];
    if (otherwise !== undefined) return value === undefined || value === "" ? otherwise : value;
    if (value === undefined) missing.push(name);
    return value ?? "";
  });
  if (malformed) return { kind: "wrong", why: "expected ${NAME} or ${NAME:-default} (a plain $ is written $$)" };
  if (nested) return { kind: "wrong", why: "a default cannot hold a ${…} of its own; set the variable itself instead" };
  if (missing.length > 0) {
    const names = missing.map((name) => `\${${name}}`).join(", ");
    return { kind: "wrong", why: `${names} ${missing.length > 1 ? "are" : "is"} not set in the environment` };
  }
  return { kind: "text", text: resolved, fromEnv };
}
