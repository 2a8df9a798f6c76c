import type { ExplainView } from "../http/admin/views.ts";
import { durationText } from "../words/duration-text.ts";
import { outWords, whyWords } from "../words/ranking-words.ts";
import { drawing, type ExitCode, type RemoteVerb, showOnce, type World } from "./remote.ts";
import { type Cell, painted, table } from "./table.ts";

/** The request that is asked about, as the command line says it. */
export type Question = Readonly<{
  protocol: string;
  model: string;
  client: string | null;
  /** Its own id, or its hash. */
  session: string | null;
}>;

/** `hedgerow explain --url U`: as a running instance would decide now, its health included. */
export function explainRunning(verb: RemoteVerb & Question, world: World): Promise<ExitCode> {
  const query = new URLSearchParams({ protocol: verb.protocol, model: verb.model });
  if (verb.client !== null) query.set("client", verb.client);
  if (verb.session !== null) query.set("session", verb.session);
  const text = (body: unknown) => explainText(body as ExplainView, world.terminal.colour);
  const draw = drawing(verb, world.clock, { call: (client) => client.get(`explain?${query.toString()}`), text });
  return showOnce(draw, world);
}

/** `hedgerow explain -c F`: as the config alone decides, everybody in health. */
export function printExplain(view: ExplainView, { json, world }: { json: boolean; world: World }): void {
  const text = json ? JSON.stringify(view, null, 2) : explainText(view, world.terminal.colour);
  world.terminal.write(`${text}\n`);
}

export function explainText({ order, out }: ExplainView, colour: boolean): string {
  const asked = order.map(({ provider, why, hedge_after_ms }, index): readonly Cell[] => [
    String(index + 1),
    { text: provider, tone: "strong" },
    whyWords(why),
    hedge_after_ms === null ? "no hedge" : `hedge after ${durationText(hedge_after_ms)}`,
  ]);
  const left = out.map(({ provider, reason, back_in_ms }): readonly Cell[] => [
    "-",
    { text: provider, tone: "dim" },
    outWords(reason) + (back_in_ms > 0 ? `, back in ${durationText(back_in_ms)}` : ""),
    "",
  ]);
  const columns = [{ title: "#", align: "right" as const }, { title: "PROVIDER" }, { title: "WHY" }, { title: "" }];
  const rows = table(columns, [...asked, ...left], colour);
  return order.length > 0 ? rows : `${painted({ text: "nobody would be asked", tone: "bad" }, colour)}\n${rows}`;
}
