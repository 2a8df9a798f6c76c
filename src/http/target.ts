/**
 * What a request asks for, its dots resolved. The origin says nothing: a probe in HTTP/1.0 sends no Host (RFC 9112,
 * 3.2), and a request's `url` is then the target alone.
 */
export function targetOf(url: string): URL {
  return new URL(`http://localhost${url.slice(startOf(url))}`);
}

/** The path as it stands there, without parsing the whole URL: this runs for every request. */
export function pathOf(url: string): string {
  const start = startOf(url);
  const query = url.indexOf("?", start);
  return query < 0 ? url.slice(start) : url.slice(start, query);
}

/** Where the path begins. */
function startOf(url: string): number {
  if (url.startsWith("/")) return 0;
  const start = url.indexOf("/", url.indexOf("//") + 2);
  return start < 0 ? url.length : start;
}
