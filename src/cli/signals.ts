import type { Signals } from "./serve.ts";

/**
 * SIGTERM and SIGINT stop; a second one exits at once, whatever still runs. SIGHUP reloads. SIGUSR1 and SIGUSR2, which
 * tools for log files send to servers, mean nothing here: by default they would end the process. A pipe that closes on us
 * (EPIPE comes as SIGPIPE's error, not as the signal) is the writer's to notice.
 */
export const processSignals: Signals = (on) => {
  let told = false;
  const stop = () => {
    if (told) process.exit(1);
    told = true;
    on.stop();
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGHUP", on.reload);
  process.on("SIGUSR1", () => {});
  process.on("SIGUSR2", () => {});
  process.off("SIGHUP", early.heard);
  if (early.hangups > 0) on.reload();
};

/** Hangups that came before anybody asked for signals. */
const early = {
  hangups: 0,
  heard() {
    early.hangups++;
  },
};

/**
 * A server that is still starting must not be ended by whoever tells it to reload. Only a server: for any other verb a
 * hangup is the terminal that went away.
 */
export function keepHangups(argv: readonly string[]): void {
  const [verb = "serve"] = argv;
  if (verb === "serve" || verb.startsWith("-")) process.on("SIGHUP", early.heard);
}
