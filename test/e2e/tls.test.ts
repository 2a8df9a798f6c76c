import { expect, setDefaultTimeout, test } from "bun:test";
import { dirname, join } from "node:path";
import { answer } from "../../src/simulator/behaviour.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { runHedgerow, startHedgerow } from "../world/binary.ts";
import { bodyFor, understand } from "../world/http.ts";
import { LOCALHOST_CERT, LOCALHOST_KEY } from "../world/localhost-tls.ts";
import { CUT_KEY, encryptedKey, linesOfKey, otherKey } from "../config/pem-world.ts";
import { reloadBy, replaceFile } from "../world/operate.ts";
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
    const status = (env: Record<string, string>) => runHedgerow(["status", "--url", hedgerow.url], { env });
    expect(await status({})).toMatchObject({ code: 1, stdout: "" });
    expect(await status({ NODE_EXTRA_CA_CERTS: tls.cert })).toMatchObject({ code: 0, stderr: "" });
    const plain = await fetch(hedgerow.url.replace("https:", "http:")).catch((error: unknown) => error);
    expect(plain).toBeInstanceOf(Error);
    await eventually("its request is logged", () => hedgerow.log().some(({ msg }) => msg === "request answered"));
    expect(hedgerow.printed()).not.toContain("PRIVATE KEY");
  } finally {
    await upstream.close();
  }
});

test("a reload that would leave a wrong certificate or key for the next start is refused, and nothing of it is told", async () => {
  const upstream = startSimulator({ behave: answer() });
  const providers = [providerEntry("a", upstream.url)];
  await using hedgerow = await startHedgerow({ config: configText({ server: { port: 0 }, providers }) });
  try {
    const folder = dirname(hedgerow.configFile);
    const tls = { cert: "cert.pem", key: "key.pem" };
    replaceFile(join(folder, "cert.pem"), LOCALHOST_CERT);
    replaceFile(join(folder, "key.pem"), LOCALHOST_KEY);
    const given = configText({ server: { port: 0, tls }, providers });
    expect((await reloadBy(hedgerow, () => replaceFile(hedgerow.configFile, given)))["result"]).toBe("applied");
    for (const [key, why] of [
      [otherKey(), "is not that of the first certificate in"],
      [encryptedKey(), "it is encrypted"],
      [CUT_KEY, "it is damaged"],
    ] as const) {
      const reload = await reloadBy(hedgerow, () => replaceFile(join(folder, "key.pem"), key));
      expect(reload["result"]).toBe("refused");
      const [told, ...more] = reload["problems"] as readonly string[];
      for (const part of ["server.tls.key: ", '"key.pem"', why]) expect(told).toContain(part);
      expect(more).toEqual([]);
      for (const line of linesOfKey(key)) expect(hedgerow.printed()).not.toContain(line);
    }
    const good = await reloadBy(hedgerow, () => replaceFile(join(folder, "key.pem"), LOCALHOST_KEY));
    expect(good).toMatchObject({ problems: [] });
  } finally {
    await upstream.close();
  }
});
