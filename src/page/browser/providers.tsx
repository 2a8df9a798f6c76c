import type { ProviderView } from "../../http/admin/views.ts";
import { durationText } from "../../words/duration-text.ts";
import { hedgeAfterWords, hedgesWonWords, isFull, ofLimitWords, stateWords } from "../../words/provider-words.ts";
import type { Admin } from "./admin.ts";
import { Badge } from "./badge.tsx";
import { Empty, Section } from "./section.tsx";
import type { Act } from "./overview.tsx";

type ProvidersProps = Readonly<{ providers: readonly ProviderView[] | null; admin: Admin; act: Act }>;

export function Providers({ providers, admin, act }: ProvidersProps) {
  return (
    <Section name="Providers">
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>Provider</th>
              <th>State</th>
              <th>Sessions</th>
              <th>Requests</th>
              <th class="number">Leases here</th>
              <th>Hedge after</th>
              <th>Hedges won</th>
              <th>Override</th>
            </tr>
          </thead>
          <tbody>
            {providers?.map((provider) => (
              <Row key={provider.name} provider={provider} admin={admin} act={act} />
            ))}
          </tbody>
        </table>
      </div>
      <Empty list={providers} words="no providers" />
    </Section>
  );
}

function Row({ provider, admin, act }: Readonly<{ provider: ProviderView; admin: Admin; act: Act }>) {
  const { name, origin, protocols, sessions, sessions_limit, requests, requests_limit } = provider;
  return (
    <tr>
      <th scope="row">
        {name}
        <small>
          {origin} · {protocols.join(" ")}
        </small>
      </th>
      <td>
        <Badge told={stateWords(provider)} />
        <Cooldowns cooldowns={provider.cooldowns} />
      </td>
      <td>
        <OfLimit count={sessions} limit={sessions_limit} what="sessions" />
      </td>
      <td>
        <OfLimit count={requests} limit={requests_limit} what="requests" />
      </td>
      <td class="number">{provider.leases}</td>
      <td>
        {hedgeAfterWords(provider.hedge)}
        <small>{provider.hedge.map(learnedWords).join(" · ")}</small>
      </td>
      <td>
        {hedgesWonWords(provider.hedges)}
        <small>{provider.hedges.denied === 0 ? "" : `${provider.hedges.denied} denied`}</small>
      </td>
      <td class="acts">{provider.removed ? null : <Override provider={provider} admin={admin} act={act} />}</td>
    </tr>
  );
}

/** Told one by one where the state names only the first. */
function Cooldowns({ cooldowns }: Pick<ProviderView, "cooldowns">) {
  if (cooldowns.length < 2) return null;
  return (
    <small>
      {cooldowns
        .map(({ key, model, left_ms }) => {
          const what = [key === null ? "" : `key ${key}`, model ?? ""].filter((part) => part !== "").join(" ");
          return `${what || "all"} ${durationText(left_ms)}`;
        })
        .join(" · ")}
    </small>
  );
}

function OfLimit({ count, limit, what }: Readonly<{ count: number | null; limit: number; what: string }>) {
  const words = ofLimitWords(count, limit);
  return (
    <span class={isFull(count, limit) ? "warn" : ""}>
      {words}
      {limit > 0 && count !== null ? (
        <meter min={0} max={limit} high={limit * 0.9} value={count} aria-label={`${what}: ${words}`} />
      ) : null}
    </span>
  );
}

function learnedWords({ model, after_ms, samples }: ProviderView["hedge"][number]): string {
  return `${model} ${after_ms === null ? "off" : durationText(after_ms)} (${samples})`;
}

function Override({ provider, admin, act }: Readonly<{ provider: ProviderView; admin: Admin; act: Act }>) {
  const { name, enabled, override } = provider;
  const tell = (verb: "enable" | "disable" | "reset", done: string) => () =>
    act(async () => {
      await admin.act("POST", `providers/${encodeURIComponent(name)}/${verb}`);
      return `${name}: ${done}`;
    });
  return (
    <>
      {override === null ? null : <Badge told={{ tone: "warn", text: override }} />}
      {enabled ? (
        <button
          type="button"
          aria-label={`Disable ${name}`}
          onClick={tell("disable", "disabled here until reset or restart")}
        >
          Disable
        </button>
      ) : (
        <button
          type="button"
          aria-label={`Enable ${name}`}
          onClick={tell("enable", "enabled here until reset or restart")}
        >
          Enable
        </button>
      )}
      <button
        type="button"
        aria-label={`Reset ${name}`}
        title="Ends the override, closes the breaker and ends all cool-downs"
        onClick={tell("reset", "as the config says, breaker closed, cool-downs over")}
      >
        Reset
      </button>
    </>
  );
}
