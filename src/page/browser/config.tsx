import type { ConfigView, ReloadView } from "../../http/admin/views.ts";
import type { Admin } from "./admin.ts";
import type { Act } from "./overview.tsx";
import { Section } from "./section.tsx";

type ConfigProps = Readonly<{ config: ConfigView | null; admin: Admin; act: Act }>;

export function Config({ config, admin, act }: ConfigProps) {
  const reload = () =>
    act(async () => {
      const { result, notes } = await admin.act<ReloadView>("POST", "reload");
      return [`config ${result}`, ...notes].join("\n");
    });
  return (
    <Section
      name="Config"
      aside={
        <button type="button" onClick={reload}>
          Reload
        </button>
      }
    >
      {config === null ? <p class="dim">…</p> : <InForce config={config} />}
    </Section>
  );
}

function InForce({ config: { file, time_ms, reload, config } }: Readonly<{ config: ConfigView }>) {
  return (
    <>
      <p>
        <code>{file}</code>, in force since {new Date(time_ms).toLocaleString()}
      </p>
      {reload === null ? null : <LastReload reload={reload} />}
      <details>
        <summary>As it is in force, with all defaults; secrets are stars</summary>
        <pre tabIndex={0} aria-label="The config in force">
          {JSON.stringify(config, null, 2)}
        </pre>
      </details>
    </>
  );
}

function LastReload({ reload }: Readonly<{ reload: NonNullable<ConfigView["reload"]> }>) {
  const { result, problems, notes, time_ms } = reload;
  return (
    <>
      <p class={result === "refused" ? "bad" : ""}>
        last reload at {new Date(time_ms).toLocaleString()}: {result}
        {result === "refused" ? ", the last good config stays in force" : ""}
      </p>
      <ul>
        {[...problems, ...notes].map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </>
  );
}
