import { load } from "../config/load.ts";
import { printProblem } from "../config/problem.ts";
import { demo, type StartProxy } from "./demo.ts";
import { type ServeDoors, start } from "./serve.ts";

const PATH = "demo.yaml";

/** `hedgerow demo`, on this process: the proxy is started as `serve` would start it, on a configuration in memory. */
export async function runDemo(port: number, doors: ServeDoors, signal: AbortSignal): Promise<0 | 1> {
  const { terminal, clock, random } = doors;
  const startProxy: StartProxy = async (text, observe) => {
    const bytes = new TextEncoder().encode(text);
    const read = () => load({ path: PATH, env: {}, readFile: () => ({ kind: "bytes", bytes }) });
    const first = read();
    if (first.kind === "bad") throw new Error(first.problems.map(printProblem).join("\n"));
    const app = await start(first, { path: PATH, load: read, watch: false, observe }, doors);
    return { url: app.url, close: app.drain };
  };
  const print = (line: string) => terminal.write(`${line}\n`);
  try {
    await demo({ start: startProxy, print, colour: terminal.colour, clock, random, port }, signal);
    return 0;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const why = code === "EADDRINUSE" ? `port ${port} is taken; try hedgerow demo --port 0` : String(error);
    terminal.writeError(`hedgerow: ${why}\n`);
    return 1;
  }
}
