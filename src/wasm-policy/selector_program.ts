/**
 * Selectors as programs: a selector's tree becomes a few integers that combine *slots*, one bit per slot and lane, where a slot stands for one test of one label
 * (`selector_leaves.ts`) and a lane for one endpoint. The same program runs on one word of 32 lanes here, and on blocks of 512 lanes in `selector_blocks.ts`
 * and in the kernel; the label index and the benches make and run them.
 *
 * @module
 */
import { assertNever } from "#/base/assert.ts";
import type { Selector } from "#/base/selector.ts";

/** The slot whose bits are never set. */
export const NEVER_SLOT = 0;
/** The slot whose bits are those of the lanes in use; every result is masked with it, so that a negation cannot match a lane without an endpoint. */
export const ALWAYS_SLOT = 1;
/** Slots from here on are tests of labels. */
export const FIRST_LEAF_SLOT = 2;

/** An instruction is an operation above {@link OPERAND_BITS} bits of operand: a slot, or a register for a part of a nested selector. */
export const OPERAND_BITS = 26;
/** Takes the operand out of an instruction. */
export const OPERAND_MASK = (1 << OPERAND_BITS) - 1;

/** Ends a program. */
export const OP_END = 0;
/** Sets the accumulator to a slot. */
export const OP_LOAD = 1;
/** Sets the accumulator to the opposite of a slot. */
export const OP_LOAD_NOT = 2;
/** Keeps of the accumulator what is in a slot. */
export const OP_AND = 3;
/** Keeps of the accumulator what is not in a slot. */
export const OP_AND_NOT = 4;
/** Adds a slot to the accumulator. */
export const OP_OR = 5;
/** Adds the opposite of a slot to the accumulator. */
export const OP_OR_NOT = 6;
/** Copies the accumulator to a register. */
export const OP_STORE = 7;
/** Keeps of the accumulator what is in a register. */
export const OP_AND_REGISTER = 8;
/** Adds a register to the accumulator. */
export const OP_OR_REGISTER = 9;

/** One test of one label that is positive: false where the label is missing. Negative tests are their opposites. */
export type LeafTest =
  | { readonly kind: "has"; readonly key: string }
  | { readonly kind: "equals" | "contains" | "startsWith" | "endsWith"; readonly key: string; readonly value: string }
  | { readonly kind: "in"; readonly key: string; readonly values: readonly string[] };

/** A selector, compiled. */
export interface SelectorProgram {
  /** How many slots are demanded, these slots, then instructions up to and with {@link OP_END}. */
  readonly code: readonly number[];
  /** In every lane that matches, one of these slots is set; {@link ALWAYS_SLOT} where nothing is demanded. */
  readonly demand: readonly number[];
  /** How many registers it uses. */
  readonly registers: number;
}

/** What compiling asks of its caller. */
export interface ProgramScope {
  /** The slot of a test; called once for each place where the selector has it. */
  slotOf(test: LeafTest): number;
  /** How dear it is to try a selector wherever a slot is set; of several demands the cheapest is kept. */
  costOf(slot: number): number;
}

/** A selector with its negations pushed down to the slots. */
type Term =
  | { readonly kind: "slot"; readonly slot: number; readonly negated: boolean }
  | { readonly kind: "and" | "or"; readonly terms: readonly Term[] };

interface Demand {
  readonly slots: readonly number[];
  readonly cost: number;
}

/**
 * Compiles a selector. `all()` and `global()` match every lane in use.
 *
 * @example
 * ```ts
 * import { compileSelector, runOnWord } from "#/wasm-policy/selector_program.ts";
 * const selector = { kind: "not", operand: { kind: "has", key: "env" } } as const;
 * const { code } = compileSelector(selector, { slotOf: () => 2, costOf: () => 1 });
 * // Lanes 0 and 1 are in use, and lane 1 has the label.
 * if (runOnWord(Int32Array.from(code), 0, [0, 0b11, 0b10], []) !== 0b01) throw new Error();
 * ```
 */
export function compileSelector(selector: Selector, scope: ProgramScope): SelectorProgram {
  const term = normalised(selector, false, scope);
  const demand = demandOf(term, scope)?.slots ?? [ALWAYS_SLOT];
  const code = [demand.length, ...demand];
  const registers = emit(term, 0, code);
  code.push(instruction(OP_END, 0));
  return { code, demand, registers };
}

/**
 * Runs a program on one word of lanes.
 *
 * @param start where the program begins in `code`
 * @param truth a word for each slot; all zero but in lanes in use
 * @param registers scratch space
 * @returns the lanes in use that match, as an unsigned word
 */
export function runOnWord(code: Int32Array, start: number, truth: ArrayLike<number>, registers: number[]): number {
  let at = start + 1 + code[start]!;
  let word = 0;
  for (;; at++) {
    const instruction = code[at]!;
    const operand = instruction & OPERAND_MASK;
    switch (instruction >>> OPERAND_BITS) {
      case OP_LOAD:
        word = truth[operand]!;
        break;
      case OP_LOAD_NOT:
        word = ~truth[operand]!;
        break;
      case OP_AND:
        word &= truth[operand]!;
        break;
      case OP_AND_NOT:
        word &= ~truth[operand]!;
        break;
      case OP_OR:
        word |= truth[operand]!;
        break;
      case OP_OR_NOT:
        word |= ~truth[operand]!;
        break;
      case OP_STORE:
        registers[operand] = word;
        break;
      case OP_AND_REGISTER:
        word &= registers[operand]!;
        break;
      case OP_OR_REGISTER:
        word |= registers[operand]!;
        break;
      default:
        return (word & truth[ALWAYS_SLOT]!) >>> 0;
    }
  }
}

/** The slots that a program reads, in order, with repetitions. */
export function* slotsOf(code: Int32Array, start: number): Iterable<number> {
  for (let at = start + 1 + code[start]!;; at++) {
    const operation = code[at]! >>> OPERAND_BITS;
    if (operation === OP_END) return;
    if (operation < OP_STORE) yield code[at]! & OPERAND_MASK;
  }
}

/** How many integers a program has. */
export function programLength(code: Int32Array, start: number): number {
  let at = start + 1 + code[start]!;
  while (code[at]! >>> OPERAND_BITS !== OP_END) at += 1;
  return at + 1 - start;
}

function instruction(operation: number, operand: number): number {
  return (operation << OPERAND_BITS) | operand;
}

function normalised(selector: Selector, negated: boolean, scope: ProgramScope): Term {
  const leaf = (test: LeafTest, opposite: boolean): Term => ({
    kind: "slot",
    slot: scope.slotOf(test),
    negated: negated !== opposite,
  });
  switch (selector.kind) {
    case "all":
    case "global":
      return { kind: "slot", slot: negated ? NEVER_SLOT : ALWAYS_SLOT, negated: false };
    case "has":
    case "equals":
    case "contains":
    case "startsWith":
    case "endsWith":
      return leaf(selector as LeafTest, false);
    case "notEquals":
      return leaf({ kind: "equals", key: selector.key, value: selector.value }, true);
    case "in":
    case "notIn": {
      const opposite = selector.kind === "notIn";
      const { key, values } = selector;
      if (values.length === 1) return leaf({ kind: "equals", key, value: values[0]! }, opposite);
      if (values.length > 1) return leaf({ kind: "in", key, values }, opposite);
      return { kind: "slot", slot: negated === opposite ? NEVER_SLOT : ALWAYS_SLOT, negated: false };
    }
    case "not":
      return normalised(selector.operand, !negated, scope);
    case "and":
    case "or": {
      const kind = (selector.kind === "and") === negated ? "or" : "and";
      return { kind, terms: selector.operands.map((operand) => normalised(operand, negated, scope)) };
    }
    default:
      return assertNever(selector);
  }
}

/** The cheapest list of slots of which every match has one; `undefined` where a match may have none. */
function demandOf(term: Term, scope: ProgramScope): Demand | undefined {
  if (term.kind === "slot") {
    if (term.negated || term.slot === ALWAYS_SLOT) return undefined;
    return { slots: [term.slot], cost: term.slot === NEVER_SLOT ? 0 : scope.costOf(term.slot) };
  }
  const demands = term.terms.map((each) => demandOf(each, scope));
  if (term.kind === "and") {
    return demands.reduce(
      (best, next) => best === undefined || (next && next.cost < best.cost) ? next : best,
      undefined,
    );
  }
  const met = demands.filter((demand) => demand !== undefined);
  if (met.length < demands.length) return undefined;
  return {
    slots: [...new Set(met.flatMap(({ slots }) => slots))],
    cost: met.reduce((sum, { cost }) => sum + cost, 0),
  };
}

/** Appends the instructions that bring a term into the accumulator, and returns how many registers are used up to this depth. */
function emit(term: Term, depth: number, code: number[]): number {
  if (term.kind === "slot") {
    code.push(instruction(term.negated ? OP_LOAD_NOT : OP_LOAD, term.slot));
    return depth;
  }
  // Nested terms first: a slot can join the accumulator at any time, a nested term needs it empty.
  const terms = [
    ...term.terms.filter((each) => each.kind !== "slot"),
    ...term.terms.filter((each) => each.kind === "slot"),
  ];
  const conjunctive = term.kind === "and";
  let registers = depth;
  for (const [at, each] of terms.entries()) {
    if (at === 0) {
      registers = Math.max(registers, emit(each, depth, code));
    } else if (each.kind === "slot") {
      const positive = conjunctive ? OP_AND : OP_OR;
      code.push(instruction(each.negated ? positive + 1 : positive, each.slot));
    } else {
      code.push(instruction(OP_STORE, depth));
      registers = Math.max(registers, depth + 1, emit(each, depth + 1, code));
      code.push(instruction(conjunctive ? OP_AND_REGISTER : OP_OR_REGISTER, depth));
    }
  }
  return registers;
}
