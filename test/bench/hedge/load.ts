/**
 * `load.ts URL CELL REQUESTS MEAN_GAP_MS`: Poisson arrivals that wait for no answer. Tells its parent, request by request,
 * how long the first content took from the moment it was due to be sent, so that a generator that lags hides nothing.
 */
import { argv } from "node:process";
import { chance, SEED } from "./chance.ts";

export type Told = Readonly<{
  /** From due to first content. */
  contentMs: readonly number[];
  /** From due to sent: how late the generator itself was. */
  lateMs: readonly number[];
  failures: number;
}>;

const [url = "", cell = "", requests = "0", meanGapMs = "0"] = argv.slice(2);
const { gapMs } = chance(SEED);
const PROMPT_BYTES = 4_000;
const body = JSON.stringify({
  model: "claude-sonnet-4-5",
  max_tokens: 1_000,
  stream: true,
  messages: [{ role: "user", content: "x".repeat(PROMPT_BYTES) }],
});
const CONTENT = "event: content_block_delta";
const END = "event: message_stop";

/** Reads a stream to its end; answers when its first content came, or null where it is not whole. */
async function contentAtMs(request: string): Promise<number | null> {
  const answer = await fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "anthropic-version": "2023-06-01",
      "x-claude-code-session-id": request,
      "x-bench-request": request,
    },
    body,
  });
  let text = "";
  let atMs: number | null = null;
  const decoder = new TextDecoder();
  for await (const bytes of answer.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (atMs === null && text.includes(CONTENT)) atMs = performance.now();
  }
  return answer.status === 200 && text.includes(END) ? atMs : null;
}

const contentMs: number[] = [];
const lateMs: number[] = [];
let failures = 0;

async function one(request: string, dueMs: number): Promise<void> {
  lateMs.push(performance.now() - dueMs);
  const atMs = await contentAtMs(request).catch(() => null);
  if (atMs === null) failures++;
  else contentMs.push(atMs - dueMs);
}

const running: Promise<void>[] = [];
let dueMs = performance.now();
for (let sent = 0; sent < Number(requests); sent++) {
  const request = `${cell}-${sent}`;
  dueMs += gapMs(request, Number(meanGapMs));
  const waitMs = dueMs - performance.now();
  if (waitMs > 0) await Bun.sleep(waitMs);
  running.push(one(request, dueMs));
}
await Promise.all(running);
process.send?.({ contentMs, lateMs, failures } satisfies Told);
