import { isIP } from "node:net";
import { HOP_BY_HOP, MADE_ANEW } from "../core/header-names.ts";
import { HIDDEN, type Secret, secret } from "../core/secret.ts";
import { type Format, matching, type Parsed, parsed, wrong } from "./format.ts";

/** Also part of Redis keys, metric labels and paths of the admin API: no braces, no slashes. */
export const NAME = matching("name ([a-z0-9] first, then up to 62 of [a-z0-9._-])", "^[a-z0-9][a-z0-9._-]{0,62}$");

/** A provider's or a client's. */
export const LABEL: Format<string> = {
  ...NAME,
  pattern: NAME.pattern.replace("^", "^(?!(none|other)$)"),
  parse: (text) =>
    /^(none|other)$/.test(text) ? wrong("metrics say so of nobody and of who is gone") : NAME.parse(text),
};

/** No braces: they would move the hash tag of the keys. */
export const PREFIX = matching("prefix of 1 to 64 [a-z0-9._-]", "^[a-z0-9._-]{1,64}$");

export const TEXT = matching("text", "^[^\\u0000-\\u001f\\u007f]{1,256}$");

/** Model names hold slashes, colons and the like; no blanks and no control characters. */
export const GLOB = matching("model name or glob (* any run, ? one character)", "^[\\u0021-\\u007e]{1,256}$");

/** An upstream's: sent as it stands. */
export const MODEL: Format<string> = {
  ...GLOB,
  expected: "model name",
  pattern: GLOB.pattern.replace("^", "^(?!.*[*?])"),
  parse: (text) =>
    /[*?]/.test(text) ? wrong("it is sent as it stands; only the name before it may be a glob") : GLOB.parse(text),
};

const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

export const HOST: Format<string> = {
  expected: "IP address or host name",
  pattern: "^[0-9A-Za-z.:-]+$",
  hidden: false,
  parse(text) {
    if (isIP(text) !== 0) return parsed(text);
    // 10.0.0 and 300.1.1.1 are mistyped addresses and no names.
    return HOST_NAME.test(text) && !/^[0-9.]+$/.test(text) ? parsed(text) : wrong();
  },
  show: (text) => text,
};

export type HostPort = Readonly<{ host: string; port: number }>;

export const HOST_PORT: Format<HostPort> = {
  expected: "host:port",
  pattern: "^.+:[0-9]{1,5}$",
  hidden: false,
  parse(text) {
    const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$/.exec(text);
    const host = match?.[1] ?? match?.[2];
    const port = Number(match?.[3]);
    return host === undefined || port < 1 || port > 65_535 ? wrong() : parsed({ host, port });
  },
  show: ({ host, port }) => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`),
};

/** Goes into a header as it is, so anything a header cannot hold is a mistake of copying. */
export const SECRET: Format<Secret> = {
  expected: "secret (printable ASCII, no blanks)",
  pattern: "^[\\u0021-\\u007e]+$",
  hidden: true,
  parse: (text) => (/^[\x21-\x7e]+$/.test(text) ? parsed(secret(text)) : wrong(text === "" ? "it is empty" : "")),
  show: () => HIDDEN,
};

/** Not sent in a header: any text but an empty one. */
export const PASSWORD: Format<Secret> = {
  ...SECRET,
  expected: "password",
  pattern: "^.+$",
  parse: (text) => (text === "" ? wrong("it is empty") : parsed(secret(text))),
};

/** Where a path prefix and a version segment may follow; credentials and queries have keys of their own. */
export const BASE_URL: Format<string> = {
  expected: "http:// or https:// URL",
  pattern: "^https?://.+$",
  // A URL pasted with its credentials must not be repeated.
  hidden: true,
  parse(text) {
    const url = urlOf(text, ["http:", "https:"]);
    if (url === null) return wrong();
    if (url.username !== "" || url.password !== "") return wrong("it must not hold credentials; use api_key");
    if (/[?#]/.test(text)) return wrong("it must not hold a query or fragment");
    return parsed(url.href.replace(/\/+$/, ""));
  },
  show: (value) => value,
};

export const PROXY_URL: Format<string> = {
  expected: "http:// or https:// URL of a proxy",
  pattern: "^https?://.+$",
  hidden: true,
  parse(text) {
    const url = urlOf(text, ["http:", "https:"]);
    if (url === null) return wrong();
    return url.pathname !== "/" || /[?#]/.test(text) ? wrong("it must not hold a path or query") : parsed(text);
  },
  show: withoutPassword,
};

const ENCODE = "in its user, password and path write % / ? # @ that are part of them as %25 %2F %3F %23 %40";

export const REDIS_URL: Format<Secret> = {
  expected: "redis://, rediss:// or redis+unix:// URL",
  pattern: "^(rediss?|redis\\+unix)://.+$",
  hidden: true,
  parse(text) {
    const url = urlOf(text, ["redis:", "rediss:", "redis+unix:"]);
    if (/^redis\+unix:\/\/[^/]*@/.test(text)) return wrong("a user and password for a socket have keys of their own");
    if (url === null) return wrong(/:\/\/.*[/?#].*@/.test(text) ? ENCODE : "");
    if (![url.username, url.password, url.pathname].every(isEncoded)) return wrong(ENCODE);
    if (url.protocol === "redis+unix:") {
      if (url.hostname !== "" || url.pathname.length < 2)
        return wrong("it names no socket, as redis+unix:///path does");
      return /^(\?db=[0-9]{1,4})?$/.test(url.search + url.hash) ? parsed(secret(text)) : wrong("only ?db=N may follow");
    }
    if (url.hostname === "") return wrong("it names no host");
    // What nobody reads is not what was meant: a number after ?db= would leave the database at 0.
    if (/[?#]/.test(text)) return wrong("it must not hold a query or fragment; a database number is its path");
    return /^(\/[0-9]{0,4})?$/.test(url.pathname) ? parsed(secret(text)) : wrong("its path must be a database number");
  },
  show: (value) => withoutPassword(value.reveal()),
};

export type Hours = Readonly<{ fromMinute: number; toMinute: number; text: string }>;

/** Equal times are all day; 24:00 ends a day. */
export const HOURS: Format<Hours> = {
  expected: "hours like 08:00-20:00",
  pattern: "^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$",
  hidden: false,
  parse(text) {
    const match = /^([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)$/.exec(text);
    if (!match) return wrong();
    const toMinute = match[3] === undefined ? 24 * 60 : Number(match[3]) * 60 + Number(match[4]);
    return parsed({ fromMinute: Number(match[1]) * 60 + Number(match[2]), toMinute, text });
  },
  show: ({ text }) => text,
};

export const TIME_ZONE: Format<string> = {
  expected: "IANA time zone like Europe/Vienna",
  pattern: "^[A-Za-z][A-Za-z0-9_+/-]*$",
  hidden: false,
  parse: (text) => (/^[A-Za-z]/.test(text) && isTimeZone(text) ? parsed(text) : wrong()),
  show: (text) => text,
};

/** Headers that Hedgerow makes itself or that concern one connection only. */
const HEADERS_REFUSED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...MADE_ANEW,
  "authorization",
  "x-api-key",
  "x-goog-api-key",
  "proxy-authorization",
  "proxy-authenticate",
  "cookie",
]);

export const HEADER_NAME: Format<string> = {
  expected: "header name",
  pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
  hidden: false,
  parse(text) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)) return wrong();
    const name = text.toLowerCase();
    if (HEADERS_REFUSED.has(name)) return wrong("this header is Hedgerow's own to set");
    return name.startsWith("x-hedgerow-") ? wrong("x-hedgerow- headers never go upstream") : parsed(name);
  },
  show: (text) => text,
};

/** Hidden: relays take credentials in headers of their own. */
export const HEADER_VALUE: Format<Secret> = {
  expected: "header value without control characters",
  pattern: "^[\\u0020-\\u007e\\u0080-\\u00ff]*$",
  hidden: true,
  parse: (text) => (/^[\x20-\x7e\x80-\xff]*$/.test(text) && text === text.trim() ? parsed(secret(text)) : wrong()),
  show: () => HIDDEN,
};

/** The delay by itself may be any; `auto` learns it, `off` never hedges. */
export function hedgeAfter(delay: Format<number>): Format<"auto" | "off" | number> {
  return {
    expected: `auto, off or ${delay.expected}`,
    pattern: delay.pattern.replace("^(", "^(auto|off|"),
    hidden: false,
    zero: false,
    parse: (text): Parsed<"auto" | "off" | number> =>
      text === "auto" || text === "off" ? parsed(text) : delay.parse(text),
    show: (value) => (typeof value === "number" ? delay.show(value) : value),
  };
}

function urlOf(text: string, protocols: readonly string[]): URL | null {
  // The parser forgives blanks and missing slashes; what was meant is then unclear.
  if (/[\s\\]/.test(text) || !text.includes("://") || !URL.canParse(text)) return null;
  const url = new URL(text);
  return protocols.includes(url.protocol) ? url : null;
}

/** Whether each % in a part of a URL begins a character. */
function isEncoded(part: string): boolean {
  try {
    return decodeURIComponent(part) !== null;
  } catch {
    return false;
  }
}

function withoutPassword(text: string): string {
  const url = new URL(text);
  if (url.password === "" && url.username === "" && url.search === "") return text;
  if (url.password !== "") url.password = HIDDEN;
  else if (url.username !== "") url.username = HIDDEN;
  // Some clients take the password as a parameter.
  for (const name of url.searchParams.keys()) url.searchParams.set(name, HIDDEN);
  return url.href;
}

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
