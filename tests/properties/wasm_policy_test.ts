/**
 * Compiled policies and the interpreter of the IR agree, on the verdict and on what decided: random policies, sets and packets, in chains of both directions that
 * deny or go on at their end, by every engine. And the comparison means something: conditions decide both ways, and deliberate faults are noticed.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ANY, ANY_SIDE, type ChainIr, type Direction, type PolicyIr, policyKey, type RuleIr } from "#/policy/ir.ts";
import { runChain } from "#/policy/ir_interpreter.ts";
import { compileImage, type ImageInput, type ImageOptions, type ImageVerdict } from "#/wasm-policy/engine.ts";
import { packetColumns } from "#/wasm-policy/flow_batch.ts";
import {
  countIrConditions,
  type IrCase,
  irCase,
  type IrCoverage,
  packetText,
  tablesOf,
  uncovered,
} from "./ir_cases.ts";
import { CHAIN_FAULTS, RULE_FAULTS, shiftMemo, TABLE_FAULTS } from "./wasm_faults.ts";

/** Random policies tried, up to 40 packets each. */
const CASES = 500;
/** Every condition must have decided at least so many times each way. */
const DECISIONS_MIN = 8;
/** A fault must show within so many cases. */
const FAULT_CASES_MAX = 400;
/** Printed on failure; set to repeat a run. */
const SEED = Number(Deno.env.get("TORTIE_TEST_SEED") ?? Date.now() % 2 ** 31);

/** Rules that match nothing, more than a block of them. */
const FILLERS = 130;

const ENGINES: Readonly<Record<string, ImageOptions & { readonly stretched?: true }>> = {
  code: { engine: "code", memo: "off" },
  rows: { engine: "rows", memo: "off" },
  "rows, by the twin": { engine: "rows", kernel: "twin", memo: "off" },
  "rows, in groups": { engine: "rows", memo: "off", unsplitMax: 0 },
  "rows of many blocks, in groups": { engine: "rows", memo: "off", unsplitMax: 0, stretched: true },
};

/** A case whose chain is of one direction. */
interface DirectedCase extends IrCase {
  readonly direction: Direction;
}

/** Rules of the other direction say the contrary, so that who reads them is noticed; now and then a policy does not govern the direction. */
const directedCase: fc.Arbitrary<DirectedCase> = fc.record({
  one: irCase,
  direction: fc.constantFrom<Direction>("ingress", "egress"),
  atEnd: fc.constantFrom<ChainIr["atEnd"]>(undefined, "continue"),
  ungoverned: fc.nat(30),
}).map(({ one, direction, atEnd, ungoverned }) => ({
  ...one,
  direction,
  chain: { ...one.chain, ...atEnd === undefined ? {} : { atEnd } },
  policies: one.policies.map((policy, at) => {
    const contrary = policy.ingress!.map((rule) =>
      ({ ...rule, action: rule.action === "allow" ? "deny" : "allow" }) as const
    );
    const rules = at === ungoverned ? undefined : policy.ingress;
    return direction === "ingress"
      ? { ...policy, ingress: rules, egress: contrary }
      : { ...policy, ingress: contrary, egress: rules };
  }),
}));

function inputOf(one: IrCase, change: (rule: RuleIr) => RuleIr = (rule) => rule): ImageInput {
  const policies = one.policies.map((policy) => ({
    ...policy,
    ingress: policy.ingress?.map(change),
    egress: policy.egress?.map(change),
  }));
  return {
    policies: new Map(policies.map((policy) => [policyKey(policy.ref), policy])),
    sets: new Map(one.sets.map((set) => [set.id, set])),
  };
}

/** Every policy with rules before its own that match nothing, of every group: by a protocol that no packet has, since rules that never can match are left out. */
function stretched({ policies, sets }: ImageInput): ImageInput {
  const one = { ...ANY_SIDE, nets: ["203.0.113.7/32"] };
  const filler = (at: number): RuleIr => ({
    id: "filler",
    action: "allow",
    ipVersion: ANY,
    protocol: 255,
    notProtocol: undefined,
    icmp: ANY,
    notIcmp: undefined,
    source: at % 2 === 0 ? one : ANY_SIDE,
    destination: at % 3 === 0 ? one : ANY_SIDE,
  });
  const fillers = Array.from({ length: FILLERS }, (_, at) => filler(at));
  const longer = [...policies].map(([key, policy]): [string, PolicyIr] => [
    key,
    {
      ...policy,
      ingress: policy.ingress && [...fillers, ...policy.ingress],
      egress: policy.egress && [...fillers, ...policy.egress],
    },
  ]);
  return { policies: new Map(longer), sets };
}

function wantedOf(one: DirectedCase): readonly ImageVerdict[] {
  const tables = tablesOf(one);
  return one.packets.map((packet) => {
    const { action, ruleId, policy, tier } = runChain(one.chain, one.direction, packet, tables);
    return { action, ruleId, policy, tier };
  });
}

function judgedOf(
  one: DirectedCase,
  input: ImageInput,
  options: ImageOptions,
  chain: ChainIr = one.chain,
): readonly ImageVerdict[] {
  const image = compileImage(input, options);
  return one.packets.map((packet) => image.judge(chain, one.direction, packet));
}

/** Twice in one batch each, so that the second time the memo answers. `spoil` changes the memory in between. */
function batched(
  one: DirectedCase,
  options: ImageOptions,
  spoil: (words: Uint32Array) => void = () => {},
): readonly ImageVerdict[] {
  const image = compileImage(inputOf(one), options);
  const chain = image.chainNumber(one.chain, one.direction);
  const chains = new Uint32Array(one.packets.length).fill(chain);
  const packets = packetColumns(one.packets);
  image.judgeBatch(packets, chains);
  spoil(new Uint32Array(image.memory.buffer));
  return [...image.judgeBatch(packets, chains)].map((result) => image.verdictOf(chain, result));
}

/** Ways to decide that must all be common, in each direction. */
const WAYS: readonly string[] = ["ingress", "egress"].flatMap((direction) =>
  ["allow by rule", "deny by rule", "deny by tier", "deny by end", "continue by end", "deny by policy"].map((way) =>
    `${direction} ${way}`
  )
);

function waysOf({ direction }: DirectedCase, { action, ruleId, policy, tier }: ImageVerdict): readonly string[] {
  const by = ruleId !== undefined ? "rule" : policy !== undefined ? "policy" : tier !== undefined ? "tier" : "end";
  return [`${direction} ${action} by ${by}`];
}

/** The case with the rules that judge, as ingress. */
function governing(one: DirectedCase): IrCase {
  const policies = one.policies.map((policy) => ({ ...policy, ingress: policy[one.direction], egress: undefined }));
  return { ...one, policies };
}

Deno.test("every engine judges as the interpreter does, with every kind of condition deciding both ways", () => {
  const coverage: IrCoverage = new Map();
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(directedCase, (one) => {
      const wanted = wantedOf(one);
      const judged = Object.entries(ENGINES).map(([name, { stretched: isLong, ...options }]) =>
        [name, judgedOf(one, isLong ? stretched(inputOf(one)) : inputOf(one), options)] as const
      );
      for (const [name, verdicts] of [...judged, ["a batch with its memo", batched(one, {})] as const]) {
        for (const [at, packet] of one.packets.entries()) {
          assertEquals(verdicts[at], wanted[at], `${name}: ${packetText(packet)}`);
        }
      }
      for (const verdict of wanted) for (const way of waysOf(one, verdict)) seen.set(way, (seen.get(way) ?? 0) + 1);
      countIrConditions(coverage, governing(one));
    }),
    { numRuns: CASES, seed: SEED },
  );
  assertEquals(uncovered(coverage, DECISIONS_MIN), [], `decided too seldom (TORTIE_TEST_SEED=${SEED})`);
  for (const way of WAYS) {
    assert((seen.get(way) ?? 0) > CASES / 10, `${way}: ${seen.get(way)} (TORTIE_TEST_SEED=${SEED})`);
  }
});

/** Whether verdicts of a case differ from the interpreter's. */
function differs(one: DirectedCase, judge: (one: DirectedCase) => readonly ImageVerdict[]): boolean {
  const judged = judge(one);
  return wantedOf(one).some((verdict, at) => JSON.stringify(verdict) !== JSON.stringify(judged[at]));
}

/** Spoiled tables may make no sense at all: then the engine fails an assertion, and that is noticing too. */
function failsOrDiffers(one: DirectedCase, judge: (one: DirectedCase) => readonly ImageVerdict[]): boolean {
  try {
    return differs(one, judge);
  } catch {
    return true;
  }
}

Deno.test("every deliberate fault is noticed", () => {
  const rows: ImageOptions = { engine: "rows", memo: "off" };
  const faults: readonly (readonly [string, (one: DirectedCase) => readonly ImageVerdict[]])[] = [
    ...Object.entries(RULE_FAULTS).map(([name, change]) =>
      [name, (one: DirectedCase) => judgedOf(one, inputOf(one, change), rows)] as const
    ),
    ...Object.entries(CHAIN_FAULTS).map(([name, change]) =>
      [name, (one: DirectedCase) => judgedOf(one, inputOf(one), rows, change(one.chain))] as const
    ),
    ...Object.entries(TABLE_FAULTS).map(([name, spoil]) =>
      [name, (one: DirectedCase) => batched(one, { memo: "off" }, spoil)] as const
    ),
    ["the memo answers for other classes", (one) => batched(one, {}, shiftMemo)],
  ];
  const cases = fc.sample(directedCase, { numRuns: FAULT_CASES_MAX, seed: SEED });
  const unnoticed = faults.filter(([name, judge]) => {
    const isSpoiled = name in TABLE_FAULTS;
    return !cases.some((one) => isSpoiled ? failsOrDiffers(one, judge) : differs(one, judge));
  });
  assert(faults.length >= 20, `${faults.length} faults`);
  assertEquals(unnoticed.map(([name]) => name), [], `TORTIE_TEST_SEED=${SEED}`);
});
