import { render } from "preact";
import { systemClock } from "../../core/clock.ts";
import { App } from "./app.tsx";
import { storedToken } from "./token.ts";

// The page may lie at `/admin` or, behind a reverse proxy, somewhere above it; what it asks for lies beside it.
const base = new URL(`${location.pathname.replace(/\/*$/, "")}/`, location.origin).href;

render(
  <App base={base} ask={(url, init) => fetch(url, init)} clock={systemClock} token={storedToken(sessionStorage)} />,
  document.body,
);
