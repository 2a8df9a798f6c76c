import type { Socket } from "bun";
import { type Background, background } from "../core/background.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { byteSource, type ByteSource, headerOf, readRequest, type WireRequest } from "./http-wire.ts";
import { type Outlet, play } from "./play.ts";
import type { Script } from "./script.ts";

export type SimulatedRequest = WireRequest &
  Readonly<{
    /** Counts from 1 in order of arrival. */
    serial: number;
    /** The first value under that name (lower case). */
    header(name: string): string | undefined;
    /** The body as text. */
    text(): string;
  }>;

/** Decides how a request is answered. A throw or a rejection resets the connection. */
export type Behave = (request: SimulatedRequest) => Script | Promise<Script>;

/** How an exchange ended: by its script, or by the peer leaving before that. */
export type ExchangeEnd = Readonly<{ how: "answered" | "cut" | "left"; afterMs: number }>;

/** A request and what became of it. */
export type Exchange = Readonly<{
  request: SimulatedRequest;
  /** Resolves with the end; never rejects. */
  ended: Promise<ExchangeEnd>;
  /** Null while it runs. */
  end(): ExchangeEnd | null;
}>;

/** A simulated upstream. Owns its listening socket and its connections until `close`. */
export type Simulator = Readonly<{
  /** `http://host:port`. */
  url: string;
  /** The latest exchanges, the oldest first, at most `keep`. */
  exchanges(): readonly Exchange[];
  /** Exchanges that run now. */
  running(): number;
  /** Requests that have arrived. */
  arrived(): number;
  connections(): number;
  /** Answers from now on differently. */
  behave(behave: Behave): void;
  /** Cuts every connection, stops listening, and resolves when nothing runs any more. */
  close(): Promise<void>;
}>;

export type SimulatorOptions = Readonly<{
  behave: Behave;
  host?: string;
  /** 0: one of the system's choice. */
  port?: number;
  clock?: Clock;
  /** Exchanges remembered, bodies included. */
  keep?: number;
}>;

const KEEP_DEFAULT = 2_000;

type Connection = Readonly<{ source: ByteSource; outlet: Outlet; left: AbortController; drained: () => void }>;

/** What all connections share. */
type House = {
  readonly clock: Clock;
  readonly keep: number;
  readonly exchanges: Exchange[];
  behave: Behave;
  arrived: number;
  running: number;
};

export function startSimulator(options: SimulatorOptions): Simulator {
  const house: House = {
    clock: options.clock ?? systemClock,
    keep: options.keep ?? KEEP_DEFAULT,
    exchanges: [],
    behave: options.behave,
    arrived: 0,
    running: 0,
  };
  const sockets = new Set<Socket<Connection>>();
  const running = background(() => {});
  const leave = (socket: Socket<Connection>) => {
    sockets.delete(socket);
    socket.data.left.abort(new Error("the peer left"));
    socket.data.source.end();
    socket.data.drained();
  };
  const listener = Bun.listen<Connection>({
    hostname: options.host ?? "127.0.0.1",
    port: options.port ?? 0,
    socket: {
      open(socket) {
        sockets.add(socket);
        open(socket, house, running);
      },
      data: (socket, bytes) => socket.data.source.push(bytes),
      drain: (socket) => socket.data.drained(),
      end: leave,
      close: leave,
      error: leave,
    },
  });
  return {
    url: `http://${listener.hostname}:${listener.port}`,
    exchanges: () => house.exchanges,
    running: () => house.running,
    arrived: () => house.arrived,
    connections: () => sockets.size,
    behave: (behave) => {
      house.behave = behave;
    },
    async close() {
      listener.stop(true);
      for (const socket of sockets) socket.terminate();
      await running.drained();
    },
  };
}

function open(socket: Socket<Connection>, house: House, running: Background): void {
  let wake = () => {};
  const left = new AbortController();
  const outlet: Outlet = {
    left: left.signal,
    async write(bytes) {
      let sent = 0;
      while (sent < bytes.length && !left.signal.aborted) {
        const drained = new Promise<void>((resolve) => {
          wake = resolve;
        });
        sent += Math.max(0, socket.write(bytes.subarray(sent)));
        if (sent < bytes.length) await drained;
      }
    },
    finish: () => socket.end(),
    reset: () => socket.terminate(),
  };
  socket.setNoDelay(true);
  socket.data = { source: byteSource(), outlet, left, drained: () => wake() };
  running.track("connection", serve(socket.data, house));
}

/** One request after the other, until the peer leaves or an answer ends the connection. */
async function serve(connection: Connection, house: House): Promise<void> {
  const { source, outlet, left } = connection;
  for (;;) {
    const wire = await readRequest(source).catch(() => null);
    if (!wire) return outlet.finish();
    const request: SimulatedRequest = {
      ...wire,
      serial: ++house.arrived,
      header: (name) => headerOf(wire.headers, name),
      text: () => new TextDecoder().decode(wire.body),
    };
    const exchange = begin(request, house);
    const how = await answer(request, house.behave, outlet, house.clock);
    exchange.settle(left.signal.aborted && how !== "cut" ? "left" : how === "cut" ? "cut" : "answered");
    if (how !== "kept") return;
    if (request.header("connection")?.toLowerCase() === "close") return outlet.finish();
  }
}

async function answer(request: SimulatedRequest, behave: Behave, outlet: Outlet, clock: Clock) {
  try {
    return await play(await behave(request), outlet, clock);
  } catch {
    // The peer left while the script waited, or the behaviour itself is broken: a reset shows either.
    outlet.reset();
    return "closed";
  }
}

function begin(request: SimulatedRequest, house: House): Readonly<{ settle(how: ExchangeEnd["how"]): void }> {
  const startedMs = house.clock.monoMs();
  const { promise, resolve } = Promise.withResolvers<ExchangeEnd>();
  let end: ExchangeEnd | null = null;
  house.running += 1;
  house.exchanges.push({ request, ended: promise, end: () => end });
  if (house.exchanges.length > house.keep) house.exchanges.shift();
  return {
    settle(how) {
      end = { how, afterMs: house.clock.monoMs() - startedMs };
      house.running -= 1;
      resolve(end);
    },
  };
}
