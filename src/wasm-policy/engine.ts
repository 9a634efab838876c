/**
 * Back end 1: policies compiled and judged, one packet or a million. A policy image is a cache of the server: made from compiled policies, kept level with them by
 * `update`, never part of a fold.
 *
 * Two engines share the tables of an image: rows of bits (`row_engine.ts`), for batches and long chains, and one generated function for each policy
 * (`code_engine.ts`), for single packets in short chains. They are held equal by tests, to the number of the deciding rule.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import type { CompiledPolicies } from "#/policy/compiled.ts";
import type { ChainIr, Direction, PolicyIr, RuleIr } from "#/policy/ir.ts";
import { interpretChain } from "#/policy/ir_interpreter.ts";
import type { Packet } from "#/policy/packet.ts";
import { type Arena, createArena } from "./arena.ts";
import { canonicalSpace } from "./address_space.ts";
import { type ChainAction, type ChainDecisions, chainDecisions } from "./chain_decisions.ts";
import { type ChainProgram, CODES, createChainProgram, UNSPLIT_RULES_MAX } from "./chain_program.ts";
import { type CodeEngine, createCodeEngine } from "./code_engine.ts";
import { packetAt, type PacketColumns } from "./flow_batch.ts";
import { instantiateKernel } from "./kernel/kernel_code.ts";
import { VERDICT_KERNEL } from "./kernel/verdict.gen.ts";
import { kernelTwin, type VerdictKernel } from "./kernel_twin.ts";
import { LAYOUT_VERSION } from "./layout.ts";
import { createRowEngine, type RowEngine } from "./row_engine.ts";
import { createVocabulary, type RuleFacts, ruleFacts, type Vocabulary } from "./rule_facts.ts";
import { changeSets } from "./set_changes.ts";
import { membershipIn } from "#/policy/set_membership.ts";

/** What an image is made of. */
export type ImageInput = Pick<CompiledPolicies, "policies" | "sets">;

/** The verdict of a chain. */
export interface ImageVerdict {
  /** `continue` only by chains that say so at their end. */
  readonly action: ChainAction;
  /** `undefined` where a default decided. */
  readonly ruleId: string | undefined;
  /** Key of the policy or profile that decided, also of one that is missing. */
  readonly policy: string | undefined;
  /** `undefined` when profiles, or the end, decided. */
  readonly tier: string | undefined;
}

/** Which engine judges: rows of bits, generated code, or whichever suits the chain. */
export type EngineChoice = "auto" | "rows" | "code";

/** How an image works; all have defaults. */
export interface ImageOptions {
  readonly engine?: EngineChoice;
  /** `twin` runs the kernel's twin in TypeScript instead of WebAssembly. */
  readonly kernel?: "wasm" | "twin";
  /** Whether verdicts of classes are remembered; on unless said otherwise. */
  readonly memo?: "on" | "off";
  /** Chains with more rules are split into groups by which address ends a rule asks for; tests split short ones. */
  readonly unsplitMax?: number;
  /** Told when WebAssembly failed and the interpreter judged instead. */
  readonly onFailure?: (message: string) => void;
}

/** Chains with more rules are judged by rows of bits. */
export const CODE_RULES_MAX = 100;

/** Bytes of tables, and chains, that updates may leave behind before an image is worn out. */
const WORN_BYTES = 256 * 1024 * 1024;
const WORN_CHAINS = 20_000;

/** Compiled policies, ready to judge. */
export interface PolicyImage {
  /** Judges a packet by one direction's chain. A policy that is missing, or does not govern the direction, denies. */
  judge(chain: ChainIr, direction: Direction, packet: Packet): ImageVerdict;
  /** The number of a chain for `judgeBatch`. Its meaning stays: an update gives chains whose policies changed new numbers. */
  chainNumber(chain: ChainIr, direction: Direction): number;
  /** Judges packets, each by the chain of its number; a result a packet, for `verdictOf`. */
  judgeBatch(packets: PacketColumns, chains: Uint32Array): Uint32Array;
  /** What a result of `judgeBatch` means. */
  verdictOf(chain: number, result: number): ImageVerdict;
  /** Compiles the code of chains ahead of their first packet, all in one module. */
  prepareCode(chains: readonly number[]): void;
  /** Brings the image to other policies and sets; values that are the same objects as before cost nothing. */
  update(input: ImageInput): void;
  /** Whether so much has been left behind that compiling anew is better than another update. */
  isWorn(): boolean;
  /** What the image says, in words that do not depend on how it came about; for tests. */
  canonical(): readonly string[];
  readonly memory: WebAssembly.Memory;
}

/** A chain that was asked for. Policies are those of the time. */
interface ChainEntry {
  readonly number: number;
  readonly chain: ChainIr;
  readonly direction: Direction;
  readonly compiled: ChainDecisions;
  readonly policies: ReadonlyMap<string, PolicyIr>;
  program: ChainProgram | undefined;
  /** Whether a policy of it has changed since, so that the chain has another number now. */
  isPast: boolean;
}

/** Everything that an image is, before it gets a face. */
interface ImageState {
  readonly arena: Arena;
  readonly vocabulary: Vocabulary;
  readonly options: Required<ImageOptions>;
  readonly rows: RowEngine;
  readonly code: CodeEngine;
  readonly chains: ChainEntry[];
  /** Numbers of chains as they are now, by direction and text; and by object, which is quicker. */
  readonly byText: Map<string, number>;
  readonly byObject: Readonly<Record<Direction, WeakMap<ChainIr, number>>>;
  facts: WeakMap<RuleIr, RuleFacts>;
  policies: ReadonlyMap<string, PolicyIr>;
}

/**
 * Compiles an image.
 *
 * @example
 * ```ts
 * import { compileImage } from "#/wasm-policy/engine.ts";
 * const image = compileImage({ policies: new Map(), sets: new Map() });
 * const ip = { version: 4, value: 1n } as const;
 * const packet = { source: ip, destination: ip, protocol: 6, sourcePort: 1, destinationPort: 2, icmp: undefined };
 * if (image.judge({ tiers: [], profiles: [] }, "ingress", packet).action !== "deny") throw new Error();
 * ```
 */
export function compileImage(input: ImageInput, options: ImageOptions = {}): PolicyImage {
  const state = createState(input, options);
  for (const policy of input.policies.values()) learnPolicy(state, policy);
  const builtBytes = state.arena.used;
  const chainNumber = (chain: ChainIr, direction: Direction) => numberOf(state, chain, direction);
  return {
    chainNumber,
    judge: (chain, direction, packet) => judgeOne(state, state.chains[chainNumber(chain, direction)]!, packet),
    judgeBatch: (packets, chains) => judgeBatch(state, packets, chains),
    verdictOf: (chain, result) => verdictOf(state.chains[chain]!, result),
    prepareCode: (chains) => state.code.prepare(chains.map((number) => state.chains[number]!), factsOf(state)),
    update: (next) => updateState(state, next),
    isWorn: () =>
      state.arena.used > 2 * builtBytes + WORN_BYTES || state.chains.length > 2 * state.byText.size + WORN_CHAINS,
    canonical: () => canonicalImage(state),
    memory: state.arena.memory,
  };
}

function createState(input: ImageInput, options: ImageOptions): ImageState {
  const arena = createArena();
  const vocabulary = createVocabulary(arena, input.sets);
  const all: Required<ImageOptions> = {
    engine: "auto",
    kernel: "wasm",
    memo: "on",
    unsplitMax: UNSPLIT_RULES_MAX,
    onFailure: () => {},
    ...options,
  };
  const kernel: VerdictKernel = all.kernel === "twin" ? kernelTwin(() => arena.words) : wasmKernel(arena);
  const programs = (number: number): ChainProgram => {
    const entry = state.chains[number]!;
    return entry.program ??= createChainProgram(arena, entry.compiled, {
      facts: entry.compiled.rules.map(factsOf(state)),
      unsplitMax: all.unsplitMax,
    });
  };
  const state: ImageState = {
    arena,
    vocabulary,
    options: all,
    rows: createRowEngine({ arena, vocabulary, kernel, programs, memo: all.memo }),
    code: createCodeEngine(arena, vocabulary),
    chains: [],
    byText: new Map(),
    byObject: { ingress: new WeakMap(), egress: new WeakMap() },
    facts: new WeakMap(),
    policies: input.policies,
  };
  return state;
}

function wasmKernel(arena: Arena): VerdictKernel {
  const { abi, classify, evaluate } = instantiateKernel(VERDICT_KERNEL, arena.memory);
  assert(abi?.() === LAYOUT_VERSION, "The kernel must have been compiled for this layout: run `deno task kernels`");
  return { classify: classify!, evaluate: evaluate! };
}

function factsOf(state: ImageState): (rule: RuleIr) => RuleFacts {
  return (rule) => {
    const known = state.facts.get(rule);
    if (known !== undefined) return known;
    const facts = ruleFacts(rule, state.vocabulary);
    state.facts.set(rule, facts);
    state.rows.markChanged();
    return facts;
  };
}

/** Makes the atoms of a policy. */
function learnPolicy(state: ImageState, { ingress, egress }: PolicyIr): void {
  const learn = factsOf(state);
  for (const rule of ingress ?? []) learn(rule);
  for (const rule of egress ?? []) learn(rule);
}

function numberOf(state: ImageState, chain: ChainIr, direction: Direction): number {
  const known = state.byObject[direction].get(chain);
  if (known !== undefined && !state.chains[known]!.isPast) return known;
  const text = `${direction} ${JSON.stringify(chain)}`;
  let number = state.byText.get(text);
  if (number === undefined) {
    const { policies } = state;
    const compiled = chainDecisions(chain, direction, policies);
    number = state.chains.length;
    state.chains.push({ number, chain, direction, compiled, policies, program: undefined, isPast: false });
    state.byText.set(text, number);
  }
  state.byObject[direction].set(chain, number);
  return number;
}

function judgeOne(state: ImageState, entry: ChainEntry, packet: Packet): ImageVerdict {
  const { engine } = state.options;
  const isShort = entry.compiled.decisions.length <= CODE_RULES_MAX;
  if (engine === "rows" || (engine === "auto" && !isShort)) {
    return guarded(state, {
      run: () => verdictOf(entry, state.rows.runOne(packet, entry.number)),
      instead: () => interpret(state, entry, packet),
    });
  }
  return guarded(state, {
    run: () => {
      if (!state.code.isPrepared(entry.number)) state.code.prepare([entry], factsOf(state));
      return verdictOf(entry, state.code.run(entry.number, packet));
    },
    instead: () => interpret(state, entry, packet),
  });
}

function judgeBatch(state: ImageState, packets: PacketColumns, chains: Uint32Array): Uint32Array {
  return guarded(state, {
    run: () => state.rows.run(packets, chains),
    instead: () => {
      return chains.map((number, at) => {
        const entry = state.chains[number]!;
        return resultOf(entry, interpret(state, entry, packetAt(packets, at)));
      });
    },
  });
}

/** Runs WebAssembly; where it fails (a trap, or no more memory), says so and does it another way. */
function guarded<T>(state: ImageState, { run, instead }: { readonly run: () => T; readonly instead: () => T }): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
    state.options.onFailure(`Compiled policy failed, the interpreter judged instead: ${error.message}`);
    return instead();
  }
}

function interpret(state: ImageState, { chain, direction, policies }: ChainEntry, packet: Packet): ImageVerdict {
  const sets = membershipIn(state.vocabulary.sets);
  const { action, ruleId, policy, tier } = interpretChain(chain, direction, packet, { policies, sets });
  return { action, ruleId, policy, tier };
}

function verdictOf({ compiled }: ChainEntry, result: number): ImageVerdict {
  const { action, ruleId, policy, tier } = compiled.decisions[result >>> 2]!;
  assert(action !== "pass" && action !== "log", `Result must be of a decision that is final: ${result}`);
  return { action, ruleId, policy, tier };
}

/** The result that means a verdict. */
function resultOf({ compiled }: ChainEntry, verdict: ImageVerdict): number {
  const number = compiled.decisions.findIndex(({ action, ruleId, policy, tier }) =>
    action === verdict.action && ruleId === verdict.ruleId && policy === verdict.policy && tier === verdict.tier
  );
  return ((number << 2) | CODES[verdict.action]) >>> 0;
}

function updateState(state: ImageState, next: ImageInput): void {
  const { changed, otherPorts } = changeSets(state.vocabulary, next.sets);
  const before = state.policies;
  state.policies = next.policies;
  if (otherPorts) {
    state.facts = new WeakMap();
    state.code.forgetPolicies();
  }
  const keys = changedKeys(before, next.policies, otherPorts);
  for (const key of keys) {
    const policy = next.policies.get(key);
    if (policy !== undefined) learnPolicy(state, policy);
  }
  if (changed) state.rows.markChanged();
  if (keys.size === 0) return;
  for (const [text, number] of state.byText) {
    const entry = state.chains[number]!;
    if (!namesOneOf(entry.chain, keys)) continue;
    entry.isPast = true;
    state.byText.delete(text);
  }
}

/** Keys of policies that came, went or are others; all of them where sets make rules mean something else. */
function changedKeys(
  before: ReadonlyMap<string, PolicyIr>,
  after: ReadonlyMap<string, PolicyIr>,
  isEvery: boolean,
): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const [key, policy] of after) if (isEvery || before.get(key) !== policy) keys.add(key);
  for (const key of before.keys()) if (!after.has(key)) keys.add(key);
  return keys;
}

function namesOneOf({ tiers, profiles }: ChainIr, keys: ReadonlySet<string>): boolean {
  const isOne = (key: string) => keys.has(key);
  return tiers.some(({ policies }) => policies.some(isOne)) || profiles.some(isOne);
}

/** Classes of addresses by the names of atoms that rules ask for. */
function canonicalImage(state: ImageState): readonly string[] {
  const facts = [...state.policies.values()].flatMap(({ ingress, egress }) => [...ingress ?? [], ...egress ?? []])
    .map(factsOf(state));
  return (["source", "destination"] as const).flatMap((end) => {
    const { addresses, namedByPort } = state.vocabulary[end];
    const asked = facts.flatMap((one) => {
      const { all, none, anyPort, nonePort } = one[end];
      const named = [...anyPort ?? [], ...nonePort].flatMap((atom) => namedByPort.get(atom)?.addressAtom ?? []);
      return [...all, ...none, ...named];
    });
    return canonicalSpace(addresses, new Set(asked.map((atom) => addresses.keys[atom]!))).map((line) =>
      `${end} ${line}`
    );
  });
}
