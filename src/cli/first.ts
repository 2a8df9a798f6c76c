import "./production.ts";
import { raiseFetchLimit } from "./raise-fetch-limit.ts";
import { keepHangups } from "./signals.ts";

// Before the rest of the program is loaded, which takes longer than both. It starts the program over in the same process:
// what is open by then would be lost, and what is loaded would be loaded twice.
raiseFetchLimit(process);
keepHangups(process.argv.slice(2));
