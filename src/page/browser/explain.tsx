import { useState } from "preact/hooks";
import type { ExplainView } from "../../http/admin/views.ts";
import { PROTOCOL_NAMES } from "../../protocol/protocol.ts";
import { durationText } from "../../words/duration-text.ts";
import { outWords, whyWords } from "../../words/ranking-words.ts";
import { type Admin, Refusal } from "./admin.ts";
import { Section } from "./section.tsx";

type Answer = Readonly<{ kind: "view"; view: ExplainView }> | Readonly<{ kind: "refused"; message: string }>;

const FIELDS = [
  { name: "model", words: "Model", required: true },
  { name: "client", words: "Client", required: false },
  { name: "session", words: "Session", required: false },
] as const;

/** Who would be asked for a request like this one, as things stand. */
export function Explain({ admin }: Readonly<{ admin: Admin }>) {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const find = async (form: HTMLFormElement) => {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form))
      if (typeof value === "string" && value !== "") query.set(name, value);
    try {
      setAnswer({ kind: "view", view: await admin.get<ExplainView>(`explain?${query.toString()}`) });
    } catch (error) {
      setAnswer({ kind: "refused", message: error instanceof Refusal ? error.message : "no answer from the instance" });
    }
  };
  const form = (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void find(event.currentTarget);
      }}
    >
      <label>
        Protocol
        <select name="protocol">
          {PROTOCOL_NAMES.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      {FIELDS.map(({ name, words, required }) => (
        <label key={name}>
          {words}
          <input name={name} required={required} />
        </label>
      ))}
      <button type="submit">Who would be asked?</button>
    </form>
  );
  return (
    <Section name="Explain" aside={form}>
      <div aria-live="polite">
        {answer?.kind === "refused" ? <p class="bad">{answer.message}</p> : null}
        {answer?.kind === "view" ? <Order view={answer.view} /> : null}
      </div>
    </Section>
  );
}

function Order({ view: { order, out } }: Readonly<{ view: ExplainView }>) {
  return (
    <>
      {order.length === 0 ? <p class="bad">nobody would be asked</p> : null}
      <ol>
        {order.map(({ provider, why, hedge_after_ms }) => (
          <li key={provider}>
            <strong>{provider}</strong> {whyWords(why)},{" "}
            {hedge_after_ms === null ? "no hedge" : `hedge after ${durationText(hedge_after_ms)}`}
          </li>
        ))}
      </ol>
      <ul class="dim">
        {out.map(({ provider, reason, back_in_ms }) => (
          <li key={provider}>
            {provider}: {outWords(reason)}
            {back_in_ms > 0 ? `, back in ${durationText(back_in_ms)}` : ""}
          </li>
        ))}
      </ul>
    </>
  );
}
