/**
 * Server-side apply: creation, second managers, conflicts and force, fields that are no longer wanted, and the way from client-side apply.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Json } from "#/base/json.ts";
import type { KubeObject } from "#/resources/object.ts";
import { applyPatch } from "#/server/decide/apply_patch.ts";
import { SERVED_KINDS } from "#/server/decide/decide.ts";
import { LAST_APPLIED_ANNOTATION } from "#/server/decide/last_applied.ts";
import {
  apply,
  type Cluster,
  CONTEXT,
  create,
  given,
  lines,
  namespace,
  patch,
  pod,
  policy,
  refOf,
  refused,
  replace,
} from "./cluster.ts";

const REF = refOf(policy("p"));

function owners(object: KubeObject): Record<string, unknown> {
  return Object.fromEntries(
    (object.metadata.managedFields ?? []).map((entry) => [
      `${entry.manager} ${entry.operation}${entry.subresource === undefined ? "" : ` ${entry.subresource}`}`,
      entry.fieldsV1,
    ]),
  );
}

/** Only what the test says: no defaults. */
function wish(spec: Record<string, Json>, metadata: Partial<KubeObject["metadata"]> = {}): KubeObject {
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "GlobalNetworkPolicy",
    metadata: { name: "p", ...metadata },
    spec,
  };
}

Deno.test("apply creates what is not there, and its manager owns what it named", () => {
  const decision = given().run(apply(wish({ order: 5, selector: "all()" }, { labels: { a: "b" } }), "ann"));
  assertEquals(lines(decision), ["GlobalNetworkPolicyCreated projectcalico.org/globalnetworkpolicies/-/p@1"]);
  assertEquals(decision.created, true);
  assertEquals(decision.object!.spec!.tier, "default");
  assertEquals(owners(decision.object!), {
    "ann Apply": { "f:metadata": { "f:labels": { "f:a": {} } }, "f:spec": { "f:order": {}, "f:selector": {} } },
  });
  const [entry] = decision.object!.metadata.managedFields!;
  assertEquals([entry!.apiVersion, entry!.fieldsType], ["projectcalico.org/v3", "FieldsV1"]);
});

Deno.test("apply of the same again makes no event", () => {
  const cluster = given(apply(wish({ order: 5 }), "ann"));
  const before = cluster.get(REF);
  const again = cluster.run(apply(wish({ order: 5 }), "ann"));
  assertEquals(again.events, []);
  assertEquals(again.object, before);
});

Deno.test("apply by a second manager of other fields leaves both their own", () => {
  const cluster = given(apply(wish({ order: 5 }), "ann"));
  const { object } = cluster.run(apply(wish({ selector: "app == 'x'" }), "bob"));
  assertEquals(object!.spec!.order, 5);
  assertEquals(owners(object!), {
    "ann Apply": { "f:spec": { "f:order": {} } },
    "bob Apply": { "f:spec": { "f:selector": {} } },
  });
});

Deno.test("apply of another's field with its value shares it", () => {
  const cluster = given(apply(wish({ order: 5 }), "ann"), apply(wish({ order: 5 }), "bob"));
  assertEquals(owners(cluster.get(REF)), {
    "ann Apply": { "f:spec": { "f:order": {} } },
    "bob Apply": { "f:spec": { "f:order": {} } },
  });
  const released = cluster.run(apply(wish({}), "ann"));
  assertEquals(released.object!.spec!.order, 5);
  const gone = cluster.run(apply(wish({}), "bob"));
  assertEquals(gone.object!.spec!.order, undefined);
});

Deno.test("apply of another's field with another value is a conflict that names field, manager and version", () => {
  const cluster = given(create(policy("p", { order: 5 }), { fieldManager: "kubectl-client-side-apply" }));
  const refusal = refused(
    cluster.decide(apply(wish({ order: 6 }), "ann")),
    "Conflict",
    'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using projectcalico.org/v3: .spec.order',
  );
  assertEquals(refusal.problems, [{
    path: ".spec.order",
    reason: "FieldManagerConflict",
    message: 'conflict with "kubectl-client-side-apply" using projectcalico.org/v3',
  }]);
});

Deno.test("apply names all conflicts, by manager", () => {
  const cluster = given(
    apply(wish({ order: 5, selector: "a == 'x'" }), "bob"),
    apply(wish({ tier: "default", types: ["Ingress"] }), "cid"),
  );
  const refusal = refused(
    cluster.decide(apply(wish({ order: 6, selector: "all()", types: ["Egress"] }), "ann")),
    "Conflict",
    'Apply failed with 3 conflicts: conflicts with "bob":\n- .spec.order\n- .spec.selector\nconflicts with "cid":\n- .spec.types',
  );
  assertEquals(refusal.problems.map(({ message }) => message), [
    'conflict with "bob"',
    'conflict with "bob"',
    'conflict with "cid"',
  ]);
});

Deno.test("apply with force takes fields over, and their former owner meets the conflict then", () => {
  const cluster = given(apply(wish({ order: 5, selector: "all()" }), "ann"));
  const { object } = cluster.run(apply(wish({ order: 6 }), "bob", { force: true }));
  assertEquals(object!.spec!.order, 6);
  assertEquals(owners(object!), {
    "ann Apply": { "f:spec": { "f:selector": {} } },
    "bob Apply": { "f:spec": { "f:order": {} } },
  });
  refused(
    cluster.decide(apply(wish({ order: 5, selector: "all()" }), "ann")),
    "Conflict",
    'Apply failed with 1 conflict: conflict with "bob": .spec.order',
  );
});

Deno.test("apply removes what its manager no longer names, with objects that are empty then, and nothing of others", () => {
  const labels = { mine: "1", ours: "2" };
  const cluster = given(
    apply(wish({ order: 5 }, { labels, annotations: { note: "x" } }), "ann"),
    patch(REF, "merge", { metadata: { labels: { theirs: "3" } } }, { fieldManager: "bob" }),
  );
  const { object } = cluster.run(apply(wish({}, { labels: { ours: "2" } }), "ann"));
  assertEquals(object!.metadata.annotations, undefined);
  assertEquals(object!.spec!.order, undefined);
  const { mine, ours, theirs } = object!.metadata.labels as Record<string, string>;
  assertEquals({ mine, ours, theirs }, { mine: undefined, ours: "2", theirs: "3" });
});

Deno.test("apply owns a list of a v3 kind whole", () => {
  const rule = (net: string) => ({ action: "Allow", source: { nets: [net] } });
  const cluster = given(apply(wish({ types: ["Ingress"], ingress: [rule("10.0.0.0/8"), rule("10.1.0.0/16")] }), "ann"));
  const { object } = cluster.run(apply(wish({ types: ["Ingress"], ingress: [rule("10.2.0.0/16")] }), "ann"));
  assertEquals(object!.spec!.ingress, [rule("10.2.0.0/16")]);
  const refusal = cluster.decide(apply(wish({ ingress: [rule("10.3.0.0/16")] }), "bob"));
  assert(refusal.kind === "rejected");
  assertEquals(refusal.problems.map(({ path }) => path), [".spec.ingress"]);
});

Deno.test("apply merges keyed lists of core kinds item by item", () => {
  const labelled = (containers: Json): KubeObject => ({
    ...pod("shop", "web"),
    spec: { nodeName: "node1", containers },
  });
  const cluster = given(create(namespace("shop")), apply(labelled([{ name: "main", image: "one" }]), "ann"));
  const ref = refOf(pod("shop", "web"));
  const body = {
    apiVersion: "v1",
    kind: "Pod",
    spec: { containers: [{ name: "main", tty: true }] },
    metadata: { name: "web" },
  };
  const shared = cluster.run(patch(ref, "apply", body, { fieldManager: "bob" }));
  assertEquals(shared.object!.spec!.containers, [{ name: "main", image: "one", tty: true }]);
  const refusal = cluster.decide(
    patch(ref, "apply", { ...body, spec: { containers: [{ name: "main", image: "two" }] } }, { fieldManager: "bob" }),
  );
  assert(refusal.kind === "rejected");
  assertEquals(refusal.problems.map(({ path }) => path), ['.spec.containers[name="main"].image']);
});

Deno.test("apply loses to a later update, which then owns the field", () => {
  const cluster = given(apply(wish({ order: 5 }), "ann"));
  const { object } = cluster.run(patch(REF, "merge", { spec: { order: 9 } }, { fieldManager: "kubectl-edit" }));
  assertEquals(owners(object!), { "kubectl-edit Update": { "f:spec": { "f:order": {} } } });
  refused(
    cluster.decide(apply(wish({ order: 5 }), "ann")),
    "Conflict",
    'Apply failed with 1 conflict: conflict with "kubectl-edit" using projectcalico.org/v3: .spec.order',
  );
});

Deno.test("apply to an object without a record takes all of it as one former owner's", () => {
  const cluster = given(create(policy("p", { order: 5 })));
  cluster.run(patch(REF, "json", [{ op: "replace", path: "/metadata/managedFields", value: [{}] }]));
  assertEquals(cluster.get(REF).metadata.managedFields, undefined);
  cluster.run(patch(REF, "merge", { spec: { order: 6 } }, { fieldManager: "bob" }));
  assertEquals(cluster.get(REF).metadata.managedFields, undefined);
  refused(
    cluster.decide(apply(wish({ order: 7 }), "ann")),
    "Conflict",
    'Apply failed with 1 conflict: conflict with "before-first-apply" using projectcalico.org/v3: .spec.order',
  );
  const { object } = cluster.run(apply(wish({ order: 6 }), "ann"));
  assertEquals(Object.keys(owners(object!)), ["ann Apply", "before-first-apply Update"]);
});

Deno.test("apply by kubectl takes over what kubectl's client-side apply set, and keeps its annotation up to date", () => {
  const cluster = given(clientSide(5));
  const { object } = cluster.run(apply(wish({ order: 6, selector: "all()", types: ["Ingress"] }), "kubectl"));
  assertEquals(object!.spec!.order, 6);
  const kept = JSON.parse(object!.metadata.annotations![LAST_APPLIED_ANNOTATION]!);
  assertEquals(kept.spec.order, 6);
  assertEquals(kept.metadata, { name: "p" });

  const others = given(clientSide(5));
  refused(
    others.decide(apply(wish({ order: 6 }), "ann")),
    "Conflict",
    'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using projectcalico.org/v3: .spec.order',
  );
});

Deno.test("apply by kubectl does not take over what somebody changed since", () => {
  const cluster = given(clientSide(5), patch(REF, "merge", { spec: { order: 9 } }, { fieldManager: "kubectl-edit" }));
  refused(
    cluster.decide(apply(wish({ order: 6 }), "kubectl")),
    "Conflict",
    'Apply failed with 1 conflict: conflict with "kubectl-edit" using projectcalico.org/v3: .spec.order',
  );
});

function clientSide(order: number) {
  const sent = policy("p", { order });
  const annotations = { [LAST_APPLIED_ANNOTATION]: JSON.stringify(sent) };
  return create({ ...sent, metadata: { name: "p", annotations } }, { fieldManager: "kubectl-client-side-apply" });
}

Deno.test("a JSON patch of managedFields hands fields over, as kubectl's migration does", () => {
  const cluster: Cluster = given(clientSide(5), apply(policy("p", { order: 5 }), "kubectl"));
  const { metadata } = cluster.get(REF);
  const [applied, updated] = metadata.managedFields!;
  assertEquals([applied!.operation, updated!.manager], ["Apply", "kubectl-client-side-apply"]);
  const migrated = [{ ...applied!, fieldsV1: { ...updated!.fieldsV1, ...applied!.fieldsV1 } }];
  const operations = [
    { op: "replace", path: "/metadata/managedFields", value: migrated },
    { op: "replace", path: "/metadata/resourceVersion", value: metadata.resourceVersion! },
  ];
  const { object } = cluster.run(patch(REF, "json", operations, { fieldManager: "kubectl" }));
  assertEquals(Object.keys(owners(object!)), ["kubectl Apply"]);
  const changed = cluster.run(apply(policy("p", { order: 6 }), "kubectl"));
  assertEquals(changed.object!.spec!.order, 6);
});

Deno.test("managedFields that are empty or no such table leave the record as it is", () => {
  const cluster = given(apply(wish({ order: 5 }), "ann"));
  const before = cluster.get(REF).metadata.managedFields;
  for (const managedFields of [[], [{ manager: "x" }]]) {
    const { metadata, ...rest } = cluster.get(REF);
    cluster.run(replace({ ...rest, metadata: { ...metadata, managedFields: managedFields as never } }));
    assertEquals(cluster.get(REF).metadata.managedFields, before);
  }
});

Deno.test("apply to status is owned apart, and only there", () => {
  const cluster = given(create(namespace("shop")), create(pod("shop", "web")));
  const ref = refOf(pod("shop", "web"));
  const body = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", labels: { a: "b" } },
    status: { phase: "Running" },
  };
  const { object } = cluster.run(
    patch(ref, "apply", body, { fieldManager: "kubelet", subresource: "status", force: true }),
  );
  assertEquals(object!.status!.phase, "Running");
  assertEquals(object!.metadata.labels, undefined);
  assertEquals(owners(object!)["kubelet Apply status"], { "f:status": { "f:phase": {} } });
});

Deno.test("apply refuses what cannot be meant", () => {
  const cluster = given(apply(wish({ order: 5 }), "ann"));
  refused(
    cluster.decide(apply(wish({ order: 5 }), "")),
    "Invalid",
    'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
  );
  const table = { ...wish({}), metadata: { name: "p", managedFields: [] } };
  refused(cluster.decide(apply(table, "ann")), "BadRequest", "metadata.managedFields must be nil");
  refused(
    cluster.decide(
      patch(REF, "apply", { ...wish({}), metadata: { name: "q" } } as unknown as Json, { fieldManager: "ann" }),
    ),
    "BadRequest",
    "the name of the object (q) does not match the name on the URL (p)",
  );
  refused(
    cluster.decide(apply(wish({ order: 6 }, { resourceVersion: "1" }), "ann")),
    "Conflict",
    'Operation cannot be fulfilled on globalnetworkpolicies.projectcalico.org "p": the object has been modified; ' +
      "please apply your changes to the latest version and try again",
  );
  const invalid = cluster.decide(apply(wish({ order: "high" }), "ann"));
  assert(invalid.kind === "rejected" && invalid.reason === "Invalid");
  assertEquals(invalid.problems[0]!.path, "spec.order");
});

Deno.test("apply counts nulls as not named, as kubectl's generated manifests have them", () => {
  const { object } = given().run(
    apply(wish({ order: 5, ingress: null }, { creationTimestamp: null as never }), "ann"),
  );
  assertEquals(owners(object!), { "ann Apply": { "f:spec": { "f:order": {} } } });
});

Deno.test("apply on a dry run makes no event and shows the result", () => {
  const cluster = given(apply(wish({ order: 5 }), "ann"));
  const decision = cluster.run(apply(wish({ order: 6 }), "ann", { dryRun: true }));
  assertEquals(decision.events, []);
  assertEquals(decision.object!.spec!.order, 6);
  assertEquals(cluster.get(REF).spec!.order, 5);
});

Deno.test("applyPatch() leaves defaults to nobody", () => {
  const cluster = given();
  const kind = SERVED_KINDS.find("projectcalico.org", "globalnetworkpolicies")!;
  const command = apply(wish({ order: 5 }), "ann");
  assert(command.kind === "PatchObject");
  const inputs = { now: "2026-01-01T00:00:00.000Z", uuid: () => "" };
  const scope = { state: cluster.state, kinds: SERVED_KINDS, context: CONTEXT, inputs };
  const applied = applyPatch(scope, { kind, ref: REF, live: undefined, versions: [] }, command);
  assert(applied.kind === "applied");
  const admitted = policy("p", { order: 5, tier: "default" });
  assertEquals(applied.ownersAfter(admitted).map(({ fields }) => fields.size), [1]);
});
