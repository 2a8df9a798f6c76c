import type { Target } from "./attempt.ts";
import { credentialHeaders } from "./credentials.ts";
import type { UpstreamRequest } from "./send.ts";
import { upstreamHeaders } from "./upstream-headers.ts";
import { upstreamUrl } from "./upstream-url.ts";

/** A client's request as one provider wants it. */
export function upstreamRequest({ inbound, provider, key, upstreamModel }: Target): UpstreamRequest {
  const { protocol, operation, pathname, search, headers, body, facts } = inbound;
  const credentials = credentialHeaders({ scheme: provider.auth ?? protocol.auth, key, headers, search });
  return {
    url: upstreamUrl({ provider, operation, pathname, search, upstreamModel }),
    headers: upstreamHeaders({ client: headers, provider: provider.headers, credentials }),
    body: upstreamModel === facts.model ? body : protocol.withModel(body, upstreamModel),
    proxy: provider.proxy,
    http2: provider.http2,
  };
}
