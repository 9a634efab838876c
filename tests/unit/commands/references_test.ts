/**
 * Rules between objects: policies and their tier, pools and each other.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { KubeObject } from "#/resources/object.ts";
import { crossProblems, tierOf } from "#/server/decide/cross_checks.ts";
import {
  create,
  given,
  lines,
  namespace,
  namespacedPolicy,
  patch,
  policy,
  pool,
  refOf,
  remove,
  tier,
} from "./cluster.ts";

Deno.test("A policy needs its tier to be there, on creation and when it moves", () => {
  const cluster = given(create(policy("p")));
  for (
    const decision of [
      cluster.decide(create(policy("q", { tier: "no" }))),
      cluster.decide(patch(refOf(policy("p")), "merge", { spec: { tier: "no" } })),
    ]
  ) {
    assert(decision.kind === "rejected" && decision.reason === "Invalid");
    assertEquals(decision.problems, [{
      path: "spec.tier",
      reason: "FieldValueNotFound",
      message: 'Not found: "no": must name a tier that exists',
    }]);
  }
});

Deno.test("A policy may move to another tier", () => {
  const cluster = given(create(tier("a")), create(policy("p")));
  const decision = cluster.run(patch(refOf(policy("p")), "merge", { spec: { tier: "a" } }));
  assertEquals(tierOf(decision.object!), "a");
});

Deno.test("No policy joins a tier that is being deleted, and one that is in it can still be changed", () => {
  const held = { ...tier("a"), metadata: { name: "a", finalizers: ["example.com/hold"] } };
  const cluster = given(create(held), create(namespace("shop")));
  cluster.run(remove(refOf(tier("a"))));
  const decision = cluster.decide(create(namespacedPolicy("shop", "p", { tier: "a" })));
  assert(decision.kind === "rejected" && decision.reason === "Invalid");
  assertEquals(decision.problems.map(({ path }) => path), ["spec.tier"]);
  const inside = policy("p", { tier: "a" });
  assertEquals(crossProblems(cluster.state, { ref: refOf(inside), before: inside, after: inside }), []);
});

/** One policy of each kind that is in a tier. */
const TIERED: readonly KubeObject[] = [
  policy("p", { tier: "a" }),
  { ...policy("p", { tier: "a" }), kind: "StagedGlobalNetworkPolicy" },
  namespacedPolicy("shop", "p", { tier: "a" }),
  { ...namespacedPolicy("shop", "p", { tier: "a" }), kind: "StagedNetworkPolicy" },
];

for (const object of TIERED) {
  Deno.test(`A ${object.kind} needs its tier, and holds it`, () => {
    const missing = given(create(namespace("shop"))).decide(create(object));
    assert(missing.kind === "rejected" && missing.reason === "Invalid");
    assertEquals(missing.problems.map(({ path, reason }) => [path, reason]), [["spec.tier", "FieldValueNotFound"]]);
    const cluster = given(create(namespace("shop")), create(tier("a")), create(object));
    const held = cluster.decide(remove(refOf(tier("a"))));
    assert(held.kind === "rejected" && held.reason === "Conflict");
    assertStringIncludes(held.message, `the tier still holds 1 policy: ${object.kind} "`);
    cluster.run(remove(refOf(object)));
    cluster.run(remove(refOf(tier("a"))));
    assertEquals(cluster.has(refOf(tier("a"))), false);
  });
}

Deno.test("A policy, its staged twin and policies of other kinds may have one name", () => {
  const cluster = given(create(namespace("shop")), create(tier("a")), ...TIERED.map((object) => create(object)));
  assertEquals(TIERED.every((object) => cluster.has(refOf(object))), true);
});

Deno.test("A pool must not overlap another, wider or narrower", () => {
  const cluster = given(create(pool("a", "10.0.0.0/16")));
  for (const cidr of ["10.0.0.0/16", "10.0.7.0/24", "10.0.0.0/8", "192.168.1.0/24"]) {
    const decision = cluster.decide(create(pool("b", cidr)));
    assert(decision.kind === "rejected" && decision.reason === "Invalid", cidr);
    const [holder, held] = cidr.startsWith("10.") ? ["a", "10.0.0.0/16"] : ["default-ipv4-ippool", "192.168.0.0/16"];
    assertEquals(decision.problems, [{
      path: "spec.cidr",
      reason: "FieldValueInvalid",
      message: `Invalid value: "${cidr}": must not overlap another pool: pool "${holder}" has ${held}`,
    }]);
  }
  assertEquals(lines(cluster.run(create(pool("b", "10.1.0.0/16")))).length, 1);
  assertEquals(lines(cluster.run(patch(refOf(pool("a", "")), "merge", { spec: { disabled: true } }))).length, 1);
});
