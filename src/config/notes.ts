import { globMatches, isLiteral } from "../provider/glob.ts";
import type { Config, ProviderConfig } from "./config.ts";
import { itemPath, keyPath } from "./problem.ts";

/** What is allowed and yet hardly meant: `note` is told the key and what comes of it. `has`: the file itself says this key. */
export function note(config: Config, has: (path: string) => boolean, tell: (path: string, message: string) => void) {
  const { admin, clients, providers } = config;
  const served = new Set(providers.flatMap(({ groups }) => groups));
  for (const [index, { name, groups, key }] of clients.entries()) {
    const path = itemPath("clients", index);
    if (!groups.some((group) => served.has(group))) {
      const where = has(`${path}.groups`) ? `${path}.groups` : path;
      tell(where, `no provider is in ${groups.join(" or ")}; every request of ${name} will be answered no_provider`);
    }
    if (admin.token !== undefined && admin.token.reveal() === key.reveal()) {
      tell("admin.token", `the same as the key of clients[${index}]: ${name} may do all that an operator may`);
    }
  }
  for (const [index, provider] of providers.entries()) {
    for (const name of leftOut(provider)) {
      const path = keyPath(`${itemPath("providers", index)}.model_map`, name);
      tell(path, `never used, since models of ${provider.name} leaves this name out; add it there`);
    }
  }
}

/** Names that are mapped and not served. What a glob would be asked for is not known. */
function leftOut({ models, model_map }: ProviderConfig): readonly string[] {
  if (models === undefined) return [];
  const names = model_map.map(({ key }) => key).filter(isLiteral);
  return names.filter((name) => !models.some((glob) => globMatches(glob, name)));
}
