import { sessionHash } from "../core/ids.ts";
import type { RequestFacts } from "../protocol/protocol.ts";
import type { Alias } from "../session/home.ts";

/** Who a request belongs to. */
export type Identity = Readonly<{
  /** 22 characters; all that is stored and logged. */
  session: string;
  /** The header or field the id came from, or `content`. */
  source: string;
  /** The provider that holds the object the request goes on from; null where none is known. */
  boundTo: string | null;
}>;

export type IdentifyParts = Readonly<{
  /** Name of the client: ids of two clients never meet. */
  client: string;
  headers: Headers;
  facts: RequestFacts;
  /** Where an upstream's object id leads, for this client; null where nobody knows. */
  readAlias(id: string): Promise<Alias | null>;
}>;

/** Before the body's own `metadata.user_id`, and after it: most particular first. */
const FIRST_HEADERS = ["x-hedgerow-session", "x-claude-code-session-id"] as const;
const LATER_HEADERS = ["session_id", "session-id", "x-session-id", "x-session-affinity"] as const;

/** The first thing that gives an id, whatever its length or letters: only its hash goes on. */
export async function identify({ client, headers, facts, readAlias }: IdentifyParts): Promise<Identity> {
  const alias = await firstAlias(facts, readAlias);
  const boundTo = alias?.provider ?? null;
  const given = idGiven(headers, facts);
  if (given) return { session: sessionHash(client, given.id), source: given.source, boundTo };
  if (alias) return { session: alias.session, source: alias.source, boundTo };
  return { session: sessionHash(client, facts.contentSeed), source: "content", boundTo };
}

type Given = Readonly<{ source: string; id: string }>;

function idGiven(headers: Headers, facts: RequestFacts): Given | undefined {
  const [user, ...others] = facts.sessions;
  const userFirst = user?.source === "metadata.user_id";
  return (
    inHeaders(headers, FIRST_HEADERS) ??
    (userFirst ? user : undefined) ??
    inHeaders(headers, LATER_HEADERS) ??
    (userFirst ? others[0] : user)
  );
}

function inHeaders(headers: Headers, names: readonly string[]): Given | undefined {
  for (const source of names) {
    const id = headers.get(source);
    if (id) return { source, id };
  }
  return undefined;
}

async function firstAlias(facts: RequestFacts, readAlias: IdentifyParts["readAlias"]) {
  // Side by side: with a store across the network each of them is a round trip.
  const read = await Promise.all(
    facts.aliases.map(async ({ source, id }) => {
      const alias = await readAlias(id);
      return alias && { ...alias, source };
    }),
  );
  return read.find((alias) => alias !== null) ?? null;
}
