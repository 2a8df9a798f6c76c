import type { Told, Tone } from "../words/tone.ts";

/** A cell that is a string is plain. */
export type Cell = string | Told;

export type Column = Readonly<{ title: string; align?: "left" | "right" }>;

const CODES: Readonly<Record<Tone, number>> = { good: 32, warn: 33, bad: 31, dim: 2, strong: 1 };
const GAP = "  ";

/** Aligned columns under their titles, one row a line, no line ending at the end. */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[], colour: boolean): string {
  const titles = columns.map(({ title }): Cell => ({ text: title, tone: "dim" }));
  const lines = [titles, ...rows];
  const widths = columns.map((_, index) => Math.max(...lines.map((cells) => widthOf(cells[index] ?? ""))));
  return lines
    .map((cells) =>
      columns
        .map(({ align }, index) => {
          const cell = cells[index] ?? "";
          const padding = " ".repeat((widths[index] ?? 0) - widthOf(cell));
          return align === "right" ? padding + painted(cell, colour) : painted(cell, colour) + padding;
        })
        .join(GAP)
        .trimEnd(),
    )
    .join("\n");
}

/** A cell alone. What came from elsewhere (a model's name is a client's word) cannot steer the terminal. */
export function painted(cell: Cell, colour: boolean): string {
  const text = plain(cell);
  return typeof cell === "string" || !colour || text === "" ? text : `\u001b[${CODES[cell.tone]}m${text}\u001b[0m`;
}

function plain(cell: Cell): string {
  return (typeof cell === "string" ? cell : cell.text).replace(/\p{Cc}/gu, "�");
}

/** Columns of the terminal that it takes. */
function widthOf(cell: Cell): number {
  return Bun.stringWidth(plain(cell));
}
