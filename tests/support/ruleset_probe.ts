/**
 * Asks a kernel what a rendered ruleset makes of packets, rule by rule: every rule that a packet matches on its way leaves a trace, so that not only the verdict
 * is told but what decided it. The product's ruleset is put into the kernel as the product writes it; only here each rule of a policy, and each drop, first
 * adds the packet's number and its own to a set.
 *
 * The packet's number stands in the low bits of its mark, which the ruleset must leave alone.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import type { Kernel } from "#/agents/kernel/kernel.ts";
import { type NftablesStep, planNftables } from "#/agents/nftables/plan.ts";
import { renderRuleset } from "#/agents/nftables/render.ts";
import { MARK_ACCEPT, MARK_PASS } from "#/agents/nftables/render_rule.ts";
import type { ChainText, Ruleset, RuleText } from "#/agents/nftables/ruleset.ts";
import type { ChainIr } from "#/policy/ir.ts";
import { type NodeItem, nodeItemKey } from "#/projections/node_state.ts";
import type { Engine, EngineAnswer } from "#tests/properties/engine_comparison.ts";
import type { EngineCase } from "#tests/properties/engine_cases.ts";
import { packetText } from "#tests/properties/ir_cases.ts";
import { withNetns } from "#tests/support/netns.ts";
import { SENDER_MARK, Wire } from "#tests/support/packet_wire.ts";

/** The kernel's answer; `log` and `pass` rules that matched are told apart from what decided. */
export interface ProbeAnswer extends EngineAnswer {
  /** Ids of log rules that matched, in their order, each once. */
  readonly logged: readonly string[];
}

/** Most questions of one case; numbers of packets have 16 bits. */
export const QUESTIONS_MAX = 4096;

/** Turns of the event loop within which the kernel has seen all packets sent. */
const TURNS_MAX = 1_000;
/** Turns within which packets that have come also reach an end. With a faulty ruleset some may lose their number on the way. */
const SETTLING_TURNS_MAX = 50;
const NUMBER_BITS = 16;
const NUMBER_MASK = `0x${(2 ** NUMBER_BITS - 1).toString(16)}`;
/** Numbers of rules that are not of the ruleset: the packet came, and it left the chain. */
const SEEN = 0;
const LEFT = 1;
const FIRST_RULE = 2;
/** Rules that one packet may match, on an average: room in the set, which the kernel makes at once and never has to widen. */
const MATCHES_PER_PACKET = 12;
const MATCHES_MIN = 256;
/** Connection tracking comes later and would drop packets that no program sends. */
const PRIORITY = -310;

/** What a trace of a rule means. */
interface TracedRule {
  readonly kind: "allow" | "deny" | "pass" | "log";
  readonly ruleId: string | undefined;
  /** Key of the policy that has the rule, or of one that is missing. */
  readonly policy: string | undefined;
  /** Of a tier's end. */
  readonly tier: string | undefined;
}

/** A ruleset whose rules leave traces, and what those mean, by the rules' numbers. */
interface TracedRuleset {
  readonly ruleset: Ruleset;
  readonly rules: ReadonlyMap<number, TracedRule>;
}

/** A kernel with a wire into it. Not for concurrent use. */
export class RulesetProbe {
  constructor(private readonly kernel: Kernel, private readonly wire: Wire) {}

  /**
   * What the kernel makes of each question, in their order.
   *
   * @param spoil changes the ruleset before it is put into the kernel, as a fault of the renderer would
   */
  async judge(one: EngineCase, spoil: (ruleset: Ruleset) => Ruleset = (same) => same): Promise<readonly ProbeAnswer[]> {
    assert(one.questions.length <= QUESTIONS_MAX, `Expected at most ${QUESTIONS_MAX} questions`);
    const traced = withTraces(spoil(judgingChains(renderRuleset(stateOf(one)))));
    const order = one.questions.map((_, at) => at).sort((a, b) => one.questions[a]!.chain - one.questions[b]!.chain);
    await this.#load(one, traced.ruleset, order);
    for (const [number, at] of order.entries()) this.wire.send(one.questions[at]!.packet, number);
    const traces = await this.#tracesOf(one, order, traced.rules);
    const answers: ProbeAnswer[] = [];
    for (const [number, at] of order.entries()) {
      const { chain } = one.chains[one.questions[at]!.chain]!;
      answers[at] = answerOf(traces[number]!, traced.rules, chain);
    }
    return answers;
  }

  async #load(one: EngineCase, ruleset: Ruleset, order: readonly number[]): Promise<void> {
    const { nft } = this.kernel;
    await nft.run([
      "add table inet tortie",
      "delete table inet tortie",
      "add table inet tortie",
      `add set inet tortie trace { typeof meta mark; size ${roomFor(order)}; flags dynamic; }`,
      "",
    ].join("\n"));
    const { steps } = planNftables(ruleset, {
      fault: undefined,
      chains: new Map(),
      sets: new Map(),
      maps: new Map(),
    });
    for (const step of [...steps, probeStep(one, order)]) {
      if (step.kind === "script") await nft.run(step.script);
      else await nft.changeElements(step.changes);
    }
  }

  /** Numbers of the rules that each packet matched, by the packets' numbers. */
  async #tracesOf(
    { questions }: EngineCase,
    order: readonly number[],
    rules: TracedRuleset["rules"],
  ): Promise<readonly (readonly number[])[]> {
    const isAtEnd = (numbers: readonly number[]) =>
      numbers.includes(LEFT) || numbers.some((number) => rules.get(number)?.kind === "deny");
    for (let turn = 1;; turn++) {
      const traces = order.map((): number[] => []);
      const marks = await this.#marks();
      assert(marks.length < roomFor(order), `Expected ${MATCHES_PER_PACKET} matches a packet at most, on an average`);
      for (const mark of marks) traces[mark & (2 ** NUMBER_BITS - 1)]?.push(mark >>> NUMBER_BITS);
      const lost = order.filter((_, number) => !traces[number]!.includes(SEEN));
      if (lost.length === 0 && (turn >= SETTLING_TURNS_MAX || traces.every(isAtEnd))) return traces;
      if (turn === TURNS_MAX) {
        assertEquals(lost.map((at) => packetText(questions[at]!.packet)), [], "Expected all packets to arrive");
      }
      await setImmediate();
    }
  }

  async #marks(): Promise<readonly number[]> {
    const json = await this.kernel.nft.listJson("list set inet tortie trace") as {
      readonly nftables: readonly { readonly set?: { readonly elem?: readonly number[] } }[];
    };
    return json.nftables.flatMap(({ set }) => set?.elem ?? []);
  }
}

/** Elements that the set of traces has room for. */
function roomFor({ length }: readonly number[]): number {
  return MATCHES_MIN + length * MATCHES_PER_PACKET;
}

/** The kernel as one engine of a comparison. */
export function kernelEngine(probe: RulesetProbe): Engine {
  return { name: "kernel", judge: (one) => probe.judge(one) };
}

/** Runs a body with a kernel of its own and a wire into it. */
export function withProbe(body: (probe: RulesetProbe) => Promise<void>): Promise<void> {
  return withNetns(async ({ kernel, make, open }) => {
    const farPath = await make("far");
    const far = open(farPath);
    await kernel.links.create({ type: "veth", name: "wire", up: true, peer: { name: "wire", netns: farPath } });
    await far.links.change("wire", { up: true });
    const [here, there] = [await kernel.links.byName("wire"), await far.links.byName("wire")];
    assert(here?.mac !== undefined && there !== undefined);
    using wire = new Wire(farPath, { linkIndex: there.index, to: here.mac });
    await body(new RulesetProbe(kernel, wire));
  });
}

/** An endpoint for each chain, whose other direction lets everything go on. */
function stateOf({ policies, sets, chains }: EngineCase): ReadonlyMap<string, NodeItem> {
  const open: ChainIr = { tiers: [], profiles: [], atEnd: "continue" };
  const items: NodeItem[] = [
    ...[...sets].map(([id, { type, members }]): NodeItem => ({ kind: "set", id, type, members })),
    ...[...policies].map(([id, policy]): NodeItem => ({
      kind: policy.ref.kind === "Profile" ? "profile" : "policy",
      id,
      policy,
    })),
    ...chains.map(({ direction, chain }, at): NodeItem => ({
      kind: "endpoint",
      id: `e${at}`,
      workload: `e${at}`,
      interfaceName: `cali${at}`,
      mac: undefined,
      addresses: [],
      containerId: "",
      ingress: direction === "ingress" ? chain : open,
      egress: direction === "egress" ? chain : open,
    })),
  ];
  return new Map(items.map((item) => [nodeItemKey(item), item]));
}

function chainName({ direction }: EngineCase["chains"][number], at: number): string {
  return `${direction === "ingress" ? "tw" : "fw"}-cali${at}`;
}

/** The chains that judge, and the sets that they name: what stands before them is for packets of real interfaces. */
function judgingChains({ chains, sets }: Ruleset): Ruleset {
  const judging = [...chains].filter(([name, { item }]) => item !== undefined || /^[tf]w-/.test(name));
  return { chains: new Map(judging), sets, maps: new Map() };
}

function withTraces({ chains, sets, maps }: Ruleset): TracedRuleset {
  const rules = new Map<number, TracedRule>();
  const traced = [...chains.values()].map((chain): ChainText => ({
    ...chain,
    rules: chain.rules.map((rule) => {
      const meaning = meaningOf(rule, chain.item);
      if (meaning === undefined) return rule;
      const number = FIRST_RULE + rules.size;
      rules.set(number, meaning);
      return { ...rule, action: `${traceAction(number)} ${rule.action}` };
    }),
  }));
  return { ruleset: { chains: new Map(traced.map((chain) => [chain.name, chain])), sets, maps }, rules };
}

function traceAction(number: number): string {
  return number === 0
    ? `add @trace { meta mark & ${NUMBER_MASK} }`
    : `add @trace { meta mark & ${NUMBER_MASK} | 0x${(number * 2 ** NUMBER_BITS).toString(16)} }`;
}

/** Rules of policies all mean something; of an endpoint's chain only those that drop. */
function meaningOf({ action, label }: RuleText, item: string | undefined): TracedRule | undefined {
  if (item !== undefined) {
    const policy = item.slice(item.indexOf(":") + 1);
    return { kind: kindOf(action), ruleId: label, policy, tier: undefined };
  }
  if (action !== "drop") return undefined;
  const [, what, name] = /^(end of tier|missing) (.*)$/.exec(label) ?? [];
  return {
    kind: "deny",
    ruleId: undefined,
    policy: what === "missing" ? name : undefined,
    tier: what === "end of tier" ? name : undefined,
  };
}

function kindOf(action: string): TracedRule["kind"] {
  if (action === "drop") return "deny";
  if (action.startsWith("log ")) return "log";
  if (action.includes(`| 0x${MARK_ACCEPT.toString(16)} `)) return "allow";
  assert(action === "return" || action.includes(`| 0x${MARK_PASS.toString(16)} `), `Unknown action: ${action}`);
  return "pass";
}

/** A chain of the test's own beside those under test, in the same table because chains of another cannot be jumped to. It lets nothing go on. */
function probeStep({ chains, questions }: EngineCase, order: readonly number[]): NftablesStep {
  const ranges = chains.flatMap((asked, chain) => {
    const first = order.findIndex((at) => questions[at]!.chain === chain);
    if (first < 0) return [];
    const last = order.findLastIndex((at) => questions[at]!.chain === chain);
    return [`${first === last ? first : `${first}-${last}`} : jump ${chainName(asked, chain)}`];
  });
  const rules = [
    `@ll,48,16 != 0x${SENDER_MARK.toString(16)} drop`,
    "meta mark set @ll,64,32",
    traceAction(SEEN),
    ...ranges.length === 0 ? [] : [`meta mark vmap { ${ranges.join(", ")} }`],
    traceAction(LEFT),
  ];
  const script = [
    `add chain inet tortie probe { type filter hook prerouting priority ${PRIORITY}; policy drop; }`,
    ...rules.map((rule) => `add rule inet tortie probe ${rule}`),
    "",
  ].join("\n");
  return { kind: "script", script };
}

function answerOf(numbers: readonly number[], rules: ReadonlyMap<number, TracedRule>, chain: ChainIr): ProbeAnswer {
  const places = new Map(
    [...chain.tiers.flatMap((tier) => tier.policies), ...chain.profiles].map((key, at) => [key, at]),
  );
  const place = (rule: number) => places.get(rules.get(rule)?.policy ?? "") ?? -1;
  // Numbers of one policy are in order; policies are in the order of the chain.
  const matched = numbers.filter((number) => rules.has(number)).sort((a, b) => place(a) - place(b) || a - b)
    .map((number) => rules.get(number)!);
  const deciders = matched.filter(({ kind }) => kind === "allow" || kind === "deny");
  const logged = matched.filter(({ kind }) => kind === "log").map(({ ruleId }) => ruleId ?? "");
  // A ruleset without faults has one decider at most; of several, none is told.
  const by = deciders.length === 1 ? deciders[0] : undefined;
  const hasLeft = numbers.includes(LEFT);
  return {
    action: !hasLeft ? "deny" : by === undefined ? "continue" : "allow",
    ruleId: by?.ruleId,
    policy: by?.policy,
    tier: by?.tier ?? chain.tiers.find(({ policies }) => policies.includes(by?.policy ?? ""))?.tier,
    logged: [...new Set(logged)],
  };
}
