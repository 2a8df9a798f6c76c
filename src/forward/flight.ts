import type { Background } from "../core/background.ts";
import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/events.ts";
import type { LastCall } from "../core/last-call.ts";
import type { Ending } from "../session/lease.ts";
import type { Held } from "../session/slot.ts";
import type { Slots } from "../session/slots.ts";
import { type RequestEnd, type Story, tell } from "./finish.ts";
import type { Inbound } from "./inbound.ts";
import { type Stoppable, stoppable } from "./stoppable.ts";
import { trail } from "./trail.ts";

/** One request under way. Owns its stop and its client's lease; `land` gives both back and tells how it ended. */
export type Flight = Readonly<{
  inbound: Inbound;
  story: Story;
  /** Monotonic moment at which its body was here: until then it was the client that kept itself waiting. */
  tookOffMs: number;
  /** Stops everything of this request: the client left, a drain is over, an operator ended the session. */
  stop: Stoppable;
  /** Takes the client's lease over; one that comes after the landing is given back as if it had never been. */
  hold(held: Held): void;
  /** Takes what is to be called when it lands. */
  whenLanded(callback: () => void): void;
  /** Called once, when the last byte has gone to the client or nothing will. */
  land(end: RequestEnd, ending: Ending): void;
}>;

export type FlightDeps = Readonly<{
  clock: Clock;
  background: Background;
  observe: Observer;
  slots: Slots;
  /** Said when a shutdown has run out of patience. */
  lastCall: Pick<LastCall, "whenSaid">;
}>;

export function takeOff(deps: FlightDeps, inbound: Inbound): Flight {
  const owned = new DisposableStack();
  owned.defer(inbound.bodyDone);
  const stop = stoppable(deps.clock);
  stop.follow(inbound.signal);
  owned.defer(deps.lastCall.whenSaid(() => stop.stop("drain")));
  const protocol = inbound.protocol.name;
  const { requestId, arrivedMs, facts, client } = inbound;
  const story: Story = {
    inbound,
    trail: trail(deps, { requestId, protocol, arrivedMs }),
    ranking: null,
    contest: null,
    settlement: null,
    ttftMs: null,
  };
  let lease: Held | null = null;
  // Between two attempts a session holds no lease that could be ended; its request is told all the same.
  owned.defer(deps.slots.watch(inbound.session, () => stop.stop("session_ended")));
  owned.use(stop);
  deps.observe({
    kind: "request_arrived",
    requestId,
    client: client.name,
    protocol,
    model: facts.model,
    stream: facts.stream,
    session: inbound.session,
    wallMs: inbound.arrivedWallMs,
  });
  return {
    inbound,
    story,
    tookOffMs: deps.clock.monoMs(),
    stop,
    hold(held) {
      if (owned.disposed) held.release("reverted");
      else lease = held;
    },
    whenLanded: (callback) => owned.defer(callback),
    land(end, ending) {
      owned.dispose();
      lease?.release(ending);
      tell(deps, story, end);
    },
  };
}
