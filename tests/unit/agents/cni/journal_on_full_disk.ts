/**
 * A program for `journal_test.ts`: fills a journal until its file may not grow, then lifts the limit. Prints what it saw.
 *
 * @module
 */
import { OperationalError } from "#/base/errors.ts";
import { openJournal } from "#/agents/cni/journal.ts";
import { assign } from "./records.ts";

/** More assignments than fit into the file. */
const ASSIGNMENTS_MAX = 64;

await using journal = await openJournal(Deno.args[0]!);
const append = (index: number) => journal.append(() => [assign(`10.0.0.${index}`, `c${index}`, "10.0.0.0/24")]);
let before = journal.ledger;
let index = 0;
for (let failed = false; !failed && index < ASSIGNMENTS_MAX;) {
  const results = await Promise.allSettled([append(index), append(index + 1)]);
  const reasons = results.flatMap((result) => result.status === "rejected" ? [result.reason] : []);
  failed = reasons.length > 0;
  if (failed) {
    const known = reasons.filter((error) => error instanceof OperationalError);
    console.log(`full: ${journal.fault?.split(":")[0]}, ${known.length} refused`);
    console.log(`same: ${JSON.stringify([...journal.ledger.assigned]) === JSON.stringify([...before.assigned])}`);
  } else {
    before = journal.ledger;
    index += 2;
  }
}
await new Deno.Command("prlimit", { args: ["--pid", `${Deno.pid}`, "--fsize=unlimited"] }).output();
await append(index);
console.log(`well: ${journal.ledger.assigned.has(`10.0.0.${index}`)} ${journal.fault}`);
