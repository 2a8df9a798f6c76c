import type { Calls } from "./calls.ts";
import type { Keys } from "./keys.ts";
import heartbeatText from "./lua/heartbeat.lua" with { type: "text" };
import { script } from "./script.ts";

/** How many instances share the store, as far as this one knows. */
export type Instances = Readonly<{
  /** Says that this one lives; rejects as every call to the store does. That it does not proves that the server takes writes, and is not full. */
  beat(): Promise<void>;
  /** Last seen, this one included; 1 until the store was seen. */
  known(): number;
  /** Says that this one is gone. */
  leave(): Promise<void>;
}>;

export type InstanceRules = Readonly<{
  calls: Calls;
  keys: Keys;
  instance: string;
  /** An instance that was silent for so long is not counted; whole milliseconds, several heartbeats. */
  silentMs: () => number;
}>;

const heartbeat = script("heartbeat", heartbeatText);

export function instances({ calls, keys, instance, silentMs }: InstanceRules): Instances {
  let known = 1;
  return {
    async beat() {
      const [, alive] = (await calls.run(heartbeat, [keys.instances], [0, instance, silentMs()])) as [number, number];
      known = alive;
    },
    known: () => known,
    async leave() {
      await calls.send("leave", keys.instances, (client, key) => client.zrem(key, instance));
    },
  };
}
