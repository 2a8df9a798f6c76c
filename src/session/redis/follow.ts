import { Redis } from "ioredis";
import type { Secret } from "../../core/secret.ts";
import type { HostPort, Tls } from "./connect.ts";

export type FollowRules = Readonly<{
  /** Of the master. */
  name: string;
  sentinels: readonly HostPort[];
  /** Of the sentinels. */
  username: string | undefined;
  password: Secret | undefined;
  tls: Tls;
}>;

const SWITCHED = "+switch-master";
/** A sentinel that is away is asked for its word so often; the others have theirs. */
const AGAIN_MS = 5000;

/**
 * Leaves a master as soon as a sentinel says that it is one no more; the client then asks the sentinels for the new one.
 * A master that was demoted while it lives hears of it last: for ten seconds it goes on to take writes, all of which are
 * lost when it hears, and instances that connect meanwhile count elsewhere.
 * Listens only while there is a connection to be left, so that nothing is to be closed with the client.
 */
export function follow(client: Redis, rules: FollowRules): void {
  client.on("ready", () => {
    const listening = rules.sentinels.map((sentinel) => listen(sentinel, rules, leave));
    client.once("close", () => {
      for (const one of listening) one.disconnect();
    });
  });
  const leave = (host: string, port: number) => {
    if (client.status !== "ready") return; // it asks anew in any case, and is not to be disturbed in that
    const { remoteAddress, remotePort } = client.stream;
    if (host !== remoteAddress || port !== remotePort) client.disconnect(true); // else another sentinel was first
  };
}

/** https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/#pubsub-messages */
function listen(
  sentinel: HostPort,
  { name, username, password, tls }: FollowRules,
  onSwitched: (host: string, port: number) => void,
): Redis {
  const listener = new Redis({
    ...sentinel,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: password.reveal() }),
    ...(tls === null ? {} : { tls }),
    connectionName: "hedgerow",
    protocol: 2,
    enableReadyCheck: false,
    disableClientInfo: true,
    maxRetriesPerRequest: null,
    retryStrategy: () => AGAIN_MS,
  });
  listener.on("error", () => {}); // where none of them can be heard, a master is left when it closes the connection
  listener.on("message", (_channel, text: string) => {
    const [master, , , host = "", port = ""] = text.split(" ");
    if (master === name) onSwitched(host, Number(port));
  });
  listener.subscribe(SWITCHED).catch(() => {}); // closed before it was connected, or a user who may not
  return listener;
}
