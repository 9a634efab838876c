/**
 * Failsafe ports and the chains of host endpoints that they stand in.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { hostChainsOf, tierSettings } from "#/policy/lowering/chain.ts";
import { FAILSAFE_INBOUND, FAILSAFE_POLICIES, failsafeKey } from "#/policy/lowering/failsafe.ts";
import { type LoweredPolicy, lowerPolicy } from "#/policy/lowering/lower.ts";
import { policy, tier } from "#tests/unit/policy/policy_builders.ts";

const TIERS = new Map([tier("default", 1, "Deny")].map((object) => [object.metadata.name, tierSettings(object)]));

function lowered(name: string, spec: JsonObject): LoweredPolicy {
  return lowerPolicy(policy("", name, { types: ["Ingress", "Egress"], ...spec }), 1);
}

const POLICIES = [
  lowered("dnt", { doNotTrack: true, applyOnForward: true }),
  lowered("pre", { preDNAT: true, applyOnForward: true, types: ["Ingress"] }),
  lowered("aof", { applyOnForward: true }),
  lowered("plain", {}),
];
const PARTS = { tiers: TIERS, policies: POLICIES, profiles: ["p"] };

Deno.test("hostChainsOf() asks each policy in its phases", () => {
  const chains = hostChainsOf(PARTS, "eth0");
  const key = (name: string) => `GlobalNetworkPolicy//${name}`;
  const tiers = (
    defaultAction: "deny" | "pass",
    ...policies: string[]
  ) => [{ tier: "default", defaultAction, policies }];
  const failsafe = { tier: "", defaultAction: "pass", policies: ["Failsafe//normal"] };
  const handsOn = { profiles: [], atEnd: "continue" };
  assertEquals(chains as unknown, {
    untracked: {
      ingress: { tiers: tiers("pass", "Failsafe//untracked", key("dnt")), ...handsOn },
      egress: { tiers: tiers("pass", "Failsafe//untracked", key("dnt")), ...handsOn },
    },
    preDnat: {
      ingress: { tiers: tiers("pass", "Failsafe//preDnat", key("pre")), ...handsOn },
      egress: { tiers: [], ...handsOn },
    },
    forward: {
      ingress: { tiers: tiers("deny", key("aof")), ...handsOn },
      egress: { tiers: tiers("deny", key("aof")), ...handsOn },
    },
    normal: {
      ingress: { tiers: [failsafe, ...tiers("deny", key("aof"), key("plain"))], profiles: ["Profile//p"] },
      egress: { tiers: [failsafe, ...tiers("deny", key("aof"), key("plain"))], profiles: ["Profile//p"] },
    },
  });
});

Deno.test("hostChainsOf() has no untracked policies on an endpoint of all interfaces", () => {
  assertEquals(hostChainsOf(PARTS, "*").untracked.ingress.tiers, []);
  assertEquals(hostChainsOf(PARTS, "*").preDnat.ingress.tiers.length, 1);
});

Deno.test("FAILSAFE_POLICIES allow in the normal phase and pass in those before, with replies before connection tracking", () => {
  const shown = (phase: "normal" | "untracked" | "preDnat", direction: "ingress" | "egress") =>
    FAILSAFE_POLICIES[phase][direction]?.map(({ action, protocol, source }) =>
      `${action} ${protocol} ${source.ports === "any" ? "to" : "from"}`
    );
  assertEquals(shown("normal", "ingress"), ["allow 6 to", "allow 17 to"]);
  assertEquals(shown("untracked", "egress"), ["pass 6 to", "pass 17 to", "pass 6 from", "pass 17 from"]);
  assertEquals([shown("preDnat", "ingress")?.length, shown("preDnat", "egress")], [2, undefined]);
  assertEquals(failsafeKey("normal"), "Failsafe//normal");
  assertEquals(FAILSAFE_INBOUND.get(6)?.includes(22), true);
});
