/**
 * PatchObject with the patch types that change the stored object: json, merge and strategic. Server-side apply has its own file.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { create, given, lines, namespace, patch, pod, policy, refOf, refused, tier } from "./cluster.ts";

Deno.test("PatchObject merges, admits and records what changed", () => {
  const cluster = given(create(tier("a", 5)));
  const decision = cluster.run(
    patch(refOf(tier("a")), "merge", { metadata: { labels: { x: "y" } }, spec: { order: null } }),
  );
  assertEquals(lines(decision), ["TierUpdated projectcalico.org/tiers/-/a@2"]);
  assertEquals(decision.object!.spec, { order: 1_000_000, defaultAction: "Deny" });
  assertEquals(decision.object!.metadata.labels, { x: "y" });
});

Deno.test("PatchObject carries out JSON patches, and refuses all of one that does not fit", () => {
  const cluster = given(create(tier("a", 5)));
  const ref = refOf(tier("a"));
  const good = cluster.run(patch(ref, "json", [{ op: "replace", path: "/spec/order", value: 6 }]));
  assertEquals(good.object!.spec!.order, 6);
  const bad = cluster.decide(
    patch(ref, "json", [{ op: "replace", path: "/spec/order", value: 7 }, {
      op: "test",
      path: "/spec/order",
      value: 8,
    }]),
  );
  assert(bad.kind === "rejected" && bad.reason === "Invalid");
  assertStringIncludes(bad.message, "Operation 1 of the JSON patch (test /spec/order)");
  assertEquals(cluster.get(ref).spec!.order, 6);
});

Deno.test("PatchObject merges the lists of core kinds by key", () => {
  const cluster = given(create(namespace("shop")), create(pod("shop", "web")));
  const body = {
    spec: {
      containers: [{ name: "main", image: "nginx" }],
      $retainKeys: ["containers", "nodeName", "serviceAccountName"],
    },
  };
  const { object } = cluster.run(patch(refOf(pod("shop", "web")), "strategic", body));
  assertEquals(object!.spec!.containers, [{ name: "main", image: "nginx" }]);
  assertEquals(object!.spec!.nodeName, "node1");
});

Deno.test("PatchObject refuses strategic patches of kinds without merge keys, as custom resources do", () => {
  refused(
    given(create(tier("a"))).decide(patch(refOf(tier("a")), "strategic", { spec: { order: 6 } })),
    "UnsupportedMediaType",
    "the body of the request was in an unknown format - accepted media types include: " +
      "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
  );
});

Deno.test("PatchObject refuses a stale version, another name, and what is not there", () => {
  const cluster = given(create(tier("a")));
  const ref = refOf(tier("a"));
  refused(
    cluster.decide(patch(ref, "merge", { metadata: { resourceVersion: "1" }, spec: { order: 6 } })),
    "Conflict",
    'Operation cannot be fulfilled on tiers.projectcalico.org "a": the object has been modified; ' +
      "please apply your changes to the latest version and try again",
  );
  refused(
    cluster.decide(patch(ref, "merge", { metadata: { name: "b" } })),
    "BadRequest",
    "the name of the object (b) does not match the name on the URL (a)",
  );
  refused(
    cluster.decide(patch(refOf(tier("b")), "merge", {})),
    "NotFound",
    'tiers.projectcalico.org "b" not found',
  );
});

Deno.test("PatchObject makes no event of a patch that changes nothing", () => {
  const cluster = given(create(policy("p", { order: 5 })));
  const before = cluster.get(refOf(policy("p")));
  for (const [type, body] of [["merge", { spec: { order: 5 } }], ["merge", {}], ["json", []]] as const) {
    const decision = cluster.run(patch(refOf(policy("p")), type, body, { fieldManager: "other" }));
    assertEquals(decision.events, []);
    assertEquals(decision.object, before);
  }
});

Deno.test("PatchObject refuses bodies of the wrong shape", () => {
  const cluster = given(create(tier("a")));
  const ref = refOf(tier("a"));
  refused(cluster.decide(patch(ref, "merge", [1])), "BadRequest", "The patch must be a JSON object");
  refused(cluster.decide(patch(ref, "json", {})), "BadRequest", "A JSON patch must be a list of operations");
  refused(
    cluster.decide(patch(ref, "json", [{ op: "replace", path: "", value: 5 }])),
    "BadRequest",
    "The object must be a JSON object",
  );
  refused(cluster.decide(patch(ref, "merge", { metadata: "x" })), "BadRequest", "The object must have metadata");
  refused(
    cluster.decide(patch(ref, "merge", { metadata: { resourceVersion: 5 } })),
    "BadRequest",
    "Field metadata.resourceVersion must be a string: number",
  );
});

Deno.test("PatchObject of status changes status alone", () => {
  const cluster = given(create(namespace("shop")), create(pod("shop", "web")));
  const ref = refOf(pod("shop", "web"));
  const ready = { type: "Ready", status: "True" };
  const body = { metadata: { labels: { a: "b" } }, spec: { nodeName: "node2" }, status: { conditions: [ready] } };
  cluster.run(
    patch(ref, "strategic", { status: { conditions: [{ type: "Other", status: "False" }] } }, {
      subresource: "status",
    }),
  );
  const { object } = cluster.run(patch(ref, "strategic", body, { subresource: "status" }));
  assertEquals(object!.status!.conditions, [{ type: "Other", status: "False" }, ready]);
  assertEquals(object!.spec!.nodeName, "node1");
  assertEquals(object!.metadata.labels, undefined);
});

Deno.test("PatchObject refuses a patch that is nested too deep, without running out of stack", () => {
  let deep: { [key: string]: typeof deep } = {};
  for (let depth = 0; depth < 100_000; depth++) deep = { deep };
  const cluster = given(create(tier("a")));
  for (const type of ["merge", "apply"] as const) {
    refused(
      cluster.decide(patch(refOf(tier("a")), type, deep)),
      "BadRequest",
      "The object must be nested at most 128 levels deep",
    );
  }
});
