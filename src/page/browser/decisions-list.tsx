import type { Decision } from "./decisions.ts";
import { Empty, Section } from "./section.tsx";

type DecisionsProps = Readonly<{
  decisions: readonly Decision[];
  listening: boolean;
  onSeek(sought: string): void;
}>;

/** What the proxy decided since the page was opened, the newest first. */
export function Decisions({ decisions, listening, onSeek }: DecisionsProps) {
  return (
    <Section name="Decisions">
      {/* It scrolls by itself, also by the keyboard. */}
      <div class="scroll decisions" role="group" aria-label="Decisions, the newest first" tabIndex={0}>
        <ol>
          {decisions.map((decision, index) => (
            <li key={decisions.length - index}>
              <time dateTime={new Date(decision.timeMs).toISOString()}>
                {new Date(decision.timeMs).toLocaleTimeString()}
              </time>{" "}
              <span class={decision.tone}>{decision.text}</span>{" "}
              {decision.requestId === "" ? null : (
                <button type="button" class="link" onClick={() => onSeek(decision.requestId)}>
                  {decision.requestId}
                </button>
              )}
            </li>
          ))}
        </ol>
      </div>
      <Empty list={decisions} words={listening ? "none since this page was opened" : "not listening"} />
    </Section>
  );
}
