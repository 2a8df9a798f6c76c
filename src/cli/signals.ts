import type { Signals } from "./serve.ts";

/**
 * SIGTERM and SIGINT stop; a second one exits at once, whatever still runs. SIGHUP reloads. A pipe that closes on us
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
};
