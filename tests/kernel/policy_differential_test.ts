/**
 * nftables in a real kernel against the other engines, to the rule that decided: random policies, put into the kernel as an agent does, judge packets that come over
 * a wire, and each rule that a packet matched leaves a trace. Once on the IR (interpreter, compiled image, kernel), once on clusters of objects (the oracle
 * too).
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ANY, type PolicyIr, type RuleIr } from "#/policy/ir.ts";
import { type CaseSize, type EngineCase, engineCases, mixed } from "#tests/properties/engine_cases.ts";
import { agreedAnswers, differencesOf, IMAGES, interpreted } from "#tests/properties/engine_comparison.ts";
import {
  bothWays,
  countEngines,
  ENGINE_WANTED,
  type EngineCoverage,
  uncoveredOf,
} from "#tests/properties/engine_coverage.ts";
import { agreedVerdicts, engineWorld, withServices } from "#tests/properties/engine_worlds.ts";
import { policyCase } from "#tests/properties/policy_worlds.ts";
import { COMMON_FAULTS, type RuleFaults, sides } from "#tests/properties/rule_faults.ts";
import { kernelTest } from "#tests/support/requires.ts";
import { RULESET_FAULTS } from "#tests/support/ruleset_faults.ts";
import { kernelEngine, type RulesetProbe, withProbe } from "#tests/support/ruleset_probe.ts";

/** Rulesets of the IR, and how much each is asked; at least {@link QUESTIONS_MIN} in all. */
const CASES = 360;
const SIZE: CaseSize = { chains: 4, packetsPerChain: 150 };
const QUESTIONS_MIN = 200_000;
/** Clusters of objects, each in both scopes. A flow is a question to each chain on its way. */
const WORLDS = 160;
const NEAR_FLOWS = 120;
/** One cluster of so many has Services that matter. */
const SERVICES_EVERY = 8;
/** Every condition must have decided at least so many times each way; from objects, what is rarest. */
const DECISIONS_MIN = 5;
const WORLD_DECISIONS_MIN = 1;
/** One question of so many is looked at by the counters. */
const COUNT_EVERY = 5;
/** Cases within which a deliberate fault must show: always the same, because it is the comparison that is tried. */
const FAULT_CASES = 200;
const FAULT_SEED = 1;
/** Printed on failure; set to repeat a run. */
const SEED = Number(Deno.env.get("TORTIE_TEST_SEED") ?? Date.now() % 2 ** 31);
const HINT = `TORTIE_TEST_SEED=${SEED}`;

kernelTest("nftables and the compiled image judge as the interpreter does, to the rule that decides", [
  "root",
  "nftables",
], () =>
  withProbe(async (probe) => {
    const coverage: EngineCoverage = new Map();
    const engines = [...IMAGES, kernelEngine(probe)];
    let asked = 0;
    for (const one of engineCases(SEED, CASES, SIZE)) {
      const wanted = await agreedAnswers(one, engines, HINT);
      countEngines(coverage, one, wanted, COUNT_EVERY);
      asked += one.questions.length;
    }
    assertEquals(uncoveredOf(coverage, DECISIONS_MIN, ENGINE_WANTED), [], `decided too seldom (${HINT})`);
    assert(asked >= QUESTIONS_MIN, `Expected ${QUESTIONS_MIN} questions at least: ${asked}`);
  }));

/** What must have decided from objects: kinds of policy, and what only they have. */
const WORLD_WANTED = [
  ...["NetworkPolicy", "GlobalNetworkPolicy", "StagedNetworkPolicy", "StagedGlobalNetworkPolicy"].flatMap(allowAndDeny),
  ...["AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "KubernetesClusterNetworkPolicy", "Profile"].flatMap(
    allowAndDeny,
  ),
  "KubernetesNetworkPolicy allow",
  "StagedKubernetesNetworkPolicy allow",
  "Failsafe allow",
  "deny by end of tier",
  "deny by end of chain",
  "deny by missing profile",
  "deny by unreadable rule",
  "continue by end of chain",
  "tier left by pass",
  "tier left at its end",
  "log",
  ...bothWays([
    "family",
    "protocol with ports",
    "protocol ICMP",
    "protocol by number",
    "no protocol",
    "source service without ports",
    "destination service",
    ...["source", "destination"].flatMap((end) =>
      ["set of addresses", "set of networks", "nets", "no nets", "ports", "no named ports"].map((name) =>
        `${end} ${name}`
      )
    ),
    "destination named ports",
  ]),
];

function allowAndDeny(kind: string): string[] {
  return [`${kind} allow`, `${kind} deny`];
}

kernelTest("nftables judges clusters of objects as the oracle does, and so does all that is between them", [
  "root",
  "nftables",
], () =>
  withProbe(async (probe) => {
    const coverage: EngineCoverage = new Map();
    const engines = [...IMAGES, kernelEngine(probe)];
    for (const [at, one] of fc.sample(policyCase, { numRuns: WORLDS, seed: SEED }).entries()) {
      for (const scope of ["enforced", "pending"] as const) {
        const made = at % SERVICES_EVERY === 0 ? withServices(one) : one;
        const world = engineWorld(made, { scope, nearFlows: NEAR_FLOWS, seed: mixed(SEED, at) });
        const wanted = await agreedVerdicts(world, engines, HINT);
        countEngines(coverage, world.engineCase, wanted, 1);
      }
    }
    assertEquals(uncoveredOf(coverage, WORLD_DECISIONS_MIN, WORLD_WANTED), [], `decided too seldom (${HINT})`);
  }));

/** Faults of what is rendered: other rules than those that the interpreter judges by. */
const FAULTS: RuleFaults = {
  ...COMMON_FAULTS,
  "ranges end one port late": sides((side) =>
    side.ports === ANY
      ? side
      : { ...side, ports: side.ports.map(({ min, max }) => ({ min, max: Math.min(max + 1, 65_535) })) }
  ),
  "ranges begin one port late": sides((side) =>
    side.ports === ANY
      ? side
      : { ...side, ports: side.ports.map(({ min, max }) => ({ min: Math.min(min + 1, max), max })) }
  ),
  "networks are twice as wide": sides((side) =>
    side.nets === ANY
      ? side
      : { ...side, nets: side.nets.map((net) => net.replace(/\/(30|31|126|127)$/, (_, length) => `/${length - 1}`)) }
  ),
  "an empty list means anything": sides((side) =>
    side.nets !== ANY && side.nets.length === 0 ? { ...side, nets: ANY } : side
  ),
  "a rule that could not be read denies nothing": (rule) =>
    rule.unreadable === undefined ? rule : { ...rule, action: "log" },
};

/** A case as a faulty lowering would give it to the kernel. */
function withFault(one: EngineCase, change: (rule: RuleIr) => RuleIr): EngineCase {
  const policies = [...one.policies].map(([key, policy]): [string, PolicyIr] => [
    key,
    { ...policy, ingress: policy.ingress?.map(change), egress: policy.egress?.map(change) },
  ]);
  return { ...one, policies: new Map(policies) };
}

kernelTest(
  "the comparison with the kernel notices deliberate faults",
  ["root", "nftables"],
  () =>
    withProbe(async (probe) => {
      const faults: readonly (readonly [string, (one: EngineCase) => ReturnType<RulesetProbe["judge"]>])[] = [
        ...Object.entries(FAULTS).map(([name, change]) =>
          [name, (one: EngineCase) => probe.judge(withFault(one, change))] as const
        ),
        ...Object.entries(RULESET_FAULTS).map(([name, spoil]) =>
          [name, (one: EngineCase) => probe.judge(one, spoil)] as const
        ),
      ];
      const unnoticed: string[] = [];
      for (const [name, judge] of faults) {
        if (!await isNoticed(judge)) unnoticed.push(name);
      }
      assert(faults.length >= 20, `${faults.length} faults`);
      assertEquals(unnoticed, [], `Expected a difference within ${FAULT_CASES} cases (seed ${FAULT_SEED})`);
    }),
);

async function isNoticed(judge: (one: EngineCase) => ReturnType<RulesetProbe["judge"]>): Promise<boolean> {
  for (const one of engineCases(FAULT_SEED, FAULT_CASES, SIZE)) {
    const wanted = interpreted(one);
    if (differencesOf("kernel", await judge(one), wanted).length > 0) return true;
  }
  return false;
}
