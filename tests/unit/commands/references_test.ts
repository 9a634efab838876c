/**
 * Rules between objects: policies and their tier, pools and each other.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
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
