import type { RequestView } from "../../http/admin/views.ts";
import { counted } from "../../words/counted.ts";
import { durationText } from "../../words/duration-text.ts";
import { useMemo } from "preact/hooks";
import { type Figures, figuresOf } from "./figures.ts";

/** What the last requests have in common, at a glance. */
export function FigureRow({ requests }: Readonly<{ requests: readonly RequestView[] | null }>) {
  const figures = useMemo(() => figuresOf(requests ?? []), [requests]);
  return (
    <dl class="figures" aria-label={`The last ${counted(figures.requests, "request")}`}>
      {tiles(figures).map(({ name, value, more }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
          <dd class="dim">{more}</dd>
        </div>
      ))}
    </dl>
  );
}

type Tile = Readonly<{ name: string; value: string; more: string }>;

function tiles(figures: Figures): readonly Tile[] {
  const { input, output, estimated } = figures.lostTokens;
  return [
    {
      name: "Answered",
      value: percent(figures.answered),
      more: `of the last ${counted(figures.requests, "request")}`,
    },
    {
      name: "First token",
      value: milliseconds(figures.ttftP50),
      more: `median; 99 % within ${milliseconds(figures.ttftP99)}`,
    },
    {
      name: "Hedged",
      value: percent(figures.hedged),
      more: figures.hedgesWon === null ? "none so far" : `the hedge won ${percent(figures.hedgesWon)} of them`,
    },
    {
      name: "Losers' tokens",
      value: `${input.toLocaleString()} in`,
      more: `${output.toLocaleString()} out${estimated ? ", partly estimated" : ""}`,
    },
  ];
}

function percent(share: number | null): string {
  if (share === null) return "–";
  // The nearer to all, the more a digit says.
  return `${Number((100 * share).toFixed(share > 0.99 ? 2 : 1))} %`;
}

function milliseconds(ms: number | null): string {
  return ms === null ? "–" : durationText(ms);
}
