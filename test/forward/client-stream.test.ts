import { describe, expect, test } from "bun:test";
import { background } from "../../src/core/background.ts";
import { clientStream } from "../../src/forward/client-stream.ts";

const jobs = () =>
  background((_, error) => {
    throw error;
  });
const hello = new TextEncoder().encode("hello");

describe("the stream to a client", () => {
  test("says what is written, and ends", async () => {
    const stream = clientStream(new AbortController().signal, jobs(), async (write) => {
      await write(hello);
      await write(hello);
      return "end";
    });
    expect(await new Response(stream).text()).toBe("hellohello");
  });

  test("is reset where what it said is not whole", async () => {
    const stream = clientStream(new AbortController().signal, jobs(), async (write) => {
      await write(hello);
      return "reset";
    });
    expect(await new Response(stream).text().catch(() => "reset")).toBe("reset");
  });

  test.each(["before", "after"])(
    "runs its body with nobody to write to, when the client left %s it was made",
    async (when) => {
      const client = new AbortController();
      const all = jobs();
      let ran = 0;
      if (when === "before") client.abort();
      clientStream(client.signal, all, async (write) => {
        await write(hello);
        ran++;
        return "end";
      });
      if (when === "after") client.abort();
      await all.drained();
      expect(ran).toBe(1);
    },
  );

  test("runs its body once, however the client leaves", async () => {
    const client = new AbortController();
    let ran = 0;
    const stream = clientStream(client.signal, jobs(), async () => {
      ran++;
      return "end";
    });
    await new Response(stream).text();
    client.abort();
    expect(ran).toBe(1);
  });
});
