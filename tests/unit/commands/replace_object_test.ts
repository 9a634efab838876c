/**
 * ReplaceObject: conflicts, what stays whatever is sent, generation, status apart from spec, and writes that change nothing.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { KubeObject } from "#/resources/object.ts";
import { CHANGED_PATHS_MAX } from "#/server/decide/drafts.ts";
import {
  type Cluster,
  create,
  given,
  lines,
  namespace,
  payloadOf,
  pod,
  refOf,
  refused,
  remove,
  replace,
  tier,
} from "./cluster.ts";

const STALE = 'Operation cannot be fulfilled on tiers.projectcalico.org "a": the object has been modified; ' +
  "please apply your changes to the latest version and try again";

function stored(cluster: Cluster, object: KubeObject): KubeObject {
  return cluster.get(refOf(object));
}

function withOrder(object: KubeObject, order: number): KubeObject {
  return { ...object, spec: { ...object.spec, order } };
}

Deno.test("ReplaceObject makes one event with the object after it and the fields that changed", () => {
  const cluster = given(create(tier("a", 5)));
  const before = stored(cluster, tier("a"));
  const decision = cluster.run(
    replace({ ...withOrder(before, 6), metadata: { ...before.metadata, labels: { x: "y" } } }),
  );
  assertEquals(lines(decision), ["TierUpdated projectcalico.org/tiers/-/a@2"]);
  const { object, changed } = payloadOf(decision.events[0]);
  assertEquals(changed, ["metadata.labels", "spec.order"]);
  assertEquals(object.spec, { order: 6, defaultAction: "Deny" });
  assertEquals(object.metadata.resourceVersion, undefined);
  assertEquals(decision.created, false);
});

Deno.test("ReplaceObject refuses a version that is not the current one", () => {
  const cluster = given(create(tier("a")));
  const before = stored(cluster, tier("a"));
  cluster.run(replace(withOrder(before, 6)));
  refused(cluster.decide(replace(withOrder(before, 7))), "Conflict", STALE);
  assertEquals(stored(cluster, tier("a")).spec!.order, 6);
});

Deno.test("ReplaceObject without a version takes the object as it is", () => {
  const cluster = given(create(tier("a")));
  assertEquals(lines(cluster.run(replace(tier("a", 7)))), ["TierUpdated projectcalico.org/tiers/-/a@2"]);
});

Deno.test("ReplaceObject refuses another uid, name or kind, and what is not there", () => {
  const cluster = given(create(tier("a")));
  const before = stored(cluster, tier("a"));
  const { uid } = before.metadata;
  refused(
    cluster.decide(replace({ ...before, metadata: { ...before.metadata, uid: "other" } })),
    "Conflict",
    `Operation cannot be fulfilled on tiers.projectcalico.org "a": Precondition failed: UID in precondition: other, UID in object meta: ${uid}`,
  );
  refused(
    cluster.decide({ ...replace(tier("b")), ref: refOf(tier("a")) }),
    "BadRequest",
    "the name of the object (b) does not match the name on the URL (a)",
  );
  refused(cluster.decide(replace(tier("b"))), "NotFound", 'tiers.projectcalico.org "b" not found');
});

Deno.test("ReplaceObject keeps what the server once set", () => {
  const cluster = given(create(tier("a")));
  const before = stored(cluster, tier("a"));
  const { object } = cluster.run(replace({ ...tier("a", 6), metadata: { name: "a", generation: 40 } }));
  assertEquals(object!.metadata.uid, before.metadata.uid);
  assertEquals(object!.metadata.creationTimestamp, before.metadata.creationTimestamp);
  assertEquals(object!.metadata.generation, 2);
});

Deno.test("ReplaceObject refuses to move times that are fixed", () => {
  const cluster = given(create(tier("a")));
  const refusal = cluster.decide(
    replace({ ...tier("a"), metadata: { name: "a", creationTimestamp: "2000-01-01T00:00:00Z" } }),
  );
  assert(refusal.kind === "rejected" && refusal.reason === "Invalid");
  assertEquals(refusal.problems.map(({ path }) => path), ["metadata.creationTimestamp"]);
});

Deno.test("ReplaceObject raises the generation with spec, and not with labels", () => {
  const cluster = given(create(tier("a", 5)));
  const generation = () => stored(cluster, tier("a")).metadata.generation;
  const labelled = { ...stored(cluster, tier("a")) };
  cluster.run(replace({ ...labelled, metadata: { ...labelled.metadata, labels: { a: "b" } } }));
  assertEquals(generation(), 1);
  cluster.run(replace(withOrder(stored(cluster, tier("a")), 6)));
  assertEquals(generation(), 2);
});

Deno.test("ReplaceObject makes no event when nothing changes, whoever writes", () => {
  const cluster = given(create(tier("a", 5)));
  const before = stored(cluster, tier("a"));
  const decision = cluster.run(replace(before, { fieldManager: "somebody-else" }));
  assertEquals(decision.events, []);
  assertEquals(decision.object, before);
  assertEquals(cluster.run(replace(tier("a", 5))).events, []);
});

Deno.test("ReplaceObject on a dry run answers with the version that is stored", () => {
  const cluster = given(create(tier("a", 5)));
  const before = stored(cluster, tier("a"));
  const decision = cluster.run(replace(withOrder(before, 6), { dryRun: true }));
  assertEquals(decision.events, []);
  assertEquals(decision.object!.spec!.order, 6);
  assertEquals(decision.object!.metadata.resourceVersion, before.metadata.resourceVersion);
  assertEquals(decision.object!.metadata.generation, 2);
});

Deno.test("ReplaceObject writes spec and status apart", () => {
  const cluster = given(create(namespace("shop")), create(pod("shop", "web")));
  const before = stored(cluster, pod("shop", "web"));
  const sent = { ...before, metadata: { ...before.metadata, labels: { a: "b" } }, status: { phase: "Running" } };
  const main = cluster.run(replace(sent));
  assertEquals(main.object!.status, { phase: "Pending" });
  assertEquals(main.object!.metadata.labels, { a: "b" });
  const now = stored(cluster, pod("shop", "web"));
  const status = cluster.run(
    replace({ ...now, metadata: { ...now.metadata, labels: {} }, spec: {}, status: { phase: "Running" } }, {
      subresource: "status",
    }),
  );
  assertEquals(status.object!.status, { phase: "Running" });
  assertEquals(status.object!.metadata.labels, { a: "b" });
  assertEquals(status.object!.spec, before.spec);
  assertEquals(status.object!.metadata.generation, 1);
  assertEquals(payloadOf(status.events[0]).changed, ["status.phase"]);
});

Deno.test("ReplaceObject serves status only where the kind has it", () => {
  const cluster = given(create(tier("a")));
  const message = "the server could not find the requested resource";
  refused(cluster.decide(replace(tier("a"), { subresource: "status" })), "NotFound", message);
  const scaled = given(create(namespace("shop")), create(pod("shop", "web")));
  refused(scaled.decide(replace(pod("shop", "web"), { subresource: "scale" })), "NotFound", message);
});

Deno.test("ReplaceObject names only so many changed fields", () => {
  const cluster = given(create(namespace("shop")), create(pod("shop", "web")));
  const before = stored(cluster, pod("shop", "web"));
  const labels = Object.fromEntries(Array.from({ length: 2 * CHANGED_PATHS_MAX }, (_, at) => [`l${at}`, "x"]));
  cluster.run(replace({ ...before, metadata: { ...before.metadata, labels: { first: "x" } } }));
  const decision = cluster.run(replace({ ...before, metadata: { name: "web", namespace: "shop", labels } }));
  assertEquals(payloadOf(decision.events[0]).changed!.length, CHANGED_PATHS_MAX);
});

Deno.test("ReplaceObject refuses an object whose last event cannot be read", () => {
  const cluster = given(create(tier("a")));
  const [event] = cluster.run(create(tier("b"), { dryRun: true })).events;
  assertEquals(event, undefined);
  const readable = given().run(create(tier("a"))).events[0]!;
  cluster.fold({ ...readable, revision: 2, schemaVersion: 99 });
  const message =
    'tiers.projectcalico.org "a" is forbidden: its last event was written by a newer version and cannot be read: ' +
    "use that version to change it";
  refused(cluster.decide(replace(tier("a", 9))), "Forbidden", message);
  refused(cluster.decide(remove(refOf(tier("a")))), "Forbidden", message);
});
