/** The page as it is sent: one document without anything to load, and the policy that allows its parts and nothing else. */
export type Page = Readonly<{ html: string; policy: string }>;

/**
 * Bundles the page. To be imported as a macro: it runs while the code that imports it is bundled (or first read, from
 * source), so that the executable holds the text and neither the sources nor a bundler. A macro may not call the
 * bundler it runs in, hence the processes.
 */
export function builtPage(): Page {
  const script = bundled("main.tsx");
  const style = bundled("style.css");
  // Of a text between tags the parser would take these for markup.
  if (/<\/(?:script|style)|<!--/i.test(script + style)) throw new Error("the page's parts hold markup of their own");
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
  return { html: documentOf(script, style), policy };
}

function bundled(entry: string): string {
  const options = ["--target=browser", "--format=esm", "--production"];
  const made = Bun.spawnSync([process.execPath, "build", `${import.meta.dir}/browser/${entry}`, ...options]);
  if (made.exitCode !== 0) throw new Error(`the page cannot be bundled: ${made.stderr.toString()}`);
  return made.stdout.toString();
}

/** As a policy names an inline part: by what stands between its tags, to the byte. */
function hashOf(text: string): string {
  return `'sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}'`;
}

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='%232b6a3f' d='M1 15V8a3 3 0 0 1 6-1 3 3 0 0 1 6-1 3 3 0 0 1 2 3v6z'/%3E%3C/svg%3E";

function documentOf(script: string, style: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hedgerow</title>
<link rel="icon" href="${ICON}">
<style>${style}</style>
</head>
<body>
<noscript>This page needs JavaScript; <code>hedgerow status</code> does not.</noscript>
<script type="module">${script}</script>
</body>
</html>
`;
}
