/** Headers that speak about one connection and stay on it, whichever way they go (RFC 9110, 7.6.1; RFC 7540, 3.2.1). */
export const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
] as const;

/** Headers of a request that whoever sends it makes anew, from its own connection and the body as it goes out. */
export const MADE_ANEW = ["host", "content-length", "content-encoding", "expect", "accept-encoding"] as const;
