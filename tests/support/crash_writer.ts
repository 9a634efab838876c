/**
 * A server in miniature, to be killed: opens the store on a directory, submits without pause from several writers, and prints a line for each acknowledged
 * event. Run as a program by `tests/db/crash_test.ts`.
 *
 * @module
 */
import { errorText } from "#/base/errors.ts";
import { systemClock, systemRandom } from "#/base/ports.ts";
import { openStore } from "#/events/store.ts";
import { startDecider } from "#/server/decider.ts";
import { fullDraft } from "#tests/support/events.ts";

const WRITERS = 8;

if (import.meta.main) {
  const store = await openStore({ dataDir: Deno.args[0]! });
  const head = await store.log.head();
  const decider = startDecider({
    ...{ log: store.log, head, state: head.position, clock: systemClock, random: systemRandom },
    decide: (state: number, times: number) => ({
      kind: "accepted" as const,
      events: Array.from({ length: times }, (_, n) => fullDraft(state + n)),
    }),
    fold: (state: number) => state + 1,
    onCommitted: () => {},
  });
  decider.failed.addEventListener("abort", () => {
    console.error(errorText(decider.failed.reason));
    Deno.exit(1);
  });
  console.log(`postgres ${store.postgresPid}`);
  for (let writer = 0; writer < WRITERS; writer++) {
    (async () => {
      while (true) {
        const outcome = await decider.submit(1 + writer % 3);
        if (outcome.kind !== "decided") Deno.exit(2);
        console.log(outcome.events.map(({ position, hash }) => `${position} ${hash}`).join("\n"));
      }
    })().catch(() => {});
  }
}
