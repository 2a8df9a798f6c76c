import { levels, plain, type Row } from "./row.ts";

const chunk = (choices: readonly unknown[], more: Readonly<Record<string, unknown>> = {}) => ({
  id: "chatcmpl-CQ1d9Vb5Hk2TgE0J3nQhYw8rYc1aK",
  object: "chat.completion.chunk",
  created: 1760000000,
  model: "gpt-5-mini-2025-08-07",
  service_tier: "default",
  system_fingerprint: null,
  choices,
  usage: null,
  obfuscation: "6wCuyGp0",
  ...more,
});
const choice = (delta: unknown, finish_reason: string | null = null, index = 0) => ({
  index,
  delta,
  logprobs: null,
  finish_reason,
});
const delta = (delta: unknown, finish: string | null = null) => chunk([choice(delta, finish)]);
export const role = delta({ role: "assistant", content: "", refusal: null });
export const hello = delta({ content: "Hello" });
export const usage = chunk([], {
  usage: {
    prompt_tokens: 2006,
    completion_tokens: 300,
    total_tokens: 2306,
    prompt_tokens_details: { cached_tokens: 1920, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 256 },
  },
});
const finish = (reason: string) => delta({}, reason);
const azureFilter = {
  ...chunk([], { id: "", model: "", created: 0, object: "" }),
  prompt_filter_results: [{ prompt_index: 0, content_filter_results: { hate: { filtered: false, severity: "safe" } } }],
};
const call = (fields: unknown) =>
  delta({ tool_calls: [{ index: 0, id: "call_DdmO9pD3xa9XTPNJ32zg2hcA", type: "function", function: fields }] });
const openRouter = ": OPENROUTER PROCESSING\n\n";

const contents: readonly Row[] = [
  {
    what: "text",
    stream: plain(role, hello, delta({ content: "!" }), finish("stop"), usage, "[DONE]"),
    levels: levels("started content"),
    ended: true,
  },
  {
    what: "OpenRouter's comments",
    stream: openRouter + openRouter + plain(role) + openRouter + plain(hello, finish("stop"), "[DONE]"),
    levels: levels("liveness liveness started liveness content"),
    ended: true,
  },
  {
    what: "Azure's empty choices",
    stream: plain(azureFilter, role, hello, finish("stop"), "[DONE]"),
    levels: levels("accepted started content"),
    ended: true,
  },
  {
    what: "an empty delta first",
    stream: plain(delta({}), delta({ role: "assistant", content: null }), hello, finish("stop"), "[DONE]"),
    levels: levels("started started content"),
    ended: true,
  },
  {
    what: "an object of another kind",
    stream: plain({ object: "keepalive" }, role, hello, finish("stop"), "[DONE]"),
    levels: levels("neutral started content"),
    ended: true,
  },
  ...Object.entries({
    refusal: "I can't help with that.",
    reasoning_content: "The user greets",
    reasoning: "The user greets",
    reasoning_details: [{ type: "reasoning.text", text: "The user", format: "anthropic-claude-v1", index: 0 }],
    images: [{ type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } }],
    audio: { id: "audio_68", data: "UklGRg==" },
  }).map(([field, value]) => ({
    what: `${field} before text`,
    stream: plain(
      role,
      delta({ role: "assistant", content: "", [field]: value }),
      hello,
      finish("stop"),
      usage,
      "[DONE]",
    ),
    levels: levels("started content"),
    ended: true,
  })),
  {
    what: "an audio transcript",
    stream: plain(role, delta({ audio: { id: "audio_68", transcript: "Hel" } }), finish("stop"), "[DONE]"),
    levels: levels("started content"),
    ended: true,
  },
];

const calls: readonly Row[] = [
  {
    what: "a tool call with arguments",
    stream: plain(role, call({ name: "get_time", arguments: "" }), call({ arguments: '{"tz' }), finish("tool_calls")),
    levels: levels("started started content"),
    ended: true,
  },
  {
    what: "a tool call without arguments",
    stream: plain(role, call({ name: "get_time", arguments: "" }), finish("tool_calls"), usage, "[DONE]"),
    levels: levels("started started definitive"),
    ended: true,
  },
  {
    what: "a custom tool's input",
    stream: plain(
      role,
      delta({ tool_calls: [{ index: 0, id: "call_1", type: "custom", custom: { name: "sh", input: "" } }] }),
      delta({ tool_calls: [{ index: 0, custom: { input: "ls" } }] }),
      finish("tool_calls"),
      "[DONE]",
    ),
    levels: levels("started started content"),
    ended: true,
  },
  {
    what: "a function call of the older kind",
    stream: plain(role, delta({ function_call: { name: "f", arguments: "" } }), finish("function_call"), "[DONE]"),
    levels: levels("started started definitive"),
    ended: true,
  },
];

const ends: readonly Row[] = [
  ...["length", "content_filter"].map((reason) => ({
    what: `no content and ${reason}`,
    stream: plain(role, finish(reason), usage, "[DONE]"),
    levels: levels("started definitive"),
    ended: true,
  })),
  {
    what: "no content and stop",
    stream: plain(role, finish("stop"), usage, "[DONE]"),
    levels: levels("started held"),
    ended: true,
  },
  { what: "nothing but [DONE]", stream: plain("[DONE]"), levels: levels("held"), ended: true },
  {
    what: "a finish but no [DONE]",
    stream: plain(role, hello, finish("stop")),
    levels: levels("started content"),
    ended: true,
  },
  {
    what: "no final blank line",
    stream: plain(role, hello, "[DONE]").trimEnd(),
    levels: levels("started content"),
    ended: true,
  },
  {
    what: "one of two choices finished",
    stream: plain(role, hello, chunk([choice({ content: "Salut" }, null, 1)]), finish("stop")),
    levels: levels("started content"),
    ended: false,
  },
  {
    what: "two choices finished",
    stream: plain(
      role,
      hello,
      chunk([choice({ content: "Salut" }, null, 1)]),
      finish("stop"),
      chunk([choice({}, "stop", 1)]),
    ),
    levels: levels("started content"),
    ended: true,
  },
  { what: "no terminal event", stream: plain(role, hello), levels: levels("started content"), ended: false },
];

const failure = (error: unknown) => ({ error });
const errors: readonly Row[] = [
  {
    what: "an error chunk",
    stream: plain(role, failure({ message: "The server had an error", type: "server_error", param: null, code: null })),
    levels: levels("started error"),
    error: { type: "server_error", status: 500 },
    ended: false,
  },
  {
    what: "an event named error",
    stream: `event: error\n${plain({ message: "The server is overloaded", type: "server_error", code: "slow_down" })}`,
    levels: levels("error"),
    error: { type: "slow_down", status: 503 },
    ended: false,
  },
  {
    what: "a rate limit that says when to come back",
    stream: plain(
      failure({ message: "Please try again in 1.2s.", type: "tokens", param: null, code: "rate_limit_exceeded" }),
    ),
    levels: levels("error"),
    error: { type: "rate_limit_exceeded", status: 429, retryAfterMs: 1_200 },
    ended: false,
  },
  {
    what: "a prompt that Azure's filter stopped",
    stream: plain(
      failure({ message: "The response was filtered", type: null, param: "prompt", code: "content_filter" }),
    ),
    levels: levels("error"),
    error: { type: "content_filter", status: 400, policy: true },
    ended: false,
  },
  {
    what: "OpenRouter's error with a number for a code",
    stream: plain(
      chunk([choice({ content: "" }, "error")], { error: { code: 502, message: "Provider disconnected" } }),
    ),
    levels: levels("error"),
    error: { type: "", status: 502 },
    ended: false,
  },
];

export const chatRows: readonly Row[] = [...contents, ...calls, ...ends, ...errors];
