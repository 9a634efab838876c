/**
 * A chain as tables in the arena, for the bit-vector engine: groups of rules with rows by class. Made when the chain is first asked; its rows when a class is first
 * seen. What is made never changes; a chain whose policies change gets a new program.
 *
 * Long chains are split into four groups, by which address ends a rule asks for: with rules that take any address apart, rows of the others are sparse, and most
 * blocks are ruled out by the summaries.
 *
 * Words of a program: groups, their address, codes, then for each field the table of its classes and the length of that table. Words of a group: summary words,
 * numbers of its rules, first rule of each stage, how many rules. A class's entry is the address of a list of row addresses, one for each group; 0 where there is none yet.
 *
 * @module
 */
import { assertNever } from "#/base/assert.ts";
import type { Arena } from "./arena.ts";
import { summaryWords } from "./bit_row.ts";
import type { ChainDecisions, Decision } from "./chain_decisions.ts";
import { decidingRules } from "./deciding_rules.ts";
import { createRuleGroup, type Field, type FieldClass, FIELDS, type RuleGroup } from "./rule_group.ts";
import type { RuleFacts } from "./rule_facts.ts";

/** Chains with more rules are split into groups, unless an image is told otherwise. */
export const UNSPLIT_RULES_MAX = 512;

/** Codes of what a decision does; a pass has the number of the next stage in the bits above. */
export const CODES = { allow: 0, deny: 1, continue: 2, pass: 3 } as const;

/** Words of a group in the arena. */
export const GROUP_WORDS = 4;

/** A chain, ready to be asked by the kernel. */
export interface ChainProgram {
  readonly address: number;
  /** Makes the rows of a class of a field, if they are not there. */
  prepare(field: Field, classNumber: number, meaning: FieldClass): void;
}

/** Code of a decision; those that only log are in no group. */
export function codeOf(action: Decision["action"], nextStage: number): number {
  switch (action) {
    case "allow":
    case "deny":
    case "continue":
      return CODES[action];
    case "pass":
      return CODES.pass | (nextStage << 2);
    case "log":
      return CODES.deny;
    default:
      return assertNever(action);
  }
}

/**
 * Compiles a chain.
 *
 * @param facts those of each decision's rule
 * @param unsplitMax chains with more rules are split into groups
 */
export function createChainProgram(
  arena: Arena,
  { decisions, rules, stages }: ChainDecisions,
  { facts, unsplitMax }: { readonly facts: readonly RuleFacts[]; readonly unsplitMax: number },
): ChainProgram {
  const deciding = stages.flatMap(({ first }, at) =>
    decidingRules(rules.slice(first, stages[at + 1]?.first)).map((index) => first + index)
  );
  const groups = groupsOf(arena, deciding, { facts, unsplitMax });
  const stageOf = (number: number) => stages.findLastIndex(({ first }) => first <= number);
  const codes = decisions.map(({ action }, number) => codeOf(action, action === "pass" ? stageOf(number) + 1 : 0));
  const groupsAddress = arena.allocate(groups.length * GROUP_WORDS * 4);
  for (const [at, group] of groups.entries()) {
    const starts = stages.map(({ first }) => lowerBound(group.numbers, first));
    const numbers = put(arena, group.numbers);
    const startsAddress = put(arena, starts);
    arena.words.set(
      [summaryWords(group.numbers.length), numbers, startsAddress, group.numbers.length],
      (groupsAddress >> 2) + at * GROUP_WORDS,
    );
  }
  const codesAddress = put(arena, codes);
  const address = arena.allocate((3 + 2 * FIELDS.length) * 4);
  arena.words.set([groups.length, groupsAddress, codesAddress], address >> 2);
  return {
    address,
    prepare(field, classNumber, meaning) {
      const word = (address >> 2) + 3 + 2 * FIELDS.indexOf(field);
      growClassTable(arena, word, classNumber);
      const entry = (arena.words[word]! >> 2) + classNumber;
      if (arena.words[entry] !== 0) return;
      const rows = groups.map((group) => group.row(field, meaning));
      const list = put(arena, rows);
      arena.words[entry] = list;
    },
  };
}

function groupsOf(
  arena: Arena,
  deciding: readonly number[],
  { facts, unsplitMax }: { readonly facts: readonly RuleFacts[]; readonly unsplitMax: number },
): RuleGroup[] {
  const rules = deciding.map((number) => ({ facts: facts[number]!, number }));
  if (rules.length <= unsplitMax) return [createRuleGroup(arena, rules)];
  const byEnds = Map.groupBy(
    rules,
    ({ facts: { source, destination } }) => Number(source.all.length > 0) * 2 + Number(destination.all.length > 0),
  );
  // The group of the first rule first: what it finds may spare the others.
  return [...byEnds.values()].sort(([a], [b]) => a!.number - b!.number).map((list) => createRuleGroup(arena, list));
}

function put(arena: Arena, numbers: readonly number[]): number {
  const address = arena.allocate(numbers.length * 4);
  arena.words.set(numbers, address >> 2);
  return address;
}

/** Words `word` and `word + 1` are the address and the length of a table by class. */
function growClassTable(arena: Arena, word: number, classNumber: number): void {
  const length = arena.words[word + 1]!;
  if (classNumber < length) return;
  const grown = 2 ** Math.ceil(Math.log2(Math.max(16, classNumber + 1)));
  const address = arena.allocate(grown * 4);
  arena.words.copyWithin(address >> 2, arena.words[word]! >> 2, (arena.words[word]! >> 2) + length);
  arena.words[word] = address;
  arena.words[word + 1] = grown;
}

function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  for (let high = sorted.length; low < high;) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
