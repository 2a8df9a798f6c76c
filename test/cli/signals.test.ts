import { describe, expect, test } from "bun:test";
import { join } from "node:path";

const MODULE = join(import.meta.dir, "../../src/cli/signals.ts");

/** A process of its own that runs `script`, and all that it printed. */
async function run(script: string) {
  const source = `import { keepHangups, processSignals } from ${JSON.stringify(MODULE)};
const say = (text) => process.stdout.write(text + "\\n");
const on = { stop: () => say("stop"), reload: () => say("reload") };
/** Sends it to this very process, and lets it arrive. */
const send = async (signal) => {
  process.kill(process.pid, signal);
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
};
${script}
say("end");
process.exit(0);`;
  const child = Bun.spawn([process.execPath, "-e", source], { stdout: "pipe", stderr: "inherit" });
  const printed = await child.stdout.text();
  await child.exited;
  return { printed: printed.trim().split("\n"), by: child.signalCode };
}

describe("signals", () => {
  test("say what they are for, and those that mean nothing do nothing", async () => {
    const { printed } = await run(`processSignals(on);
      for (const signal of ["SIGUSR1", "SIGUSR2", "SIGHUP", "SIGTERM"]) await send(signal);`);
    expect(printed).toEqual(["reload", "stop", "end"]);
  });

  test.each(["[]", '["serve"]', '["-c", "f"]'])("a hangup during the start of a server (%s) is kept", async (argv) => {
    const { printed } = await run(`keepHangups(${argv});
      await send("SIGHUP");
      await send("SIGHUP");
      say("started");
      processSignals(on);
      await send("SIGHUP");`);
    expect(printed).toEqual(["started", "reload", "reload", "end"]);
  });

  test("a hangup ends every other verb", async () => {
    expect(await run(`keepHangups(["check"]); await send("SIGHUP");`)).toEqual({ printed: [""], by: "SIGHUP" });
  });
});
