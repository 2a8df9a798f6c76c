import { render } from "preact";
import { systemClock } from "../../core/clock.ts";
import { App } from "./app.tsx";
import { storedToken } from "./token.ts";

// The page may lie at `/admin` or, behind a reverse proxy, somewhere below another path; what it asks for lies beside it.
// Not resolved as a URL: a path that begins with two slashes would be another host.
const base = `${location.origin}${location.pathname.replace(/\/*$/, "")}/`;

render(
  <App base={base} ask={(url, init) => fetch(url, init)} clock={systemClock} token={storedToken(sessionStorage)} />,
  document.body,
);
