import { readdirSync } from "node:fs";
import { Counter, Gauge, type Registry } from "prom-client";

/**
 * The process's own figures under Prometheus' standard names. prom-client's collection of defaults is not used: it
 * samples the event loop every 10 ms for as long as the process lives, and asks for figures this runtime has not.
 */
export function processMetrics(registry: Registry, startedWallMs: number): void {
  gauge(registry, "process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss());
  gauge(registry, "process_start_time_seconds", "Seconds since 1970.", () => startedWallMs / 1_000);
  gauge(registry, "process_open_fds", "Open file descriptors.", openFileDescriptors);
  const cpu = new Counter({
    name: "process_cpu_seconds_total",
    help: "User and system CPU time.",
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
    registers: [],
  });
  registry.registerMetric(cpu);
}

function gauge(registry: Registry, name: string, help: string, read: () => number | null): void {
  const metric = new Gauge({
    name,
    help,
    collect() {
      const value = read();
      if (value !== null) this.set(value);
    },
    registers: [],
  });
  registry.registerMetric(metric);
}

/** Null where the system has no /proc. */
function openFileDescriptors(): number | null {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return null;
  }
}
