import { jsonSchema } from "../config/json-schema.ts";
import type { Terminal } from "./terminal.ts";

/** `hedgerow schema`: for yaml-language-server and whatever else reads JSON Schema. */
export function schema(terminal: Pick<Terminal, "write">): 0 {
  terminal.write(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
  return 0;
}
