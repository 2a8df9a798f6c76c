import type { Clock } from "../core/clock.ts";

/** Where the admin API of a running Hedgerow is, and what opens it. */
export type Remote = Readonly<{
  url: string;
  /** `admin.token`; null: none is sent. */
  token: string | null;
}>;

export const REMOTE_URL_DEFAULT = "http://127.0.0.1:8787";

/** What a person can do about a failure is in `message`. */
export type Reply = Readonly<{ kind: "ok"; body: unknown }> | Readonly<{ kind: "failed"; message: string }>;

export type AdminClient = Readonly<{
  get(path: string): Promise<Reply>;
  delete(path: string): Promise<Reply>;
}>;

/** A local call takes milliseconds; after this long nobody is answering. */
const TIMEOUT_MS = 10_000;

/** Paths are below `/admin/api/`. Nothing rejects. */
export function adminClient(
  { url, token }: Remote,
  { clock, signal }: Readonly<{ clock: Clock; signal: AbortSignal }>,
): AdminClient {
  const base = `${url.replace(/\/+$/, "")}/admin/api/`;
  async function call(method: "GET" | "DELETE", path: string): Promise<Reply> {
    const stop = new AbortController();
    const cancel = clock.after(TIMEOUT_MS, () => stop.abort(new Error(`no answer in ${TIMEOUT_MS / 1_000} s`)));
    try {
      const headers = { accept: "application/json", ...(token !== null && { authorization: `Bearer ${token}` }) };
      // No proxy from the environment: the token is for that address alone. No redirect, for the same reason.
      const either = AbortSignal.any([signal, stop.signal]);
      const init = { method, headers, signal: either, proxy: false, redirect: "manual" } as const;
      const response = await fetch(base + path, init);
      return read(response.status, await response.text(), url);
    } catch (error) {
      return failed(connectionProblem(error, url));
    } finally {
      cancel();
    }
  }
  return { get: (path) => call("GET", path), delete: (path) => call("DELETE", path) };
}

function read(status: number, text: string, url: string): Reply {
  const body = parsed(text);
  if (status === 200 && isObject(body)) return { kind: "ok", body };
  const error = isObject(body) && isObject(body["error"]) ? body["error"] : null;
  const why = typeof error?.["message"] === "string" ? error["message"] : null;
  if (status === 401) {
    return failed(`${url} refuses: ${why ?? "unauthorized"} (--token, or HEDGEROW_ADMIN_TOKEN in the environment)`);
  }
  if (why !== null) return failed(`${url} refuses: ${why}`);
  return failed(`${url} answers (status ${status}), but not as Hedgerow's admin API: is this the right --url?`);
}

function connectionProblem(error: unknown, url: string): string {
  const code = isObject(error) && typeof error["code"] === "string" ? error["code"] : "";
  if (code === "ECONNREFUSED" || code === "ConnectionRefused") {
    return `nothing listens at ${url}: is hedgerow running there? (--url says where)`;
  }
  return `cannot reach ${url}: ${error instanceof Error ? error.message : String(error)}`;
}

function failed(message: string): Reply {
  return { kind: "failed", message };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
