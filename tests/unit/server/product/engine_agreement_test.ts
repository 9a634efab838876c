/**
 * What two engines say of a flow, compared in words: each way to decide at an endpoint is told apart from the others.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { FlowVerdict, JudgedStep } from "#/policy/flow_judge.ts";
import type { DirectionVerdict, Verdict } from "#/policy/oracle/oracle.ts";
import { engineDifference } from "#/server/product/engine_agreement.ts";

const HALF: DirectionVerdict = {
  endpoint: { kind: "WorkloadEndpoint", name: "shop/db" },
  ...{ verdict: "deny", phase: null, tier: null, policy: null, rule: null, default: "no-profile-match" },
  ...{ isolatedBy: [], tiers: [], profiles: [] },
};
const STEP: JudgedStep = {
  ...{ verdict: "deny", direction: "ingress", endpoint: "shop/db", phase: undefined },
  ...{ ruleId: undefined, policy: undefined, tier: undefined, logged: [] },
};
const REF = { kind: "NetworkPolicy", namespace: "shop", name: "p" } as const;
const KEY = "NetworkPolicy/shop/p";

/** Ways to decide, as each engine tells them. */
const WAYS: Readonly<Record<string, readonly [Partial<DirectionVerdict>, Partial<JudgedStep>]>> = {
  "nothing matched": [{}, {}],
  "a rule": [{ tier: "t", policy: REF, rule: 1, default: null }, { tier: "t", policy: KEY, ruleId: "9/i/1" }],
  "another rule": [{ tier: "t", policy: REF, rule: 2, default: null }, { tier: "t", policy: KEY, ruleId: "9/i/2" }],
  "the end of a tier": [{ tier: "t", default: "end-of-tier" }, { tier: "t" }],
  "the end of another tier": [{ tier: "u", default: "end-of-tier" }, { tier: "u" }],
  "a profile": [
    { default: "profile", profiles: [{ profile: "p", outcome: "deny", rule: 0, logged: [] }] },
    { policy: "Profile//p", ruleId: "3/i/0" },
  ],
  "a missing profile": [
    { default: "profile", profiles: [{ profile: "p", outcome: "missing", rule: null, logged: [] }] },
    { policy: "Profile//p" },
  ],
  "a failsafe port": [
    { verdict: "allow", phase: "normal", default: "failsafe" },
    { verdict: "allow", phase: "normal", policy: "Failsafe//normal", ruleId: "0/i/0" },
  ],
  "a host endpoint that let it by": [{ verdict: "allow", default: "continue" }, { verdict: "allow" }],
  "another endpoint": [{ endpoint: { kind: "WorkloadEndpoint", name: "shop/web" } }, { endpoint: "shop/web" }],
};

function oracleOf(half: DirectionVerdict): Verdict {
  return { verdict: half.verdict, egress: null, ingress: half, forward: [] };
}

function compiledOf(step: JudgedStep): FlowVerdict {
  const { verdict } = step;
  return { verdict, egress: undefined, ingress: { verdict, ruleIds: [], steps: [step] }, endpointToHost: false };
}

for (const [way, [half]] of Object.entries(WAYS)) {
  Deno.test(`engineDifference() knows ${way} from all else`, () => {
    const same = Object.entries(WAYS).filter(([, [, step]]) =>
      engineDifference(oracleOf({ ...HALF, ...half }), compiledOf({ ...STEP, ...step })) === undefined
    );
    assertEquals(same.map(([name]) => name), [way]);
  });
}

Deno.test("engineDifference() knows that a pod's own host is not reached", () => {
  const half: DirectionVerdict = {
    ...HALF,
    endpoint: { kind: "HostEndpoint", name: "h" },
    default: "endpoint-to-host",
  };
  const compiled: FlowVerdict = { verdict: "deny", egress: undefined, ingress: undefined, endpointToHost: true };
  assertEquals(engineDifference(oracleOf(half), compiled), undefined);
  assertEquals(engineDifference(oracleOf(half), { ...compiled, endpointToHost: false }), {
    oracle: "deny by endpoint-to-host",
    compiled: "nothing more",
  });
});
