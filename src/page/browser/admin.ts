/** The admin API as the page speaks to it, with the operator's token where one is needed. */
export type Admin = Readonly<{
  /** The answer's JSON. Rejects with a `Refusal`, or with the network's own error where nobody answers. */
  get<Body>(path: string, signal?: AbortSignal): Promise<Body>;
  act<Body>(method: "POST" | "DELETE", path: string): Promise<Body>;
  /** The bytes of an event stream, until the signal ends it. */
  events(signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /** Whether new requests are taken, and how the session store is. */
  readiness(signal?: AbortSignal): Promise<Readiness>;
}>;

export type Readiness = Readonly<{ ready: boolean; reasons: readonly string[]; store: "up" | "degraded" | "down" }>;

export type Ask = (url: string, init: RequestInit) => Promise<Response>;

/** An answer that is no success, with the API's own words. */
export class Refusal extends Error {
  readonly status: number;
  /** From the API's closed set; "" where something else answered (a proxy in between). */
  readonly code: string;
  /** Of a config that was refused: where and what. */
  readonly problems: readonly string[];
  constructor(status: number, body: RefusalBody) {
    super(body.error?.message ?? `the answer has status ${status}`);
    this.name = "Refusal";
    this.status = status;
    this.code = body.error?.code ?? "";
    this.problems = body.problems ?? [];
  }
}

type RefusalBody = Readonly<{
  error?: Readonly<{ code?: string; message?: string }>;
  problems?: readonly string[];
}>;

/** `base`: the page's own address, with a slash at its end; whatever a reverse proxy put before it stays. */
export function adminAt(base: string, token: string | null, ask: Ask): Admin {
  const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  const send = async (method: string, path: string, signal?: AbortSignal): Promise<Response> => {
    const response = await ask(`${base}api/${path}`, { method, headers, ...(signal && { signal }) });
    if (!response.ok) throw new Refusal(response.status, await refusalBody(response));
    return response;
  };
  return {
    get: async <Body>(path: string, signal?: AbortSignal) => (await (await send("GET", path, signal)).json()) as Body,
    act: async <Body>(method: string, path: string) => (await (await send(method, path)).json()) as Body,
    async events(signal) {
      const { body } = await send("GET", "events", signal);
      if (body === null) throw new Error("the stream of events has no body");
      return body;
    },
    async readiness(signal) {
      // Not ready is an answer too: with status 503.
      const response = await ask(new URL("../readyz", base).href, signal ? { signal } : {});
      return (await response.json()) as Readiness;
    },
  };
}

async function refusalBody(response: Response): Promise<RefusalBody> {
  try {
    return (await response.json()) as RefusalBody;
  } catch {
    return {}; // a proxy's page in HTML: its status says enough
  }
}
