/**
 * Rules of a chain whose rows are built together: for each field of a packet (its two addresses, its two ports, its protocol) and each class of the field, a row
 * with a bit for every rule whose conditions on the field hold. The first bit that all five rows have is the first rule that matches.
 *
 * Rows are built when a class is first seen, from lists of rules by atom: work for what a class has, not for all rules.
 *
 * @module
 */
import { ANY, type RuleIr } from "#/policy/ir.ts";
import type { Arena } from "./arena.ts";
import { looseWords, packRow, packSparseRow } from "./bit_row.ts";
import type { IdList } from "./list_interner.ts";
import type { RuleFacts, SideFacts } from "./rule_facts.ts";

/** What a packet is judged by, in the order of the columns of a batch. */
export const FIELDS = ["source", "destination", "sourcePort", "destinationPort", "service"] as const;

/** A field of a packet; `service` is family, protocol and ICMP. */
export type Field = typeof FIELDS[number];

/** Family, protocol and ICMP of a packet. */
export interface Service {
  readonly version: 4 | 6;
  readonly protocol: number;
  readonly icmp: { readonly type: number; readonly code: number } | undefined;
}

/** What a class of a field means: the atoms that hold, or the service itself. */
export type FieldClass = IdList | Service;

/** A group of rules. */
export interface RuleGroup {
  /** Number of each rule in the whole chain, ascending. */
  readonly numbers: readonly number[];
  /** The address of the row of a class; packed into the arena. */
  row(field: Field, meaning: FieldClass): number;
}

/** Conditions of a rule on one field, as atoms. */
interface FieldFacts {
  readonly all: IdList;
  readonly any: IdList | undefined;
  readonly none: IdList;
}

/** Lists of rules for one field. */
interface FieldIndex {
  /** Rules that ask for no atom; `undefined` when all do. */
  readonly base: Uint32Array | undefined;
  /** The packed base row, for classes that differ in nothing; made when first needed. */
  baseRow: number | undefined;
  /** Rules to look at when a class has an atom: those that ask for it, and those that refuse it. */
  readonly wanting: ReadonlyMap<number, readonly number[]>;
  readonly refusing: ReadonlyMap<number, readonly number[]>;
  readonly facts: readonly FieldFacts[];
}

/** Makes a group of rules. */
export function createRuleGroup(
  arena: Arena,
  rules: readonly { readonly facts: RuleFacts; readonly number: number }[],
): RuleGroup {
  const facts = rules.map((rule) => rule.facts);
  const indexes = new Map<Field, FieldIndex>();
  const indexOf = (field: Exclude<Field, "service">): FieldIndex => {
    const known = indexes.get(field);
    if (known !== undefined) return known;
    const made = fieldIndex(facts.map((one) => fieldFacts(one, field)));
    indexes.set(field, made);
    return made;
  };
  const services = serviceRows(facts.map(({ rule }) => rule));
  return {
    numbers: rules.map(({ number }) => number),
    row(field, meaning) {
      if (field !== "service") return atomRow(arena, indexOf(field), { atoms: meaning as IdList, count: rules.length });
      return packRow(arena, services(meaning as Service), rules.length);
    },
  };
}

function fieldFacts({ source, destination }: RuleFacts, field: Exclude<Field, "service">): FieldFacts {
  const address = ({ all, none }: SideFacts) => ({ all, any: undefined, none });
  const port = ({ anyPort, nonePort }: SideFacts) => ({ all: [], any: anyPort, none: nonePort });
  switch (field) {
    case "source":
      return address(source);
    case "destination":
      return address(destination);
    case "sourcePort":
      return port(source);
    case "destinationPort":
      return port(destination);
  }
}

function setBit(bits: Uint32Array, rule: number): void {
  bits[rule >> 5]! |= 1 << (rule & 31);
}

function fieldIndex(facts: readonly FieldFacts[]): FieldIndex {
  const base = new Uint32Array(looseWords(facts.length));
  let hasBase = false;
  const wanting = new Map<number, number[]>();
  const refusing = new Map<number, number[]>();
  const note = (lists: Map<number, number[]>, atom: number, rule: number) => {
    const list = lists.get(atom);
    if (list === undefined) lists.set(atom, [rule]);
    else list.push(rule);
  };
  for (const [rule, { all, any, none }] of facts.entries()) {
    if (all.length === 0 && any === undefined) {
      setBit(base, rule);
      hasBase = true;
    } else for (const atom of any ?? all.slice(0, 1)) note(wanting, atom, rule);
    for (const atom of none) note(refusing, atom, rule);
  }
  return { base: hasBase ? base : undefined, baseRow: undefined, wanting, refusing, facts };
}

function atomRow(
  arena: Arena,
  index: FieldIndex,
  { atoms, count }: { readonly atoms: IdList; readonly count: number },
): number {
  const { base, wanting, refusing, facts } = index;
  const isPlain = !atoms.some((atom) => wanting.has(atom) || refusing.has(atom));
  if (isPlain && index.baseRow !== undefined) return index.baseRow;
  const added = rulesOf(atoms, wanting);
  const refused = rulesOf(atoms, refusing);
  const has = new Set(atoms);
  const isAll = (rule: number) => facts[rule]!.all.length < 2 || facts[rule]!.all.every((one) => has.has(one));
  let row: number;
  if (base === undefined && added.length * 16 < count) {
    const removed = new Set(refused);
    const rules = [...new Set(added)].filter((rule) => isAll(rule) && !removed.has(rule)).sort((a, b) => a - b);
    row = packSparseRow(arena, rules, count);
  } else {
    const bits = base?.slice() ?? new Uint32Array(looseWords(count));
    for (const rule of added) if (isAll(rule)) setBit(bits, rule);
    for (const rule of refused) bits[rule >> 5]! &= ~(1 << (rule & 31));
    row = packRow(arena, bits, count);
  }
  if (isPlain) index.baseRow = row;
  return row;
}

function rulesOf(atoms: IdList, lists: ReadonlyMap<number, readonly number[]>): number[] {
  const found: number[] = [];
  for (const atom of atoms) {
    const rules = lists.get(atom);
    if (rules !== undefined) { for (const rule of rules) found.push(rule); }
  }
  return found;
}

/** Rows by service: rules that ask the same of it are tested together. */
function serviceRows(rules: readonly RuleIr[]): (service: Service) => Uint32Array {
  const alike = new Map<string, { readonly rule: RuleIr; readonly bits: Uint32Array }>();
  for (const [number, rule] of rules.entries()) {
    const { ipVersion, protocol, notProtocol, icmp, notIcmp } = rule;
    const key = JSON.stringify([ipVersion, protocol, notProtocol, icmp, notIcmp]);
    let one = alike.get(key);
    if (one === undefined) alike.set(key, one = { rule, bits: new Uint32Array(looseWords(rules.length)) });
    setBit(one.bits, number);
  }
  return (service) => {
    const row = new Uint32Array(looseWords(rules.length));
    for (const { rule, bits } of alike.values()) {
      if (!serviceMatches(rule, service)) continue;
      for (let at = 0; at < row.length; at++) row[at]! |= bits[at]!;
    }
    return row;
  };
}

/** Whether the conditions of a rule on family, protocol and ICMP hold. */
export function serviceMatches(rule: RuleIr, { version, protocol, icmp }: Service): boolean {
  const isIcmp = (match: Exclude<RuleIr["icmp"], typeof ANY>) =>
    icmp !== undefined && icmp.type === match.type && (match.code === ANY || match.code === icmp.code);
  return (rule.ipVersion === ANY || rule.ipVersion === version) &&
    (rule.protocol === ANY || rule.protocol === protocol) &&
    (rule.notProtocol === undefined || rule.notProtocol !== protocol) &&
    (rule.icmp === ANY || isIcmp(rule.icmp)) &&
    (rule.notIcmp === undefined || !isIcmp(rule.notIcmp));
}
