/**
 * The order of tiers and policies.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { comparePolicies, compareTiers, type PolicyRank, type TierRank } from "#/policy/lowering/order.ts";
import { isStagedKind, policyRefOf } from "#/policy/policy_ref.ts";
import { policy } from "#tests/unit/policy/policy_builders.ts";

Deno.test("compareTiers() orders by existence, order, name", () => {
  const tiers: TierRank[] = [
    { name: "missing", exists: false, order: undefined },
    { name: "b", exists: true, order: 10 },
    { name: "late", exists: true, order: undefined },
    { name: "a", exists: true, order: 10 },
    { name: "first", exists: true, order: -0.5 },
    { name: "also-missing", exists: false, order: undefined },
  ];
  assertEquals(tiers.sort(compareTiers).map((tier) => tier.name), [
    "first",
    "a",
    "b",
    "late",
    "also-missing",
    "missing",
  ]);
});

Deno.test("comparePolicies() orders by order, then by the joined text name/namespace/kind", () => {
  const rank = (name: string, order?: number, namespace = "n", kind?: string): PolicyRank => ({
    ref: policyRefOf(policy(namespace, name, {}, kind)),
    order,
  });
  const policies = [
    rank("a0"),
    rank("a"),
    rank("a.b"),
    rank("a-b"),
    rank("a", undefined, ""),
    rank("a", undefined, "n", "StagedNetworkPolicy"),
    rank("a", undefined, "m"),
    rank("z", 0),
    rank("y", -3),
  ];
  const shown = policies.sort(comparePolicies).map(({ ref }) => `${ref.name}/${ref.namespace}/${ref.kind}`);
  assertEquals(shown, [
    "y/n/NetworkPolicy",
    "z/n/NetworkPolicy",
    "a-b/n/NetworkPolicy",
    "a.b/n/NetworkPolicy",
    "a//GlobalNetworkPolicy",
    "a/m/NetworkPolicy",
    "a/n/NetworkPolicy",
    "a/n/StagedNetworkPolicy",
    "a0/n/NetworkPolicy",
  ]);
});

Deno.test("isStagedKind() knows previews by their kind", () => {
  assertEquals(["StagedNetworkPolicy", "NetworkPolicy"].map(isStagedKind), [true, false]);
});
