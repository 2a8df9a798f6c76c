import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { answer } from "../../src/simulator/behaviour.ts";
import { waitFor } from "../../src/simulator/script.ts";
import type { Behave } from "../../src/simulator/simulator.ts";
import type { Hedgerow, LogRecord } from "./binary.ts";
import { eventually } from "./scripted-upstream.ts";

/** What an operator does to a running proxy, from outside. */

export type AdminAnswer = Readonly<{ status: number; headers: Headers; body: unknown }>;

export async function admin(url: string, path: string, init: RequestInit = {}): Promise<AdminAnswer> {
  const response = await fetch(`${url}/admin/api/${path}`, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
}

export type ProviderNow = Readonly<Record<string, unknown> & { name: string }>;

/** A provider as the admin API shows it; undefined where there is none of that name. */
export async function providerNow(url: string, name: string): Promise<ProviderNow | undefined> {
  const { body } = await admin(url, "providers");
  return (body as { providers: readonly ProviderNow[] }).providers.find((provider) => provider.name === name);
}

export type FileConfig = Record<string, unknown> & { providers: Record<string, unknown>[] };

/** Writes the configuration anew, as a careful editor does: beside it, then renamed over it. */
export function rewrite({ configFile }: Pick<Hedgerow, "configFile">, change: (config: FileConfig) => unknown): void {
  const config = JSON.parse(readFileSync(configFile, "utf8")) as FileConfig;
  replaceFile(configFile, JSON.stringify(change(config), null, 2));
}

export function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

export function reloads(hedgerow: Pick<Hedgerow, "log">): readonly LogRecord[] {
  return hedgerow.log().filter(({ msg }) => /^config (applied|unchanged|refused)/.test(msg));
}

/** Does it, and answers the log line of the reload that comes of it. */
export async function reloadBy(hedgerow: Hedgerow, work: () => unknown): Promise<LogRecord> {
  const before = reloads(hedgerow).length;
  await work();
  await eventually("a reload is logged", () => reloads(hedgerow).length > before);
  return reloads(hedgerow)[before] as LogRecord;
}

/** An upstream that says the beginning of its answer and then waits for the test before it says the rest. */
export function heldOpen(): Readonly<{ behave: Behave; release(): void }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    async behave(request) {
      const steps = [...(await answer()(request))];
      const first = steps.findIndex(
        (step) => step.do === "send" && new TextDecoder().decode(step.bytes).includes(BEGUN),
      );
      return [...steps.slice(0, first + 1), waitFor(promise), ...steps.slice(first + 1)];
    },
    release: resolve,
  };
}

/** What has been heard of it by then. */
export const BEGUN = "The hedge ";
