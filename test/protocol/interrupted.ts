/** A server whose answers are `head`, then, when the client has said that it heard it, `ending`, then a clean end. */
export type Interrupted = AsyncDisposable & Readonly<{ url: string; heard(): void }>;

/** `contentType` is that of the answer; nothing of it is sent together with `ending`. */
export function interrupted(contentType: string, head: string, ending: Uint8Array): Interrupted {
  const heard = Promise.withResolvers<void>();
  async function* body() {
    yield new TextEncoder().encode(head);
    await heard.promise;
    yield ending;
  }
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response(body(), { headers: { "content-type": contentType } }),
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    heard: heard.resolve,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** What a client got of an interrupted stream: its items, and the error it ended with or null. */
export async function listened<Item>(
  stream: AsyncIterable<Item>,
  from: Interrupted,
): Promise<Readonly<{ items: readonly Item[]; error: unknown }>> {
  const items: Item[] = [];
  try {
    for await (const item of stream) {
      items.push(item);
      from.heard();
    }
    return { items, error: null };
  } catch (error) {
    return { items, error };
  }
}
