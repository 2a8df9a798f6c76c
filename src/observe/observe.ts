import type { Observer, ProxyEvent } from "../core/events.ts";

/** What is shown of a model name: the client sends it, so its length is anybody's choice and records are kept. */
const MODEL_CHARS_MAX = 200;

/**
 * One observer in front of all sinks, by name. A sink that throws is told to `onBroken`, the first time only (a broken
 * log would otherwise write a line about itself for every line), and hurts neither the others nor the caller.
 */
export function observer(
  sinks: Readonly<Record<string, Observer>>,
  onBroken: (sink: string, error: unknown) => void,
): Observer {
  const entries = Object.entries(sinks);
  const broken = new Set<string>();
  return (event) => {
    const bounded = withBoundedModel(event);
    for (const [name, sink] of entries) {
      try {
        sink(bounded);
      } catch (error) {
        if (broken.has(name)) continue;
        broken.add(name);
        onBroken(name, error);
      }
    }
  };
}

function withBoundedModel(event: ProxyEvent): ProxyEvent {
  if (event.kind === "request_finished") {
    if (event.record.model.length <= MODEL_CHARS_MAX) return event;
    return { ...event, record: { ...event.record, model: clipped(event.record.model) } };
  }
  if (event.kind !== "request_arrived" && event.kind !== "cooldown") return event;
  return event.model.length <= MODEL_CHARS_MAX ? event : { ...event, model: clipped(event.model) };
}

function clipped(model: string): string {
  return `${model.slice(0, MODEL_CHARS_MAX)}…`;
}
