/**
 * A loopback port that nobody listens on, and that the system gives to nobody who does not ask for it by number, for a
 * minute: neither to the next who asks for a port nor to an outgoing connection. A probe that only listens and closes
 * does not do that: of twelve ports asked for so, two were the same in one case of a hundred. Here the listener's side
 * closes a connection first, which leaves the port in TIME_WAIT; a server's SO_REUSEADDR passes over that.
 */
export async function freePort(): Promise<number> {
  const closed = Promise.withResolvers<void>();
  const socket = { open: (accepted: Bun.Socket) => void accepted.end(), data() {} };
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket });
  await Bun.connect({
    hostname: "127.0.0.1",
    port: probe.port,
    socket: { data() {}, end: (own) => void own.end(), close: () => closed.resolve() },
  });
  await closed.promise;
  probe.stop(true);
  return probe.port;
}
