import { Badge } from "./badge.tsx";
import type { Snapshot } from "./snapshot.ts";
import type { Told } from "../../words/tone.ts";

type HeaderProps = Readonly<{ snapshot: Snapshot; onSignOut: (() => void) | null }>;

export function Header({ snapshot, onSignOut }: HeaderProps) {
  return (
    <header>
      <h1>Hedgerow</h1>
      <p class="badges" aria-live="polite">
        {standing(snapshot).map((told) => (
          <Badge key={told.text} told={told} />
        ))}
      </p>
      <nav aria-label="Sections">
        {SECTIONS.map((name) => (
          <a key={name} href={`#${name.toLowerCase()}`}>
            {name}
          </a>
        ))}
      </nav>
      {onSignOut === null ? null : (
        <button type="button" onClick={onSignOut}>
          Sign out
        </button>
      )}
    </header>
  );
}

const SECTIONS = ["Providers", "Requests", "Decisions", "Sessions", "Explain", "Config"] as const;

/** How the instance is, and whether what the page shows is of now. */
function standing({ silence, listening, readiness, config }: Snapshot): readonly Told[] {
  if (silence !== "") return [{ tone: "bad", text: `${silence}; what is shown was so before` }];
  if (readiness === null) return [{ tone: "dim", text: "connecting" }];
  const { ready, reasons, store } = readiness;
  return [
    ready
      ? { tone: "good", text: "ready" }
      : { tone: "bad", text: `not ready: ${reasons.map((reason) => reason.replaceAll("_", " ")).join(", ")}` },
    ...(store === "up" ? [] : [{ tone: "bad", text: `store ${store}` } as const]),
    ...(config?.reload?.result === "refused" ? [{ tone: "bad", text: "config refused" } as const] : []),
    listening ? { tone: "dim", text: "live" } : { tone: "warn", text: "asks every 2s" },
  ];
}
