/**
 * The hash chain: its golden, its canonical form, and that every kind of tampering is found at its place.
 *
 * @module
 */
import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "#/base/assert.ts";
import { canonicalJson } from "#/base/json.ts";
import type { StoredEvent } from "#/events/envelope.ts";
import type { PlacedDraft } from "#/events/event_log.ts";
import { canonicalHeader, chainBatch, GENESIS_HASH, hashEvent, verifyChain } from "#/events/integrity.ts";
import { emptyHead } from "#/events/memory_log.ts";
import { FULL_CONTEXT, fullDraft, placeAll, PLAIN_CONTEXT } from "#tests/support/events.ts";

const GOLDEN: PlacedDraft = {
  position: 42,
  occurredAt: "2026-01-02T03:04:05.678Z",
  stream: "projectcalico.org/globalnetworkpolicies/-/default-deny",
  revision: 2,
  type: "GlobalNetworkPolicyUpdated",
  schemaVersion: 1,
  object: {
    group: "projectcalico.org",
    kind: "GlobalNetworkPolicy",
    namespace: "",
    name: "default-deny",
    uid: "6a1f0c62-3a4e-4f52-9a52-0d3d0d9be001",
  },
  payload: '{"object":{"kind":"GlobalNetworkPolicy"}}',
  context: {
    actor: { user: "ann", groups: ["ops", "system:authenticated"], authMethod: "token" },
    source: { via: "api", ip: "10.0.0.7", fieldManager: "kubectl-client-side-apply" },
    requestId: "5d0f3f0e-7c1b-4a8e-8f0e-000000000001",
    reason: "close the cluster",
    vcs: { commit: "0123abc" },
  },
};

const GOLDEN_HEADER =
  '{"context":{"actor":{"authMethod":"token","groups":["ops","system:authenticated"],"user":"ann"},"reason":"close the cluster",' +
  '"requestId":"5d0f3f0e-7c1b-4a8e-8f0e-000000000001","source":{"fieldManager":"kubectl-client-side-apply","ip":"10.0.0.7","via":"api"},' +
  '"vcs":{"commit":"0123abc"}},"object":{"group":"projectcalico.org","kind":"GlobalNetworkPolicy","name":"default-deny","namespace":"",' +
  '"uid":"6a1f0c62-3a4e-4f52-9a52-0d3d0d9be001"},"occurredAt":"2026-01-02T03:04:05.678Z","position":42,"revision":2,"schemaVersion":1,' +
  '"stream":"projectcalico.org/globalnetworkpolicies/-/default-deny","type":"GlobalNetworkPolicyUpdated"}';

/** sha256 of 64 zeros, the header, a line feed and the payload, made once by another program; it may never change. */
const GOLDEN_HASH = "6d44bb202d1726e89a89b57e232eab40b0b11474b7f4c6d3cfdaa911cdbe8639";

Deno.test("hashEvent() is the sha256 that it always was", () => {
  assertEquals(canonicalHeader(GOLDEN), GOLDEN_HEADER);
  assertEquals(hashEvent(GENESIS_HASH, GOLDEN), GOLDEN_HASH);
});

Deno.test("canonicalHeader() equals canonicalJson of the event without payload and hash", () => {
  for (const context of [PLAIN_CONTEXT, FULL_CONTEXT, GOLDEN.context]) {
    const { payload: _payload, ...rest } = { ...GOLDEN, context };
    const json = JSON.parse(JSON.stringify(rest));
    assertEquals(canonicalHeader({ ...GOLDEN, context }), canonicalJson(json));
  }
});

Deno.test("canonicalHeader() takes an empty vcs for an absent one, as the columns do", () => {
  const { vcs: _vcs, ...context } = GOLDEN.context;
  assertEquals(
    canonicalHeader({ ...GOLDEN, context: { ...context, vcs: {} } }),
    canonicalHeader({ ...GOLDEN, context }),
  );
});

Deno.test("hashEvent() depends on every member and on the hash before", () => {
  const changed: readonly PlacedDraft[] = [
    { ...GOLDEN, position: 43 },
    { ...GOLDEN, occurredAt: "2026-01-02T03:04:05.679Z" },
    { ...GOLDEN, stream: "core/pods/-/x" },
    { ...GOLDEN, revision: 3 },
    { ...GOLDEN, type: "GlobalNetworkPolicyDeleted" },
    { ...GOLDEN, schemaVersion: 2 },
    { ...GOLDEN, payload: GOLDEN.payload + " " },
    ...(["group", "kind", "namespace", "name", "uid"] as const).map((key) => ({
      ...GOLDEN,
      object: { ...GOLDEN.object, [key]: "other" },
    })),
    ...(["requestId", "causationId", "correlationId", "reason", "observedAt"] as const).map((key) => ({
      ...GOLDEN,
      context: { ...GOLDEN.context, [key]: "other" },
    })),
    ...(["ip", "userAgent", "fieldManager"] as const).map((key) => ({
      ...GOLDEN,
      context: { ...GOLDEN.context, source: { ...GOLDEN.context.source, [key]: "other" } },
    })),
    { ...GOLDEN, context: { ...GOLDEN.context, source: { ...GOLDEN.context.source, via: "kube" } } },
    ...(["repo", "commit", "change"] as const).map((key) => ({
      ...GOLDEN,
      context: { ...GOLDEN.context, vcs: { ...GOLDEN.context.vcs, [key]: "other" } },
    })),
    { ...GOLDEN, context: { ...GOLDEN.context, actor: { ...GOLDEN.context.actor, user: "bob" } } },
    { ...GOLDEN, context: { ...GOLDEN.context, actor: { ...GOLDEN.context.actor, groups: [] } } },
    { ...GOLDEN, context: { ...GOLDEN.context, actor: { ...GOLDEN.context.actor, authMethod: "mtls" } } },
  ];
  const hashes = [GOLDEN, ...changed].map((event) => hashEvent(GENESIS_HASH, event));
  assertEquals(new Set(hashes).size, changed.length + 1);
  assertNotEquals(hashEvent("f".repeat(64), GOLDEN), GOLDEN_HASH);
});

function chainOf(count: number): readonly StoredEvent[] {
  const head = emptyHead("test");
  return chainBatch(head, placeAll(head, Array.from({ length: count }, (_, n) => fullDraft(n)))).events;
}

Deno.test("verifyChain() names the first position that is not what was appended", () => {
  const chain = chainOf(6);
  const tampered = (at: number, change: Partial<StoredEvent>) =>
    chain.map((event) => event.position === at ? { ...event, ...change } : event);
  const table: readonly (readonly [string, readonly StoredEvent[], number | undefined])[] = [
    ["untouched", chain, undefined],
    ["empty", [], undefined],
    ["payload edited", tampered(3, { payload: "{}" }), 3],
    ["hash edited", tampered(4, { hash: "0".repeat(64) }), 4],
    ["event removed", chain.filter((event) => event.position !== 2), 2],
    ["first event removed", chain.slice(1), 1],
    ["two exchanged", [chain[0]!, chain[2]!, chain[1]!, ...chain.slice(3)], 2],
    ["one twice", [...chain, chain[5]!], 7],
  ];
  for (const [name, events, expected] of table) assertEquals([name, verifyChain(events)], [name, expected]);
  assertEquals(verifyChain(chain.slice(2), chain[1]!), undefined);
  assertEquals(verifyChain(chain.slice(2), { position: 2, hash: GENESIS_HASH }), 3);
});

Deno.test("chainBatch() asserts dense positions, canonical times in order, and at least one event", () => {
  const head = emptyHead("test");
  const [first, second] = placeAll(head, [fullDraft(0), fullDraft(1)]);
  const { head: next, events } = chainBatch(head, [first!, second!]);
  assertEquals([next.position, next.hash, next.occurredAt], [2, events[1]!.hash, second!.occurredAt]);
  const bad: readonly (readonly [string, readonly PlacedDraft[]])[] = [
    ["Expected at least one event", []],
    ["Expected position 1 next: 2", [second!]],
    ["Expected position 2 next: 1", [first!, first!]],
    ["Expected a time not before", [first!, { ...second!, occurredAt: "1969-12-31T23:59:59.999Z" }]],
    ["Expected a UTC time with milliseconds", [{ ...first!, occurredAt: "2026-01-01T00:00:00Z" }]],
    ["Expected a UTC time with milliseconds", [{ ...first!, occurredAt: "2026-01-01T00:00:00.000+01:00" }]],
  ];
  for (const [message, batch] of bad) assertThrows(() => chainBatch(head, batch), AssertionFailure, message);
});
