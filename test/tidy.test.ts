import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** What a folder under src may import. Imports point down only; `main.ts` is a layer of its own. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  protocol: ["core"],
  provider: ["core", "protocol"],
  session: ["core"],
  forward: ["core", "protocol", "provider", "session"],
  observe: ["core"],
  config: ["core", "protocol", "provider"],
  words: [],
  page: ["core", "protocol", "words"],
  http: ["core", "protocol", "provider", "session", "forward", "observe", "page"],
  simulator: ["core", "protocol"],
  app: ["core", "protocol", "provider", "session", "forward", "observe", "config", "http"],
  cli: ["core", "protocol", "config", "app", "simulator", "words"],
  main: ["cli", "package.json"],
};

/** Edges that hold for `import type` alone: a shape is shared, no code. */
const MAY_IMPORT_TYPES: Readonly<Record<string, readonly string[]>> = {
  session: ["provider"],
  words: ["http"],
  page: ["http"],
  cli: ["http"],
};

type Door = Readonly<{ what: RegExp; only: readonly string[]; instead: string }>;

/** What reaches outside a value goes through few files; `only` are the paths (or their beginnings) under src. */
const DOORS: readonly Door[] = [
  {
    what: /\bDate\.now\b|new Date\(\)|performance\.now\b|\bset(?:Timeout|Interval|Immediate)\(|Bun\.sleep/,
    only: ["core/clock.ts"],
    instead: "take a Clock",
  },
  {
    what: /Math\.random|randomBytes|randomUUID|getRandomValues/,
    only: ["core/random.ts", "core/ids.ts"],
    instead: "take a Random, or an id from core/ids",
  },
  {
    what: /(?<![\w.])fetch\((?!\w+:)/,
    only: ["forward/send.ts", "cli/", "page/browser/main.tsx"],
    instead: "take a Send, or in the page an Ask",
  },
  { what: /process\.env|Bun\.env/, only: ["main.ts", "cli/"], instead: "take the value as a parameter" },
  {
    what: /\bconsole\.|process\.(?:stdout|stderr)/,
    only: ["main.ts", "cli/", "observe/log.ts"],
    instead: "tell an event to the Observer",
  },
  { what: /process\.(?:on|once|exit|kill)\b/, only: ["main.ts", "cli/"], instead: "take an AbortSignal" },
  {
    what: /"node:fs|Bun\.(?:file|write)\(/,
    only: ["config/", "cli/", "app/", "observe/metric-process.ts"],
    instead: "take the content as a parameter",
  },
  {
    what: /Bun\.(?:serve|listen|connect)\b|(?<!\{ isIP \} from )"node:(?:net|tls|http|https|http2)"/,
    only: ["http/", "simulator/"],
    instead: "take a Send",
  },
  {
    what: /\bBun\.(?:spawn|build)|"node:child_process"/,
    only: ["page/build.ts"],
    instead: "do it in this process",
  },
  {
    what: /\b(?:session|local)Storage\b|\bindexedDB\b|\bdocument\.cookie\b/,
    only: ["page/browser/main.tsx"],
    instead: "take a StoredToken",
  },
  { what: /innerHTML/i, only: [], instead: "let Preact write text: names come from clients" },
  { what: /from "preact/, only: ["page/browser/"], instead: "show it in the page" },
  { what: /from "ioredis"/, only: ["session/redis/"], instead: "take a LeaseStore or a HomeStore" },
  { what: /from "elysia"/, only: ["http/"], instead: "take and answer plain values" },
  { what: /from "(?:pino|pino-pretty|prom-client)"/, only: ["observe/"], instead: "tell an event to the Observer" },
  { what: /from "(?:yaml|@sinclair\/typebox.*)"/, only: ["config/"], instead: "take plain rules" },
];

const FILE_LINES_MAX = 300;
const FUNCTION_LINES_MAX = 70;

/** Test folders that mirror no folder of src: they test the whole, or hold the scripted world. */
const FREE_TEST_FOLDERS = ["e2e", "world", "contract", "differential", "model", "bench"];

type File = Readonly<{
  /** Relative to the project, with forward slashes. */
  path: string;
  lines: readonly string[];
  /** The same lines with comments blanked, so that prose about a door does not open it. */
  code: readonly string[];
}>;

function files(root: string, ending: RegExp): File[] {
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) => ending.test(path));
  return paths.sort().map((path) => {
    const text = readFileSync(`${root}/${path}`, "utf8");
    const bare = text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ""));
    const code = bare.split("\n").map((line) => line.replace(/(^|\s)\/\/.*$/, ""));
    return { path: `${root}/${path}`, lines: text.trimEnd().split("\n"), code };
  });
}

const SRC = files("src", /\.tsx?$/);
const TESTS = files("test", /\.tsx?$/);
const LUA = files("src", /\.lua$/);
const inSrc = (file: File) => file.path.slice("src/".length);
const layerOf = (path: string) => path.replace(/\.tsx?$/, "").split("/")[0] ?? "";

/** Every line of `some` that `complain` has words for, as `path:line words`. */
function complaints(some: readonly File[], complain: (line: string, file: File) => string | null): string[] {
  return some.flatMap((file) =>
    file.code.flatMap((line, index) => {
      const words = complain(line, file);
      return words === null ? [] : [`${file.path}:${index + 1} ${words}`];
    }),
  );
}

/** The project's own modules that a file imports: `import type { Limits } from "../provider/provider.ts"` names the layer provider. */
function imports(file: File): Readonly<{ path: string; layer: string; typesOnly: boolean }>[] {
  const found = file.code.join("\n").matchAll(/^(?:import|export)( type)?\b[^"]*?"(\.[^"]+)"/gm);
  return [...found].map(([, typesOnly, target]) => {
    const path = new URL(target ?? "", `file:///${inSrc(file)}`).pathname.slice(1);
    return { path, layer: layerOf(path), typesOnly: typesOnly !== undefined };
  });
}

test("imports point down only", () => {
  const wrong = SRC.flatMap((file) => {
    const from = layerOf(inSrc(file));
    const allowed = [from, ...(MAY_IMPORT[from] ?? [])];
    const types = MAY_IMPORT_TYPES[from] ?? [];
    const up = imports(file).filter(
      ({ layer, typesOnly }) => !(allowed.includes(layer) || (typesOnly && types.includes(layer))),
    );
    return up.map(({ layer }) => `${file.path} imports ${layer}: move what is shared down, or take it as a parameter`);
  });
  expect(wrong).toEqual([]);
});

test("the outside is reached through its doors", () => {
  const wrong = complaints(SRC, (line, file) => {
    const door = DOORS.find(({ what, only }) => what.test(line) && !only.some((path) => inSrc(file).startsWith(path)));
    return door === undefined ? null : `${line.trim()}: only in ${door.only.join(", ")}; ${door.instead}`;
  });
  expect(wrong).toEqual([]);
});

test("what the page is made of runs in a browser", () => {
  const parts = new Set(SRC.filter((file) => inSrc(file).startsWith("page/browser/")));
  for (const part of parts) {
    const paths = imports(part).flatMap(({ path, typesOnly }) => (typesOnly ? [] : [path]));
    for (const file of SRC) if (paths.includes(inSrc(file))) parts.add(file);
  }
  const wrong = complaints([...parts], (line) =>
    /\bBun\.|"(?:node|bun):|\bprocess\./.test(line) ? `${line.trim()}: no browser has this` : null,
  );
  expect(wrong).toEqual([]);
});

test("a file is one idea, at most 300 lines", () => {
  const long = [...SRC, ...TESTS, ...LUA].filter(({ lines }) => lines.length > FILE_LINES_MAX);
  expect(long.map(({ path, lines }) => `${path} has ${lines.length} lines: find its second idea`)).toEqual([]);
});

test("a function fits a screen, at most 70 lines", () => {
  // The formatter indents by structure, so a block ends at the first later line that closes at its own depth.
  const wrong = SRC.flatMap((file) =>
    file.code.flatMap((line, start) => {
      const depth = /^( *)\S.*(?:\)|=>)[^()]* \{$|^( *)\).* \{$/.exec(line);
      if (depth === null) return [];
      const close = `${depth[1] ?? depth[2] ?? ""}}`;
      const size = file.code.slice(start).findIndex((later) => later.startsWith(close)) + 1;
      return size <= FUNCTION_LINES_MAX ? [] : [`${file.path}:${start + 1} has ${size} lines: give a part a name`];
    }),
  );
  expect(wrong).toEqual([]);
});

test("names say what a thing is", () => {
  const vague = /(?:^|\/)(?:utils?|helpers?|common|services?|managers?|types|misc|shared)(?:\/|\.tsx?$)/;
  const paths = [...SRC, ...TESTS].filter(({ path }) => vague.test(path)).map(({ path }) => `${path}: name its idea`);
  const declared =
    /\b(?:const|let|function|class|type|interface) (\w*(?:Manager|Service|Helper|Processor|Util|Utils)|[A-Z]\w*(?:Context|Data|Info))\b/;
  const words = complaints(SRC, (line) => {
    const name = declared.exec(line)?.[1];
    return name === undefined ? null : `${name}: say what it is or does`;
  });
  expect([...paths, ...words]).toEqual([]);
});

test("what is used is imported from where it is declared", () => {
  const barrels = complaints(SRC, (line) =>
    /^export (?:type )?(?:\*|\{[^}]*\}) .*from /.test(line) ? "re-exports: import it from its own file" : null,
  );
  expect(barrels).toEqual([]);
});

test("nothing is left for later", () => {
  const left = [...SRC, ...TESTS, ...LUA].filter(({ path }) => path !== "test/tidy.test.ts");
  const found = left.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) =>
      /\b(?:TODO|FIXME|XXX)\b/.test(line) ? [`${path}:${index + 1} do it, or drop it`] : [],
    ),
  );
  expect(found).toEqual([]);
});

test("tests lie where their subject lies", () => {
  const folders = TESTS.map(({ path }) => path.slice("test/".length))
    .filter((path) => path.endsWith(".test.ts") && path.includes("/"))
    .map((path) => path.slice(0, path.lastIndexOf("/")))
    .filter((folder) => !FREE_TEST_FOLDERS.includes(layerOf(folder)) && !existsSync(`src/${folder}`));
  expect([...new Set(folders)].map((folder) => `test/${folder}: there is no src/${folder}`)).toEqual([]);
});

test("tests wait for what happens, all of them run, and none replaces a module", () => {
  const wrong = complaints(TESTS, (line, { path }) => {
    if (path === "test/tidy.test.ts") return null;
    if (/\bmock\.module\(/.test(line)) return "pass another value in instead of mocking the module";
    if (/\b(?:test|describe|it)\.(?:only|todo|failing)\(/.test(line)) return "let every test run";
    if (/\bBun\.sleep(?:Sync)?\(/.test(line) && !/^test\/(?:world|bench)\//.test(path))
      return "wait for an event, or move the fake clock (test/world)";
    return null;
  });
  expect(wrong).toEqual([]);
});

test("every Lua script promises its KEYS, ARGV, RETURNS and INVARIANTS", () => {
  const silent = LUA.flatMap(({ path, lines }) => {
    const header = lines
      .slice(
        0,
        lines.findIndex((line) => !line.startsWith("--")),
      )
      .join("\n");
    const missing = ["KEYS", "ARGV", "RETURNS", "INVARIANTS"].filter((word) => !header.includes(word));
    return missing.length === 0 ? [] : [`${path}: its header lacks ${missing.join(", ")}`];
  });
  expect(silent).toEqual([]);
});
