/**
 * Rows of the log.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { createMemoryLog } from "#/events/memory_log.ts";
import type { EventDraft } from "#/events/envelope.ts";
import { readLogRows, verbOf } from "#/server/product/log_query.ts";
import { placeAll, PLAIN_CONTEXT } from "#tests/support/events.ts";

function draft(name: string, type: string, revision: number): EventDraft {
  const [group, kind, plural] = ["projectcalico.org", "Tier", "tiers"];
  return {
    stream: `${group}/${plural}/-/${name}`,
    revision,
    type,
    schemaVersion: 1,
    object: { group, kind, namespace: "", name, uid: name },
    payload: "{}",
    context: { ...PLAIN_CONTEXT, reason: `of ${name}` },
  };
}

async function logOfTiers() {
  const log = createMemoryLog("log");
  const head = await log.head();
  const drafts = [
    draft("a", "TierCreated", 1),
    draft("b", "TierCreated", 1),
    draft("a", "TierUpdated", 2),
    draft("a", "TierDeleted", 3),
  ];
  await log.append(head, placeAll(head, drafts));
  return log;
}

Deno.test("readLogRows() tells one object's history, oldest first", async () => {
  const rows = await readLogRows(await logOfTiers(), { kind: "Tier", name: "a" });
  assertEquals(rows.map(({ position, verb, name, namespace, reason }) => [position, verb, name, namespace, reason]), [
    [1, "create", "a", null, "of a"],
    [3, "update", "a", null, "of a"],
    [4, "delete", "a", null, "of a"],
  ]);
});

Deno.test("readLogRows() filters by kind, starts where asked and keeps the limit", async () => {
  const log = await logOfTiers();
  assertEquals((await readLogRows(log, { kind: "IPPool" })).length, 0);
  assertEquals((await readLogRows(log, { from: 2, limit: 2 })).map(({ position }) => position), [2, 3]);
});

Deno.test("readLogRows() finds an object of a kind's name whatever its group, and of one group where that is given", async () => {
  const log = createMemoryLog("log");
  const head = await log.head();
  const policies = ["networking.k8s.io", "projectcalico.org"].map((group) => ({
    ...draft("web", "NetworkPolicyCreated", 1),
    stream: `${group}/networkpolicies/shop/web`,
    object: { group, kind: "NetworkPolicy", namespace: "shop", name: "web", uid: group },
  }));
  await log.append(head, placeAll(head, policies));
  const positions = async (group?: string) => {
    const rows = await readLogRows(log, { kind: "NetworkPolicy", namespace: "shop", name: "web", group });
    return rows.map(({ position }) => position);
  };
  assertEquals(await positions(), [1, 2]);
  assertEquals(await positions("projectcalico.org"), [2]);
});

Deno.test("verbOf() has a verb for intent, for facts, and keeps what it does not know", () => {
  assertEquals(["PodCreated", "BlockGranted", "EndpointUnbound", "DriftFound", "Strange"].map(verbOf), [
    "create",
    "grant",
    "unbind",
    "drift",
    "Strange",
  ]);
});
