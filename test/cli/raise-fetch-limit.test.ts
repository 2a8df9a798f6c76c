import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ProcessDoor, raiseFetchLimit } from "../../src/cli/raise-fetch-limit.ts";

const MODULE = join(import.meta.dir, "../../src/cli/raise-fetch-limit.ts");
const PROGRAM = `
import { raiseFetchLimit } from ${JSON.stringify(MODULE)};
process.stdout.write(JSON.stringify({ pid: process.pid, limit: process.env.BUN_CONFIG_MAX_HTTP_REQUESTS ?? null }) + "\\n");
process.stdout.write(JSON.stringify({ found: raiseFetchLimit(process), args: process.argv.slice(2) }) + "\\n");
`;

async function inFolder(work: (folder: string, program: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "raise-"));
  try {
    const program = join(folder, "program.ts");
    await Bun.write(program, PROGRAM);
    await work(folder, program);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function lines(command: string[], env: Record<string, string>) {
  const child = Bun.spawn(command, { env, stdout: "pipe", stderr: "inherit" });
  const text = await child.stdout.text();
  expect(await child.exited).toBe(0);
  return text
    .trim()
    .split("\n")
    .map((line): Record<string, unknown> => JSON.parse(line));
}

describe("raising the limit of upstream requests", () => {
  test("starts the script over once, in the same process, with the same arguments", async () => {
    await inFolder(async (_, program) => {
      const [before, after, found] = await lines([process.execPath, "--smol", program, "serve", "a b"], {});
      expect(before).toEqual({ pid: after?.["pid"], limit: null });
      expect(after?.["limit"]).toBe("65535");
      expect(found).toEqual({ found: "set", args: ["serve", "a b"] });
    });
  });

  test("does so in a compiled program too", async () => {
    await inFolder(async (folder, program) => {
      const binary = join(folder, "binary");
      const build = Bun.spawn([process.execPath, "build", program, "--compile", "--outfile", binary], {
        stdout: "ignore",
        stderr: "ignore",
      });
      expect(await build.exited).toBe(0);
      const [before, after, found] = await lines([binary, "serve", "a b"], {});
      expect(before).toEqual({ pid: after?.["pid"], limit: null });
      expect(found).toEqual({ found: "set", args: ["serve", "a b"] });
    });
  });

  test("leaves an operator's own limit alone", async () => {
    await inFolder(async (_, program) => {
      const printed = await lines([process.execPath, program], { BUN_CONFIG_MAX_HTTP_REQUESTS: "512" });
      expect(printed.map((line) => line["limit"] ?? line["found"])).toEqual(["512", "set"]);
    });
  });

  const door: ProcessDoor = {
    env: { HOME: "/", GONE: undefined },
    argv: ["bun", "main.ts"],
    execArgv: [],
    execPath: "/x",
  };

  test("goes on as it is where a process cannot be started over", () => {
    expect(raiseFetchLimit(door)).toBe("unavailable");
    const execve = () => {
      throw new Error("EPERM");
    };
    expect(raiseFetchLimit({ ...door, execve })).toBe("unavailable");
  });

  test("hands the environment on with nothing but the limit added", () => {
    let handed: unknown;
    raiseFetchLimit({ ...door, execve: (...call) => (handed = call) });
    expect(handed).toEqual(["/x", ["/x", "main.ts"], { HOME: "/", BUN_CONFIG_MAX_HTTP_REQUESTS: "65535" }]);
  });
});
