import type { ProtocolName } from "../../src/protocol/protocol.ts";

export type Asking = Readonly<{
  stream?: boolean;
  /** Sent as `x-hedgerow-session`. */
  session?: string;
  model?: string;
  prompt?: string;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}>;

/** An answer read to its end, whatever that was. */
export type Heard = Readonly<{
  status: number;
  headers: Headers;
  /** All bytes as text, also those before a break. */
  body: string;
  /** What was said, taken out of the events. */
  said: string;
  /** The connection ended as HTTP wants it. */
  clean: boolean;
  /** The protocol's own end of an answer was seen. */
  terminal: boolean;
  /** The protocol's own error event, or error envelope, was seen. */
  error: boolean;
}>;

/** How one protocol is asked and understood by hand, where an SDK would hide the bytes. */
type Spoken = Readonly<{
  path(asking: Asking): string;
  body(asking: Asking): unknown;
  said: RegExp;
  /** For whole answers, where their text is marked otherwise. */
  saidWhole?: RegExp;
  terminal: RegExp;
  error: RegExp;
}>;

const messages = (asking: Asking) => [{ role: "user", content: asking.prompt ?? "What is a hedgerow?" }];
const modelOf = (asking: Asking) => asking.model ?? "model-1";

const SPOKEN: Readonly<Record<ProtocolName, Spoken>> = {
  anthropic: {
    path: () => "/v1/messages",
    body: (asking) => ({
      model: modelOf(asking),
      max_tokens: 64,
      stream: asking.stream ?? true,
      messages: messages(asking),
    }),
    said: /"type":"text(?:_delta)?","text":("(?:[^"\\]|\\.)*")/g,
    terminal: /"type":"message_stop"|"stop_reason":"/,
    error: /"type":"error"/,
  },
  "openai-chat": {
    path: () => "/v1/chat/completions",
    body: (asking) => ({ model: modelOf(asking), stream: asking.stream ?? true, messages: messages(asking) }),
    said: /"content":("(?:[^"\\]|\\.)*")/g,
    terminal: /data: \[DONE\]|"finish_reason":"/,
    error: /"error":\{/,
  },
  "openai-responses": {
    path: () => "/v1/responses",
    body: (asking) => ({
      model: modelOf(asking),
      stream: asking.stream ?? true,
      store: false,
      input: asking.prompt ?? "What is a hedgerow?",
    }),
    said: /"type":"response.output_text.delta".*?"delta":("(?:[^"\\]|\\.)*")/g,
    saidWhole: /"type":"output_text","text":("(?:[^"\\]|\\.)*")/g,
    terminal: /"type":"response.completed"|"status":"completed","error":null/,
    error: /"type":"error"|"error":\{|"type":"response.failed"/,
  },
  gemini: {
    path: (asking) =>
      `/v1beta/models/${modelOf(asking)}:${(asking.stream ?? true) ? "streamGenerateContent?alt=sse" : "generateContent"}`,
    body: (asking) => ({ contents: [{ role: "user", parts: [{ text: asking.prompt ?? "What is a hedgerow?" }] }] }),
    said: /"text":\s*("(?:[^"\\]|\\.)*")/g,
    terminal: /"finishReason":\s*"/,
    error: /"error":\s*\{/,
  },
};

/** What the simulated providers say unless told otherwise. */
export const PLAIN_TEXT = "The hedge grows along the row.";

export function pathFor(protocol: ProtocolName, asking: Asking = {}): string {
  return SPOKEN[protocol].path(asking);
}

export function bodyFor(protocol: ProtocolName, asking: Asking = {}): string {
  return JSON.stringify(SPOKEN[protocol].body(asking));
}

export function begin(url: string, protocol: ProtocolName, asking: Asking = {}): Promise<Response> {
  return fetch(url + pathFor(protocol, asking), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(asking.session === undefined ? {} : { "x-hedgerow-session": asking.session }),
      ...asking.headers,
    },
    body: bodyFor(protocol, asking),
    ...(asking.signal ? { signal: asking.signal } : {}),
  });
}

/** Asks and reads to the end; rejects only where no answer came at all. */
export async function ask(url: string, protocol: ProtocolName, asking: Asking = {}): Promise<Heard> {
  return hear(await begin(url, protocol, asking), protocol);
}

export async function hear(response: Response, protocol: ProtocolName): Promise<Heard> {
  const decoder = new TextDecoder();
  let body = "";
  let clean = true;
  try {
    for await (const bytes of response.body ?? []) body += decoder.decode(bytes, { stream: true });
  } catch {
    clean = false;
  }
  return { status: response.status, headers: response.headers, body, clean, ...understand(body, protocol) };
}

/** What a body says in its protocol's terms. */
export function understand(body: string, protocol: ProtocolName): Pick<Heard, "said" | "terminal" | "error"> {
  const spoken = SPOKEN[protocol];
  const said = body.startsWith("{") ? (spoken.saidWhole ?? spoken.said) : spoken.said;
  return {
    said: [...body.matchAll(said)].map((match) => JSON.parse(match[1] ?? '""') as string).join(""),
    terminal: spoken.terminal.test(body),
    error: spoken.error.test(body),
  };
}

/** Reads on until some text was heard; the answer stays open. */
export async function hearUntil(response: Response, text: string): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let heard = "";
  while (!heard.includes(text)) {
    const part = await reader?.read();
    if (!part?.value) throw new Error(`the stream ended before ${JSON.stringify(text)}: ${heard}`);
    heard += decoder.decode(part.value, { stream: true });
  }
  reader?.releaseLock();
  return heard;
}
