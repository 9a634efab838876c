/**
 * Engines that judge chains of the IR, on the same packets: the interpreter, the compiled image, and where it is at hand a kernel. An engine tells what became of a
 * packet and what decided, in the form of `ChainOutcome`. The first difference is made as small as it gets.
 *
 * @module
 */
import type { ChainIr, PolicyIr, RuleIr, SideIr } from "#/policy/ir.ts";
import { ANY, ANY_SIDE } from "#/policy/ir.ts";
import { type ChainOutcome, type IrTables, runChain } from "#/policy/ir_interpreter.ts";
import { membershipIn } from "#/policy/set_membership.ts";
import { compileImage, type EngineChoice } from "#/wasm-policy/engine.ts";
import { packetColumns } from "#/wasm-policy/flow_batch.ts";
import type { EngineCase } from "./engine_cases.ts";
import { packetText } from "./ir_cases.ts";

/** What became of a packet in a chain. Engines that do not know of logging leave it out. */
export interface EngineAnswer extends Omit<ChainOutcome, "logged"> {
  readonly logged?: readonly string[];
}

/** An engine: an answer to each question of a case, in their order. */
export interface Engine {
  readonly name: string;
  readonly judge: (one: EngineCase) => readonly EngineAnswer[] | Promise<readonly EngineAnswer[]>;
}

/** What the interpreter needs of a case. */
export function tablesOfCase({ policies, sets }: EngineCase): IrTables {
  return { policies, sets: membershipIn(sets) };
}

/** What the interpreter says, by which the other engines are measured. A rule that logged twice counts once, for engines that tell which rules did. */
export function interpreted(one: EngineCase): readonly EngineAnswer[] {
  const tables = tablesOfCase(one);
  return one.questions.map(({ chain: number, packet }) => {
    const { chain, direction } = one.chains[number]!;
    const outcome = runChain(chain, direction, packet, tables);
    return { ...outcome, logged: [...new Set(outcome.logged)] };
  });
}

/** Rows of bits in batches, and a function for each policy. */
export const IMAGES: readonly Engine[] = [
  {
    name: "image, in a batch",
    judge: (one) => {
      const image = compileImage(one);
      const numbers = one.chains.map(({ chain, direction }) => image.chainNumber(chain, direction));
      const chains = Uint32Array.from(one.questions, ({ chain }) => numbers[chain]!);
      const results = image.judgeBatch(packetColumns(one.questions.map(({ packet }) => packet)), chains);
      return one.questions.map((_, at) => image.verdictOf(chains[at]!, results[at]!));
    },
  },
  imageByOne("code"),
];

function imageByOne(engine: EngineChoice): Engine {
  return {
    name: `image, by ${engine}`,
    judge: (one) => {
      const image = compileImage(one, { engine, memo: "off" });
      return one.questions.map(({ chain: number, packet }) => {
        const { chain, direction } = one.chains[number]!;
        return image.judge(chain, direction, packet);
      });
    },
  };
}

/** An answer in a line. */
export function answerText({ action, ruleId, policy, tier, logged }: EngineAnswer): string {
  const by = ruleId !== undefined
    ? `rule ${ruleId} of ${policy}`
    : policy !== undefined
    ? `missing ${policy}`
    : tier === undefined
    ? "the end of the chain"
    : "the end of the tier";
  const at = tier === undefined ? "" : ` in tier "${tier}"`;
  return `${action} by ${by}${at}${logged === undefined || logged.length === 0 ? "" : `, logged ${logged.join(" ")}`}`;
}

/** Two engines that do not agree on a question. */
export interface Difference {
  readonly engine: string;
  /** Index of the question. */
  readonly at: number;
  readonly wanted: string;
  readonly got: string;
}

/** All differences between answers and those that are wanted. What an engine does not know of is not compared. */
export function differencesOf(
  engine: string,
  answers: readonly EngineAnswer[],
  wanted: readonly EngineAnswer[],
): readonly Difference[] {
  return wanted.flatMap((one, at) => {
    const answer = answers[at]!;
    if (isSame(answer, one)) return [];
    return [{ engine, at, wanted: answerText(one), got: answerText(answer) }];
  });
}

function isSame(answer: EngineAnswer, wanted: EngineAnswer): boolean {
  return answer.action === wanted.action && answer.ruleId === wanted.ruleId && answer.policy === wanted.policy &&
    answer.tier === wanted.tier &&
    (answer.logged === undefined || answer.logged.join(" ") === (wanted.logged ?? []).join(" "));
}

/**
 * The answers that all engines give. Where one differs from the interpreter, throws with the difference and the smallest case that still shows it.
 *
 * @param hint how to repeat the run
 */
export async function agreedAnswers(
  one: EngineCase,
  engines: readonly Engine[],
  hint: string,
): Promise<readonly EngineAnswer[]> {
  const wanted = interpreted(one);
  for (const engine of engines) {
    const [difference] = differencesOf(engine.name, await engine.judge(one), wanted);
    if (difference === undefined) continue;
    const minimal = await minimalCase(one, difference, engine);
    const packet = packetText(one.questions[difference.at]!.packet);
    const { got, wanted: expected } = difference;
    throw new Error(`${engine.name} of ${packet}: ${got} instead of ${expected} (${hint})\n${caseText(minimal)}`);
  }
  return wanted;
}

/** Tries that making a case smaller may take. */
const SHRINKS_MAX = 2_000;

/** The case of one difference, made smaller while the engine still differs: what is left is what matters. */
async function minimalCase(one: EngineCase, difference: Difference, engine: Engine): Promise<EngineCase> {
  const question = one.questions[difference.at]!;
  const asked = one.chains[question.chain]!;
  const differs = async (smaller: EngineCase) => {
    const wanted = interpreted(smaller);
    return differencesOf(engine.name, await engine.judge(smaller), wanted).length > 0;
  };
  const alone: EngineCase = { ...one, chains: [asked], questions: [{ chain: 0, packet: question.packet }] };
  let best = await differs(alone) ? alone : { ...one, questions: [question] };
  let tries = 0;
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false;
    for (const smaller of smallerCases(best)) {
      if (++tries > SHRINKS_MAX) return best;
      if (!await differs(smaller)) continue;
      best = smaller;
      isSmaller = true;
      break;
    }
  }
  return best;
}

/** Each case that has one thing less. */
function* smallerCases(one: EngineCase): Generator<EngineCase> {
  for (const [at, asked] of one.chains.entries()) {
    for (const chain of smallerChains(asked.chain)) {
      yield { ...one, chains: one.chains.with(at, { ...asked, chain }) };
    }
  }
  const named = new Set(
    one.chains.flatMap(({ chain }) => [...chain.tiers.flatMap((tier) => tier.policies), ...chain.profiles]),
  );
  const used = new Map([...one.policies].filter(([key]) => named.has(key)));
  if (used.size < one.policies.size) yield { ...one, policies: used };
  for (const [key, policy] of one.policies) {
    for (const direction of ["ingress", "egress"] as const) {
      for (const rules of smallerRules(policy[direction] ?? [])) {
        yield {
          ...one,
          policies: new Map(one.policies).set(key, { ...policy, [direction]: rules } satisfies PolicyIr),
        };
      }
    }
  }
  for (const [id, set] of one.sets) {
    for (const [at] of set.members.entries()) {
      yield { ...one, sets: new Map(one.sets).set(id, { ...set, members: set.members.toSpliced(at, 1) }) };
    }
    const sets = new Map(one.sets);
    sets.delete(id);
    if (!JSON.stringify([...one.policies.values()]).includes(JSON.stringify(id))) yield { ...one, sets };
  }
}

function* smallerChains(chain: ChainIr): Generator<ChainIr> {
  for (const [at, tier] of chain.tiers.entries()) {
    yield { ...chain, tiers: chain.tiers.toSpliced(at, 1) };
    for (const [place] of tier.policies.entries()) {
      const policies = tier.policies.toSpliced(place, 1);
      if (policies.length > 0) yield { ...chain, tiers: chain.tiers.with(at, { ...tier, policies }) };
    }
  }
  for (const [at] of chain.profiles.entries()) yield { ...chain, profiles: chain.profiles.toSpliced(at, 1) };
}

function* smallerRules(rules: readonly RuleIr[]): Generator<readonly RuleIr[]> {
  for (const [at, rule] of rules.entries()) {
    yield rules.toSpliced(at, 1);
    const resets: readonly Partial<RuleIr>[] = [
      { ipVersion: ANY },
      { protocol: ANY },
      { notProtocol: undefined },
      { icmp: ANY },
      { notIcmp: undefined },
      ...(["source", "destination"] as const).flatMap((end) =>
        (Object.keys(ANY_SIDE) as (keyof SideIr)[]).map((list) => ({ [end]: { ...rule[end], [list]: ANY_SIDE[list] } }))
      ),
    ];
    const text = JSON.stringify(rule);
    for (const reset of resets) {
      const simpler = { ...rule, ...reset };
      if (JSON.stringify(simpler) !== text) yield rules.with(at, simpler);
    }
  }
}

/** A case as text that can be read, and put into a test. */
function caseText({ policies, sets, chains, questions }: EngineCase): string {
  return [
    ...questions.map(({ chain, packet }) => `chain ${chain}: ${packetText(packet)}`),
    ...chains.map(({ direction, chain }, at) => `chain ${at}: ${direction} ${JSON.stringify(chain)}`),
    ...[...policies].map(([key, { ingress, egress }]) => `${key}: ${JSON.stringify({ ingress, egress })}`),
    ...[...sets].map(([id, { type, members }]) => `${id} (${type}): ${members.join(" ")}`),
  ].join("\n");
}
