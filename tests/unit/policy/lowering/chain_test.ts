/**
 * Chains: which policies, in which order, and what the interpreter makes of a chain whose parts are missing.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { parseIp } from "#/base/ip.ts";
import type { JsonObject } from "#/base/json.ts";
import { chainOf, tierSettings } from "#/policy/lowering/chain.ts";
import { interpretChain } from "#/policy/ir_interpreter.ts";
import { policyKey } from "#/policy/ir.ts";
import { type LoweredPolicy, lowerPolicy, lowerProfile } from "#/policy/lowering/lower.ts";
import { namespace, policy, tier } from "#tests/unit/policy/policy_builders.ts";

const TIERS = new Map(
  [tier("default", 1_000_000, "Deny"), tier("early", 5, "Pass"), tier("last", undefined, "Deny")]
    .map((object) => [object.metadata.name, tierSettings(object)]),
);

function lowered(name: string, spec: JsonObject, kind?: string): LoweredPolicy {
  return lowerPolicy(policy("", name, { types: ["Ingress"], ...spec }, kind), 1);
}

Deno.test("tierSettings() takes anything but Pass for a deny", () => {
  assertEquals([...TIERS.values()].map(({ order, defaultAction }) => [order, defaultAction]), [
    [1_000_000, "deny"],
    [5, "pass"],
    [undefined, "deny"],
  ]);
  assertEquals(tierSettings({ apiVersion: "v3", kind: "Tier", metadata: { name: "t" } }).defaultAction, "deny");
});

Deno.test("chainOf() orders tiers and policies and keeps out what does not govern", () => {
  const policies = [
    lowered("z", { tier: "last" }),
    lowered("gone", { tier: "a-missing" }),
    lowered("b", { order: 1 }),
    lowered("a", {}),
    lowered("e", { tier: "early" }),
    lowered("egress", { types: ["Egress"] }),
    lowered("staged", {}, "StagedGlobalNetworkPolicy"),
    lowered("only-staged", { tier: "preview" }, "StagedGlobalNetworkPolicy"),
  ];
  const expected = {
    tiers: [
      { tier: "early", defaultAction: "pass", policies: ["GlobalNetworkPolicy//e"] },
      { tier: "default", defaultAction: "deny", policies: ["GlobalNetworkPolicy//b", "GlobalNetworkPolicy//a"] },
      { tier: "last", defaultAction: "deny", policies: ["GlobalNetworkPolicy//z"] },
      { tier: "a-missing", defaultAction: "deny", policies: ["GlobalNetworkPolicy//gone"] },
    ],
    profiles: ["Profile//kns.n1", "Profile//ksa.n1.x"],
  };
  const profiles = ["kns.n1", "ksa.n1.x"];
  assertEquals(chainOf("ingress", { tiers: TIERS, policies, profiles }), expected as ReturnType<typeof chainOf>);
  assertEquals(
    chainOf("ingress", { tiers: TIERS, policies: policies.reverse(), profiles }),
    expected as ReturnType<typeof chainOf>,
  );
});

const PACKET = {
  source: parseIp("1.1.1.1")!,
  destination: parseIp("2.2.2.2")!,
  protocol: 6,
  sourcePort: 1,
  destinationPort: 80,
  icmp: undefined,
};
const NO_SETS = { has: () => false };

Deno.test("interpretChain() names the rule, the policy and the tier that decided", () => {
  const log = lowered("log", { tier: "early", ingress: [{ action: "Log" }, { action: "Allow", protocol: "UDP" }] });
  const allow = lowered("allow", { ingress: [{ action: "Deny", protocol: "UDP" }, { action: "Allow" }] });
  const chain = chainOf("ingress", { tiers: TIERS, policies: [log, allow], profiles: [] });
  const policies = new Map([log, allow].map((one) => [policyKey(one.policy.ref), one.policy]));
  assertEquals(interpretChain(chain, "ingress", PACKET, { policies, sets: NO_SETS }), {
    action: "allow",
    ruleId: "1/i/1",
    policy: "GlobalNetworkPolicy//allow",
    tier: "default",
    logged: ["1/i/0"],
  });
});

Deno.test("interpretChain() names the profile's rule, or nothing at the end", () => {
  const { policy: kns } = lowerProfile(namespace("n1"), 9);
  const policies = new Map([[policyKey(kns.ref), kns]]);
  const verdict = (profiles: readonly string[]) =>
    interpretChain({ tiers: [], profiles }, "egress", PACKET, { policies, sets: NO_SETS });
  assertEquals(verdict(["Profile//kns.n1"]), {
    action: "allow",
    ruleId: "9/e/0",
    policy: "Profile//kns.n1",
    tier: undefined,
    logged: [],
  });
  assertEquals([verdict([]).action, verdict([]).policy], ["deny", undefined]);
  assertEquals([verdict(["Profile//gone"]).action, verdict(["Profile//gone"]).policy], ["deny", "Profile//gone"]);
});

Deno.test("interpretChain() denies when a policy of the chain is missing", () => {
  const chain = {
    tiers: [{ tier: "t", defaultAction: "pass", policies: ["NetworkPolicy/n/gone"] }],
    profiles: [],
  } as const;
  const verdict = interpretChain(chain, "ingress", PACKET, { policies: new Map(), sets: NO_SETS });
  assertEquals([verdict.action, verdict.policy, verdict.tier], ["deny", "NetworkPolicy/n/gone", "t"]);
});

Deno.test("interpretChain() goes from a profile's pass to the next profile", () => {
  const { policy: kns } = lowerProfile(namespace("n1"), 9);
  const passing = {
    ...kns,
    ref: { ...kns.ref, name: "passing" },
    ingress: kns.ingress!.map((rule) => ({ ...rule, action: "pass" as const })),
  };
  const policies = new Map([kns, passing].map((one) => [policyKey(one.ref), one]));
  const chain = { tiers: [], profiles: ["Profile//passing", "Profile//kns.n1"] };
  assertEquals(interpretChain(chain, "ingress", PACKET, { policies, sets: NO_SETS }).policy, "Profile//kns.n1");
});
