/**
 * DeleteObject: preconditions, finalizers, namespaces with everything in them, and what cannot go because others rest on it.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { EventDraft } from "#/events/envelope.ts";
import type { KubeObject } from "#/resources/object.ts";
import { deletionRefusal } from "#/server/decide/deletion_checks.ts";
import {
  type Cluster,
  CONTEXT,
  create,
  given,
  lines,
  namespace,
  namespacedPolicy,
  patch,
  payloadOf,
  pod,
  policy,
  pool,
  refOf,
  refused,
  remove,
  tier,
} from "./cluster.ts";

const HOLD = "example.com/hold";

function held(object: KubeObject): KubeObject {
  return { ...object, metadata: { ...object.metadata, finalizers: [HOLD] } };
}

function release(cluster: Cluster, object: KubeObject): string[] {
  return lines(cluster.run(patch(refOf(object), "merge", { metadata: { finalizers: null } })));
}

Deno.test("DeleteObject makes one event with the object as it last was", () => {
  const cluster = given(create(tier("a", 5)));
  const decision = cluster.run(remove(refOf(tier("a"))), { reason: "no longer needed" });
  assertEquals(lines(decision), ["TierDeleted projectcalico.org/tiers/-/a@2"]);
  const { object, changed } = payloadOf(decision.events[0]);
  assertEquals(object.spec!.order, 5);
  assertEquals(object.metadata.resourceVersion, undefined);
  assertEquals(changed, undefined);
  assertEquals(decision.events[0]!.context.reason, "no longer needed");
  assertEquals(cluster.has(refOf(tier("a"))), false);
});

Deno.test("DeleteObject refuses what is not there", () => {
  refused(given().decide(remove(refOf(tier("a")))), "NotFound", 'tiers.projectcalico.org "a" not found');
});

Deno.test("DeleteObject holds to its preconditions", () => {
  const cluster = given(create(tier("a")));
  const { uid, resourceVersion } = cluster.get(refOf(tier("a"))).metadata;
  refused(
    cluster.decide(remove(refOf(tier("a")), { uid: "other" })),
    "Conflict",
    'Operation cannot be fulfilled on tiers.projectcalico.org "a": the UID in the precondition (other) does not match the UID ' +
      `in record (${uid}). The object might have been deleted and then recreated`,
  );
  refused(
    cluster.decide(remove(refOf(tier("a")), { resourceVersion: "1" })),
    "Conflict",
    'Operation cannot be fulfilled on tiers.projectcalico.org "a": the ResourceVersion in the precondition (1) does not match ' +
      `the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
  );
  assertEquals(lines(cluster.run(remove(refOf(tier("a")), { uid, resourceVersion }))).length, 1);
});

Deno.test("DeleteObject on a dry run makes no event, and is refused like the real one", () => {
  const cluster = given(create(tier("a")));
  const decision = cluster.run(remove(refOf(tier("a")), { dryRun: true }));
  assertEquals(decision.events, []);
  assertEquals(cluster.decide(remove(refOf(tier("default")), { dryRun: true })).kind, "rejected");
});

Deno.test("DeleteObject only marks an object that finalizers hold; the last finalizer takes it along", () => {
  const cluster = given(create(held(tier("a"))));
  const marked = cluster.run(remove(refOf(tier("a"))));
  assertEquals(lines(marked), ["TierUpdated projectcalico.org/tiers/-/a@2"]);
  assertMatch(marked.object!.metadata.deletionTimestamp!, /^2026-01-01T00:00:\d\dZ$/);
  assertEquals(cluster.run(remove(refOf(tier("a")))).events, []);
  assertEquals(release(cluster, tier("a")), ["TierDeleted projectcalico.org/tiers/-/a@3"]);
  assertEquals(cluster.has(refOf(tier("a"))), false);
});

Deno.test("DeleteObject lets nobody add finalizers to what is going, nor take the mark back", () => {
  const cluster = given(create(held(tier("a"))));
  cluster.run(remove(refOf(tier("a"))));
  const added = cluster.decide(
    patch(refOf(tier("a")), "merge", { metadata: { finalizers: [HOLD, "example.com/more"] } }),
  );
  assert(added.kind === "rejected" && added.reason === "Invalid");
  assertEquals(added.problems.map(({ path, reason }) => ({ path, reason })), [
    { path: "metadata.finalizers", reason: "FieldValueForbidden" },
  ]);
  const undone = cluster.run(patch(refOf(tier("a")), "merge", { metadata: { deletionTimestamp: null } }));
  assertEquals(undone.events, []);
});

Deno.test("DeleteObject of a namespace deletes its objects first, by collection and name, and the namespace last", () => {
  const other = pod("other", "web");
  const cluster = given(
    create(namespace("shop")),
    create(namespace("other")),
    create(pod("shop", "web")),
    create(pod("shop", "db")),
    create(namespacedPolicy("shop", "p")),
    create(other),
  );
  const decision = cluster.run(remove(refOf(namespace("shop"))), { reason: "closing" });
  assertEquals(lines(decision), [
    "PodDeleted core/pods/shop/db@2",
    "PodDeleted core/pods/shop/web@2",
    "NetworkPolicyDeleted projectcalico.org/networkpolicies/shop/p@2",
    "NamespaceDeleted core/namespaces/-/shop@2",
  ]);
  assertEquals(new Set(decision.events.map((event) => event.context.reason)), new Set(["closing"]));
  assertEquals(cluster.has(refOf(pod("shop", "web"))), false);
  assertEquals(cluster.has(refOf(other)), true);
});

Deno.test("DeleteObject of a namespace waits for finalizers in it, and goes with the last object", () => {
  const cluster = given(create(namespace("shop")), create(pod("shop", "web")), create(held(pod("shop", "db"))));
  const decision = cluster.run(remove(refOf(namespace("shop"))));
  assertEquals(lines(decision), [
    "PodUpdated core/pods/shop/db@2",
    "PodDeleted core/pods/shop/web@2",
    "NamespaceUpdated core/namespaces/-/shop@2",
  ]);
  assertEquals(cluster.get(refOf(namespace("shop"))).status, { phase: "Terminating" });
  assertEquals(cluster.run(remove(refOf(namespace("shop")))).events, []);
  assertEquals(release(cluster, pod("shop", "db")), [
    "PodDeleted core/pods/shop/db@3",
    "NamespaceDeleted core/namespaces/-/shop@3",
  ]);
});

Deno.test("DeleteObject of a namespace waits for its own finalizers and its content, whichever ends last", () => {
  const cluster = given(create(held(namespace("shop"))), create(held(pod("shop", "web"))));
  cluster.run(remove(refOf(namespace("shop"))));
  assertEquals(release(cluster, namespace("shop")), ["NamespaceUpdated core/namespaces/-/shop@3"]);
  assertEquals(release(cluster, pod("shop", "web")), [
    "PodDeleted core/pods/shop/web@3",
    "NamespaceDeleted core/namespaces/-/shop@4",
  ]);

  const empty = given(create(held(namespace("shop"))));
  assertEquals(lines(empty.run(remove(refOf(namespace("shop"))))), ["NamespaceUpdated core/namespaces/-/shop@2"]);
  assertEquals(release(empty, namespace("shop")), ["NamespaceDeleted core/namespaces/-/shop@3"]);
});

Deno.test("DeleteObject keeps the namespaces that the cluster cannot be without", () => {
  for (const name of ["default", "kube-system"]) {
    refused(
      given().decide(remove(refOf(namespace(name)))),
      "Forbidden",
      `namespaces "${name}" is forbidden: this namespace may not be deleted`,
    );
  }
});

Deno.test("DeleteObject keeps built-in tiers and tiers with policies, naming these", () => {
  refused(
    given().decide(remove(refOf(tier("kube-admin")))),
    "Forbidden",
    'tiers.projectcalico.org "kube-admin" is forbidden: built-in tiers may not be deleted',
  );
  const cluster = given(
    create(tier("a")),
    create(namespace("shop")),
    create(policy("p", { tier: "a" })),
    create(namespacedPolicy("shop", "q", { tier: "a" })),
    create(policy("elsewhere")),
  );
  refused(
    cluster.decide(remove(refOf(tier("a")))),
    "Conflict",
    'Operation cannot be fulfilled on tiers.projectcalico.org "a": the tier still holds 2 policies: ' +
      'GlobalNetworkPolicy "p", NetworkPolicy "shop/q"',
  );
  for (let at = 0; at < 6; at++) cluster.run(create(policy(`p${at}`, { tier: "a" })));
  const refusal = deletionRefusal(cluster.state, refOf(tier("a")), tier("a"));
  assertMatch(refusal!.message, /holds 8 policies: .* and 3 more$/);
});

Deno.test("DeleteObject keeps a pool while nodes hold blocks of it, counting the addresses in use", () => {
  const cluster = given(create(pool("small", "10.7.0.0/24")));
  const fact = (type: string, plural: string, payload: Record<string, string>): EventDraft => ({
    stream: `tortie.dev/${plural}/-/x`,
    revision: 1,
    type,
    schemaVersion: 1,
    object: { group: "tortie.dev", kind: "Block", namespace: "", name: "x", uid: "" },
    payload: JSON.stringify(payload),
    context: CONTEXT,
  });
  const block = { cidr: "10.7.0.0/26", node: "node1", pool: "small" };
  cluster.fold(fact("BlockGranted", "blocks", block));
  const message = (used: string) =>
    `Operation cannot be fulfilled on ippools.projectcalico.org "small": the pool has ${used} in use, in 1 block that nodes hold`;
  refused(cluster.decide(remove(refOf(pool("small", "")))), "Conflict", message("0 addresses"));
  const address = { address: "10.7.0.3", block: block.cidr, node: "node1", handle: "h", namespace: "shop", pod: "web" };
  cluster.fold(fact("AddressAssigned", "addresses", address));
  refused(cluster.decide(remove(refOf(pool("small", "")))), "Conflict", message("1 address"));
  cluster.fold(fact("AddressReleased", "addresses", address));
  cluster.fold(fact("BlockReleased", "blocks", block));
  assertEquals(lines(cluster.run(remove(refOf(pool("small", ""))))).length, 1);
});

Deno.test("DeleteObject leaves a namespace alone that holds an object which cannot be read", () => {
  const cluster = given(create(namespace("shop")), create(pod("shop", "web")));
  const event = given(create(namespace("shop"))).run(create(pod("shop", "web"))).events[0]!;
  cluster.fold({ ...event, revision: 2, schemaVersion: 99 });
  refused(
    cluster.decide(remove(refOf(namespace("shop")))),
    "Forbidden",
    'pods "web" is forbidden: its last event was written by a newer version and cannot be read: use that version to change it',
  );
});
