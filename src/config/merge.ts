import { isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap } from "yaml";
import { MERGE_KEY, type Sheet, startOf } from "./sheet.ts";

/** A key's value, null where nothing follows the colon; `offset` is the key's own place. */
export type Entry = Readonly<{ node: Node | null; offset: number }>;

type From = Readonly<{ sheet: Sheet; problem(offset: number, path: string, message: string): void }>;

/** Of one mapping, those within merges included: ends a mapping that merges itself and lists of lists of aliases. */
const MERGES_MAX = 100;

/**
 * The keys of a mapping with what `<<` brings in: its own keys win, then the earlier of several sources (the merge key
 * of YAML 1.1, which 1.2 dropped and everybody kept).
 */
export function entriesOf(map: YAMLMap, path: string, from: From): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  let merges = 0;

  function add(source: YAMLMap): void {
    const bases: Node[] = [];
    for (const { key, value } of source.items) {
      const name = isScalar(key) ? String(key.value) : "";
      const node = value as Node | null;
      if (name !== MERGE_KEY) {
        if (!entries.has(name)) entries.set(name, { node, offset: startOf(key as Node) });
      } else if (node !== null) bases.push(...basesOf(node, from.sheet));
    }
    for (const base of bases) {
      if (++merges === MERGES_MAX) from.problem(startOf(base), path, `more than ${MERGES_MAX} merges (<<)`);
      if (merges >= MERGES_MAX) return;
      const target = from.sheet.resolve(base);
      if (isMap(target)) add(target);
      else if (!isAlias(target)) from.problem(startOf(base), path, "<< expected a mapping or a list of mappings");
    }
  }
  add(map);
  return entries;
}

function basesOf(node: Node, sheet: Sheet): readonly Node[] {
  const target = sheet.resolve(node);
  return isSeq(target) ? (target.items as Node[]) : [node];
}
