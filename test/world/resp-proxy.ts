import type { Socket } from "bun";

/** A command as a client sent it through the proxy. */
export type Command = Readonly<{
  /** Name and arguments. */
  words: readonly string[];
  /** When it came, and when its reply was passed on (null: not yet), as places in one common order. */
  sentAt: number;
  answeredAt(): number | null;
}>;

/** Stands between its clients and a Redis server and understands both: counts commands, causes faults. */
export type RespProxy = Disposable &
  Readonly<{
    port: number;
    /** In order of arrival. */
    commands(): readonly Command[];
    /** From now on replies are kept back, in order, until `passReplies`. */
    holdReplies(): void;
    /** The same from the first command on of which this is so. */
    holdRepliesFrom(begins: (command: Command) => boolean): void;
    passReplies(): void;
    /** From now on replies are lost: the server does what it is asked, and nobody hears of it. */
    loseReplies(): void;
    /** From now on nobody is let through. */
    cutOff(): void;
    /** Lets everything through again, on new connections: no reply can be missing from the middle of one that lives. */
    mend(): void;
  }>;

export type RespProxyOptions = Readonly<{
  port: number;
  /** Changes what the server says, without changing its length. */
  alter?: (reply: string) => string;
}>;

/** One client's connection and the one to the server that belongs to it. */
type Link = {
  /** Null until the server has taken the connection; what comes before is kept. */
  server: Socket<Link> | null;
  client: Socket<Link> | null;
  early: string[];
  readonly commands: (text: string) => void;
  readonly replies: (text: string) => void;
};

export function respProxy({ port, alter = (reply) => reply }: RespProxyOptions): RespProxy {
  const counted: Command[] = [];
  let moment = 0;
  let mode: "pass" | "hold" | "lose" | "cut off" = "pass";
  let holdsFrom: (command: Command) => boolean = () => false;
  const kept: (() => void)[] = [];
  const open = new Set<Socket<Link>>();

  const link = (client: Socket<Link>): Link => {
    const unanswered: (() => void)[] = [];
    return {
      server: null,
      client,
      early: [],
      commands: valueReader((value) => {
        let answeredAt: number | null = null;
        const command = { words: wordsOf(value), sentAt: ++moment, answeredAt: () => answeredAt };
        counted.push(command);
        if (mode === "pass" && holdsFrom(command)) mode = "hold";
        unanswered.push(() => {
          answeredAt = ++moment;
        });
      }),
      replies: valueReader(() => unanswered.shift()?.()),
    };
  };
  const answer = (of: Link, text: string) => {
    const pass = () => {
      of.replies(text);
      of.client?.write(bytesOf(alter(text)));
    };
    if (mode === "pass") pass();
    else if (mode === "hold") kept.push(pass);
  };
  const end = (socket: Socket<Link>) => {
    open.delete(socket);
    socket.data.server?.end();
    socket.data.client?.end();
  };
  const endAll = () => {
    for (const socket of open) socket.terminate();
  };
  const listener = Bun.listen<Link>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      async open(client) {
        client.data = link(client);
        if (mode === "cut off") {
          client.terminate();
          return;
        }
        open.add(client);
        const socket = { data: (from: Socket<Link>, bytes: Buffer) => answer(from.data, latin1(bytes)), close: end };
        const server = await Bun.connect<Link>({ hostname: "127.0.0.1", port, data: client.data, socket }).catch(
          () => null,
        );
        if (server === null) return end(client);
        client.data.server = server;
        for (const text of client.data.early) server.write(bytesOf(text));
      },
      data(client, bytes) {
        const text = latin1(bytes);
        client.data.commands(text);
        if (client.data.server) client.data.server.write(bytesOf(text));
        else client.data.early.push(text);
      },
      close: end,
    },
  });
  return {
    port: listener.port,
    commands: () => counted,
    holdReplies() {
      mode = "hold";
    },
    holdRepliesFrom(begins) {
      holdsFrom = begins;
    },
    passReplies() {
      mode = "pass";
      holdsFrom = () => false;
      for (const pass of kept.splice(0)) pass();
    },
    loseReplies() {
      mode = "lose";
    },
    cutOff() {
      mode = "cut off";
      endAll();
    },
    mend() {
      mode = "pass";
      endAll();
    },
    [Symbol.dispose]() {
      listener.stop(true);
      endAll();
    },
  };
}

type Value = string | readonly Value[];

/** Reads the protocol's values out of a stream of text, and tells each when it is whole. */
function valueReader(onValue: (value: Value) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    rest += text;
    for (let read = valueAt(rest, 0); read !== null; read = valueAt(rest, 0)) {
      rest = rest.slice(read.end);
      onValue(read.value);
    }
  };
}

const MAP = "%";
/** Followed by as many values as they say, a map by pairs. */
const AGGREGATE = `*~>${MAP}`;
/** Followed by as many bytes as they say. */
const BULK = "$=!";

/** Null while the value is not whole. https://redis.io/docs/latest/develop/reference/protocol-spec/ */
function valueAt(text: string, at: number): Readonly<{ value: Value; end: number }> | null {
  const lineEnd = text.indexOf("\r\n", at);
  if (lineEnd < 0) return null;
  const [kind = "", line, next] = [text[at], text.slice(at + 1, lineEnd), lineEnd + 2];
  const size = Number(line);
  if (BULK.includes(kind) && size >= 0) {
    const end = next + size + 2;
    return text.length < end ? null : { value: text.slice(next, end - 2), end };
  }
  if (!AGGREGATE.includes(kind) || size < 0) return { value: line, end: next };
  const values: Value[] = [];
  let end = next;
  for (let left = kind === MAP ? 2 * size : size; left > 0; left--) {
    const read = valueAt(text, end);
    if (read === null) return null;
    values.push(read.value);
    end = read.end;
  }
  return { value: values, end };
}

function wordsOf(value: Value): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [String(value)];
}

/** One character a byte, so that lengths in the protocol are lengths of the text. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}
