import { builtPage } from "../../page/build.ts" with { type: "macro" };
import { HEADERS } from "./reply.ts";

const { html, policy } = builtPage();

/** The dashboard. The same bytes for whoever asks: what there is to see comes from the API, which wants the token. */
export function pageAnswer(): Response {
  return new Response(html, {
    headers: {
      ...HEADERS,
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "cross-origin-opener-policy": "same-origin",
      "referrer-policy": "no-referrer",
    },
  });
}
