import type { ProtocolName } from "../../protocol/protocol.ts";
import type { AdminAccess } from "./access.ts";
import type {
  ConfigView,
  ExplainView,
  ProviderView,
  ReloadView,
  RequestFilter,
  RequestView,
  SessionView,
} from "./views.ts";

/** Everything the admin API shows or does, asked for at each request: it holds no state of the proxy itself. */
export type AdminSources = Readonly<{
  access(): AdminAccess;
  monoMs(): number;
  providers(): Promise<readonly ProviderView[]>;
  /** Sessions this instance knows. */
  sessions(): readonly SessionView[];
  requests(limit: number, filter: RequestFilter): readonly RequestView[];
  config(): ConfigView;
  /** A new listener's stream; null when there are too many. */
  events(): ReadableStream<Uint8Array> | null;
  /** All names under which clients are known: a session's own id is looked for under each. */
  clients(): readonly string[];
  endSession(session: string): Promise<SessionEnd>;
  /** False: there is no such provider. */
  override(provider: string, override: Override): boolean;
  /** Never rejects: what is wrong with the file is in the answer. */
  reload(): Promise<ReloadView>;
  explain(wish: ExplainWish): Promise<ExplainView>;
  /** What went wrong inside; the caller gets no details. */
  onError(error: unknown): void;
}>;

export type Override = "enabled" | "disabled" | "reset";

/** `cutHere`: streams cut at once by this instance; `toBeCut`: leases of others, cut at their next heartbeat. */
export type SessionEnd = Readonly<{ leases: number; cutHere: number; toBeCut: number; freed: number }>;

export type ExplainWish = Readonly<{
  protocol: ProtocolName;
  model: string;
  /** Null where none was named. */
  client: string | null;
  /** As a hash. */
  session: string | null;
}>;
