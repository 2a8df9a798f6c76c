import { expect, setDefaultTimeout, test } from "bun:test";
import { answer } from "../../src/simulator/behaviour.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { startHedgerow } from "../world/binary.ts";
import { bodyFor, understand } from "../world/http.ts";
import { LOCALHOST_CERT, LOCALHOST_KEY } from "../world/localhost-tls.ts";
import { configText, eventually, providerEntry } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

test("with server.tls clients speak HTTPS, streams included, and nothing else is spoken on that port", async () => {
  const upstream = startSimulator({ behave: answer() });
  const folder = await Bun.$`mktemp -d`.text().then((text) => text.trim());
  await Bun.write(`${folder}/cert.pem`, LOCALHOST_CERT);
  await Bun.write(`${folder}/key.pem`, LOCALHOST_KEY);
  const tls = { cert: `${folder}/cert.pem`, key: `${folder}/key.pem` };
  const config = configText({ server: { port: 0, tls }, providers: [providerEntry("a", upstream.url)] });
  // The harness asks for readiness over a connection that trusts nobody but public authorities: told by the log instead.
  await using hedgerow = await startHedgerow({ config, ready: "listening" });
  try {
    expect(hedgerow.url).toStartWith("https://");
    const trust = { tls: { ca: LOCALHOST_CERT } };
    const ready = await fetch(`${hedgerow.url}/readyz`, trust);
    expect(ready.status).toBe(200);
    const streamed = await fetch(`${hedgerow.url}/v1/messages`, {
      method: "POST",
      body: bodyFor("anthropic", { stream: true }),
      ...trust,
    });
    expect(understand(await streamed.text(), "anthropic")).toMatchObject({ terminal: true, error: false });
    const plain = await fetch(hedgerow.url.replace("https:", "http:")).catch((error: unknown) => error);
    expect(plain).toBeInstanceOf(Error);
    await eventually("its request is logged", () => hedgerow.log().some(({ msg }) => msg === "request answered"));
    expect(hedgerow.printed()).not.toContain("PRIVATE KEY");
  } finally {
    await upstream.close();
  }
});
