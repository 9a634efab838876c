/**
 * Chains judged for sets of headers. A header is one bit here, and a rule says which bits it matches.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type ActingRule, type ChainObserver, judgeHeaders, type ResolvedChain } from "#/policy/reach/reach_chain.ts";

interface BitRule extends ActingRule {
  readonly bits: number;
}

type BitTier = readonly ["deny" | "pass", ...(readonly BitRule[] | undefined)[]];

const allow = (bits: number): BitRule => ({ action: "allow", bits });
const deny = (bits: number): BitRule => ({ action: "deny", bits });
const pass = (bits: number): BitRule => ({ action: "pass", bits });
const log = (bits: number): BitRule => ({ action: "log", bits });

function chain(
  tiers: readonly BitTier[],
  profiles: readonly (readonly BitRule[] | undefined)[] = [],
  continues = false,
) {
  const policies = (lists: readonly (readonly BitRule[] | undefined)[]) =>
    lists.map((rules, index) => ({ key: `p${index}`, rules }));
  const resolved: ResolvedChain<BitRule> = {
    tiers: tiers.map(([defaultAction, ...lists], index) => ({
      tier: `t${index}`,
      defaultAction,
      policies: policies(lists),
    })),
    profiles: policies(profiles),
    continues,
  };
  return resolved;
}

function allowed(resolved: ResolvedChain<BitRule>, observer?: ChainObserver<BitRule>): number {
  const matchOf = ({ bits }: BitRule) => bits === 0 ? undefined : new Uint32Array([bits]);
  return judgeHeaders(resolved, new Uint32Array([0b1111]), matchOf, observer)[0]!;
}

const CASES: readonly (readonly [string, ResolvedChain<BitRule>, number])[] = [
  ["nothing is asked: the end denies", chain([]), 0],
  ["nothing is asked: the end hands on", chain([], [], true), 0b1111],
  ["the first rule that matches decides", chain([["deny", [allow(0b0001), deny(0b0011), allow(0b0111)]]]), 0b0101],
  ["policies of a tier in their order", chain([["deny", [deny(0b0001)], [allow(0b0011)]]]), 0b0010],
  ["the end of a tier denies", chain([["deny", [allow(0b0001)]], ["deny", [allow(0b1111)]]]), 0b0001],
  ["the end of a tier passes", chain([["pass", [deny(0b0001)]], ["deny", [allow(0b1111)]]]), 0b1110],
  [
    "Pass leaves the tier past a policy",
    chain([["deny", [pass(0b0011)], [deny(0b1111)]], ["deny", [allow(0b0001)]]]),
    0b0001,
  ],
  ["Log decides nothing", chain([["deny", [log(0b1111), allow(0b0001)]]]), 0b0001],
  [
    "a missing policy denies what reaches it",
    chain([["pass", [allow(0b0001), pass(0b0010)], undefined]], [[allow(0b1111)]]),
    0b0011,
  ],
  ["profiles in their order, Pass to the next", chain([], [[pass(0b0001), deny(0b0010)], [allow(0b0111)]]), 0b0101],
  ["a missing profile denies", chain([], [[allow(0b0001)], undefined, [allow(0b1111)]]), 0b0001],
  ["what a tier hands on is let through", chain([["pass", [deny(0b0001)]]], [], true), 0b1110],
];

Deno.test("judgeHeaders() lets through what the chain does", async (test) => {
  for (const [name, resolved, expected] of CASES) {
    await test.step(name, () => {
      assertEquals(allowed(resolved), expected);
      assertEquals(allowed(resolved, {}), expected, "watched");
    });
  }
});

Deno.test("judgeHeaders() tells what reaches policies and rules, to the end", () => {
  const seen: string[] = [];
  allowed(chain([["deny", [allow(0b0011)], [deny(0b1111)], [allow(0b0001)]]]), {
    policy: (tier, index, undecided) => seen.push(`${tier.tier}/${index} ${undecided[0]}`),
    rule: (policy, rule, matched, undecided) =>
      seen.push(`${policy.key} ${rule.action} ${matched[0]} of ${undecided[0]}`),
  });
  assertEquals(seen, [
    "t0/0 15",
    "p0 allow 3 of 15",
    "t0/1 12",
    "p1 deny 15 of 12",
    "t0/2 0",
    "p2 allow 1 of 0",
  ]);
});
