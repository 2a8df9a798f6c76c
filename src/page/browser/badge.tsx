import type { Told } from "../../words/tone.ts";

/** Words whose colour says only what they say anyway. */
export function Badge({ told: { tone, text } }: Readonly<{ told: Told }>) {
  return <span class={`badge ${tone}`}>{text}</span>;
}
