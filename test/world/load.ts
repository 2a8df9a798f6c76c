import { PROTOCOL_NAMES } from "../../src/protocol/protocol.ts";
import { ask, type Heard, PLAIN_TEXT } from "./http.ts";

/** Clients that stream one answer after the other, in all protocols, until they are told to stop. */
export type Load = Readonly<{
  /** Answers heard to their end. */
  streams(): number;
  /** All that was not a whole good answer. */
  wrong: readonly (Heard | Error)[];
  /** Begins no more; resolves when those that run have ended. */
  stop(): Promise<void>;
}>;

export function streamingLoad(url: string, clients: number): Load {
  const over = new AbortController();
  const wrong: (Heard | Error)[] = [];
  let streams = 0;
  const client = async (name: number) => {
    for (let turn = 0; !over.signal.aborted; turn++) {
      const protocol = PROTOCOL_NAMES[(name + turn) % PROTOCOL_NAMES.length] ?? "anthropic";
      try {
        const heard = await ask(url, protocol, { session: `s${name}-${turn % 3}` });
        streams++;
        if (heard.said !== PLAIN_TEXT || !heard.clean || !heard.terminal || heard.error) wrong.push(heard);
      } catch (error) {
        wrong.push(error as Error);
        return;
      }
    }
  };
  const running = Promise.all(Array.from({ length: clients }, (_, name) => client(name)));
  return {
    streams: () => streams,
    wrong,
    async stop() {
      over.abort();
      await running;
    },
  };
}
