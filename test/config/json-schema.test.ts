import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { parse } from "yaml";
import { SAMPLE } from "../../src/cli/sample.ts";
import { jsonSchema } from "../../src/config/json-schema.ts";
import { linesOf, PROVIDER, switchedOn } from "./world.ts";

type Node = Readonly<{
  anyOf?: readonly Node[];
  const?: unknown;
  enum?: readonly unknown[];
  type?: string;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  minLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: Node;
  properties?: Readonly<Record<string, Node>>;
  patternProperties?: Readonly<Record<string, Node>>;
  propertyNames?: Node;
  additionalProperties?: Node | false;
  required?: readonly string[];
  description?: string;
}>;

/** As much of JSON Schema as the export uses; anything else in a schema is a mistake of the export. */
function accepts(node: Node, value: unknown): boolean {
  if (node.anyOf !== undefined) return node.anyOf.some((one) => accepts(one, value));
  if ("const" in node) return value === node.const;
  if (node.enum !== undefined) return node.enum.includes(value);
  switch (node.type ?? "") {
    case "boolean":
      return typeof value === "boolean";
    case "integer":
      return Number.isInteger(value) && inside(Number(value), node.minimum, node.maximum);
    case "string":
      if (typeof value !== "string" || value.length < (node.minLength ?? 0)) return false;
      return node.pattern === undefined || new RegExp(node.pattern, "u").test(value);
    case "array":
      if (!Array.isArray(value) || !inside(value.length, node.minItems, node.maxItems)) return false;
      return value.every((item) => accepts(node.items ?? {}, item));
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value) && acceptsObject(node, value);
    default:
      throw new Error(`no such type: ${JSON.stringify(node)}`);
  }
}

function inside(value: number, least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY): boolean {
  return value >= least && value <= most;
}

function acceptsObject(node: Node, value: object): boolean {
  const { properties = {}, patternProperties = {}, required = [], propertyNames, additionalProperties = false } = node;
  if (required.some((key) => !Object.hasOwn(value, key))) return false;
  return Object.entries(value).every(([key, inner]) => {
    const own = properties[key];
    if (own !== undefined) return accepts(own, inner);
    if (Object.keys(patternProperties).some((pattern) => new RegExp(pattern, "u").test(key))) return true;
    if (additionalProperties === false) return false;
    return accepts({ type: "string", ...propertyNames }, key) && accepts(additionalProperties, inner);
  });
}

const schema: Node = jsonSchema();
const acceptsText = (text: string) => accepts(schema, parse(text, { merge: true }));

describe("the JSON Schema", () => {
  test("accepts the sample, as it is and all switched on", () => {
    expect(acceptsText(SAMPLE)).toBe(true);
    expect(acceptsText(switchedOn(SAMPLE))).toBe(true);
  });

  test("accepts variables where numbers, booleans and words are wanted, and x- keys", () => {
    expect(
      acceptsText(
        `x-a: {b: [1]}\nserver: {port: "\${P}", open: "\${O:-true}", max_body: "\${M}"}\nlog: {level: "\${L}"}\n${PROVIDER}`,
      ),
    ).toBe(true);
  });

  const refused = [
    `server: {prot: 1}\n${PROVIDER}`,
    `server: {port: -1}\n${PROVIDER}`,
    `server: {port: "80"}\n${PROVIDER}`,
    `sessions: {ttl: 300}\n${PROVIDER}`,
    `sessions: {ttl: 300x}\n${PROVIDER}`,
    `log: {level: loud}\n${PROVIDER}`,
    "providers: []",
    "providers: [{name: a, protocols: [gemini]}]",
    PROVIDER.replace("name: a", "name: A"),
    PROVIDER.replace("}]", ", headers: {'a b': c}}]"),
  ];
  for (const text of refused) test(`refuses ${text.slice(0, 50).trim()}`, () => expect(acceptsText(text)).toBe(false));

  test("has a description at every key and every default of the reader", () => {
    const undescribed = (node: Node, path: string): readonly string[] => [
      ...(node.description ? [] : [path]),
      ...Object.entries(node.properties ?? {}).flatMap(([key, inner]) => undescribed(inner, `${path}.${key}`)),
      ...(node.items === undefined ? [] : undescribed(node.items, `${path}[]`)),
    ];
    expect(undescribed(schema, "")).toEqual([]);
    expect(JSON.stringify(schema)).toContain(`"default":"1500ms"`);
  });

  test("accepts whatever the reader accepts", () => {
    const setting = fc.constantFrom(
      "server: {port: 0}",
      "server: {host: '::1', drain: 0}",
      "server: {max_body: 1.5MiB}",
      "admin: {token: t}",
      "sessions: {ttl: 1.5s, wait: 0}",
      "sessions: {store: redis, redis: {cluster: ['[::1]:1']}}",
      "defaults: {hedge: {after: 3s, budget: 2.5%}}",
      "defaults: {hedge: {after: auto}, timeouts: {total: 0}}",
      "log: {format: json}",
      "x-y: 1",
      "server: {port: 0x10}",
      "sessions: {redis: {url: 'redis+unix:///a'}}",
    );
    const settings = fc.uniqueArray(setting, { selector: (text) => text.split(":")[0], maxLength: 6 });
    fc.assert(
      fc.property(settings, (lines) => {
        const text = `${lines.join("\n")}\n${PROVIDER}`;
        expect(linesOf(text)).toEqual([]);
        expect(acceptsText(text)).toBe(true);
      }),
    );
  });
});
