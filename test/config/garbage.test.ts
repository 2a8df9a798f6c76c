import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { loaded, PROVIDER } from "./world.ts";

describe("whatever the bytes", () => {
  const judged = (bytes: Uint8Array) => {
    const result = loaded(bytes, { env: { A: "1" } });
    if (result.kind === "ok") return;
    expect(result.problems.length).toBeGreaterThan(0);
    for (const { line, column } of result.problems) expect(line >= 1 && column >= 1).toBe(true);
  };
  test("random ones are a configuration or a list of places", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), judged), { numRuns: 300 });
  });
  test("pieces of YAML in any order are, too", () => {
    const piece = fc.constantFrom(
      ..."providers:|server:|clients:|sessions:|defaults:|log:|x-a: &a|*a|<<: *a|<<: [*a, *a]|- |  - |  |    |\n|\n\n|name: a|protocols: [gemini]|base_url: https://a.example|api_key: ${A}|${B}|${|$$|limits: {sessions: 1}|limits:|hedge: {after: off}|null|~|!!str|!x|'|\"|{|}|[|]|: |#|&b |*b|---|...|%YAML 1.1|? |\t|\0|\ufeff|é|🌱|300|5m|10%|1e999|0x1f|.nan".split(
        "|",
      ),
    );
    const text = fc.array(piece, { maxLength: 40 }).map((pieces) => new TextEncoder().encode(pieces.join("")));
    fc.assert(fc.property(text, judged), { numRuns: 2_000 });
  });
  test("a good file with a few bytes changed is, too", () => {
    const good = new TextEncoder().encode(
      `x-a: &a {limits: {sessions: 1}}\nserver: {host: "127.0.0.1", port: 1}\n${PROVIDER.replace("}]", ", <<: *a, hedge: {after: 3s}}]")}`,
    );
    const change = fc.record({ at: fc.nat(good.length - 1), to: fc.nat(255) });
    const changed = fc.array(change, { minLength: 1, maxLength: 6 }).map((changes) => {
      const bytes = good.slice();
      for (const { at, to } of changes) bytes[at] = to;
      return bytes;
    });
    fc.assert(fc.property(changed, judged), { numRuns: 1_000 });
  });
});
