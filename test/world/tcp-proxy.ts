import type { Socket } from "bun";

/** Stands between a client and a Redis server, counts what is asked, and loses replies on demand. */
export type TcpProxy = Readonly<{
  port: number;
  /** Names of the commands that went through, in order, in upper case. */
  commands: string[];
  /** While true, what the server answers is thrown away: it did what it was asked, and nobody hears of it. */
  dropReplies(drop: boolean): void;
  /** Cuts every connection once. */
  cut(): void;
  stop(): void;
}>;

type Side = { peer: Socket<Side> | null; waiting: Uint8Array[]; commands: CommandReader | null };

export function tcpProxy(target: Readonly<{ port: number }>): TcpProxy {
  const commands: string[] = [];
  const open = new Set<Socket<Side>>();
  let dropping = false;
  const close = (socket: Socket<Side>) => {
    open.delete(socket);
    socket.data.peer?.end();
  };
  const listener = Bun.listen<Side>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      async open(client) {
        client.data = { peer: null, waiting: [], commands: commandReader((name) => commands.push(name)) };
        open.add(client);
        const server = await Bun.connect<Side>({
          hostname: "127.0.0.1",
          port: target.port,
          data: { peer: client, waiting: [], commands: null },
          socket: {
            data(_, bytes) {
              if (!dropping) client.write(bytes);
            },
            close: () => void client.end(),
          },
        }).catch(() => null);
        if (server === null) {
          client.end();
          return;
        }
        client.data.peer = server;
        for (const bytes of client.data.waiting) server.write(bytes);
      },
      data(client, bytes) {
        client.data.commands?.(bytes);
        if (client.data.peer) client.data.peer.write(bytes);
        else client.data.waiting.push(Uint8Array.from(bytes));
      },
      close,
    },
  });
  return {
    port: listener.port,
    commands,
    dropReplies(drop) {
      dropping = drop;
    },
    cut() {
      for (const socket of open) socket.end();
    },
    stop: () => listener.stop(true),
  };
}

type CommandReader = (bytes: Uint8Array) => void;

/** Reads RESP commands (arrays of bulk strings) out of a stream and tells the name of each. */
function commandReader(onCommand: (name: string) => void): CommandReader {
  let text = "";
  const next = (): boolean => {
    const head = /^\*(\d+)\r\n/.exec(text);
    if (!head) return false;
    let at = head[0].length;
    const words: string[] = [];
    for (let i = 0; i < Number(head[1]); i++) {
      const size = /^\$(\d+)\r\n/.exec(text.slice(at, at + 20));
      if (!size) return false;
      const from = at + size[0].length;
      at = from + Number(size[1]) + 2;
      if (text.length < at) return false;
      words.push(text.slice(from, at - 2));
    }
    text = text.slice(at);
    onCommand((words[0] ?? "").toUpperCase());
    return true;
  };
  return (bytes) => {
    text += Buffer.from(bytes).toString("latin1");
    while (next());
  };
}
