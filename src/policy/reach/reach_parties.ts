/**
 * The ends as answers name them, and the pairs of them: endpoints gathered under names, addresses outside in ranges that are merged again where the answer
 * is the same. What a pair's answer is, the caller says: `reach` and `diffReach` differ in nothing else.
 *
 * @module
 */
import { assertNever } from "#/base/assert.ts";
import { compareBytewise } from "#/base/bytewise.ts";
import { parseIp } from "#/base/ip.ts";
import { type AddressRange, type ClassedRange, formatAddressRange } from "#/policy/reach/address_space.ts";
import type { CompiledEndpoint } from "#/policy/compiled.ts";
import type { ReachEnd } from "#/policy/reach/reach_end.ts";
import { NO_HEADERS, unionOf } from "#/policy/reach/reach_sets.ts";
import { allowedBetween, outsideEnd, type ReachWorld } from "#/policy/reach/reach_world.ts";

/** Ends that are told as one. Parties of one kind get equal answers. */
export interface Party {
  readonly kind: number;
  /** For each world, the classes of its ends with the endpoints in each; outside, one class without endpoints. */
  readonly ends: readonly ReadonlyMap<number, readonly string[]>[];
}

/** Endpoints of one name. */
export interface NamedParty extends Party {
  readonly name: string;
}

/** Addresses outside of one class. */
export interface OutsideParty extends Party, AddressRange {}

/** Who may be at one side of a pair: names sorted, ranges sorted. */
export interface Parties {
  readonly named: readonly NamedParty[];
  readonly outside: readonly OutsideParty[];
}

/** A pair with its answer. */
export interface ToldPair<Answer> {
  readonly from: string;
  readonly to: string;
  readonly answer: Answer;
}

/** How parties are made. */
export interface PartyOptions {
  readonly nameOf?: (endpoint: CompiledEndpoint) => string;
  readonly aliasesOf?: (endpoint: CompiledEndpoint) => readonly string[];
  readonly synthetic?: ReadonlySet<string>;
  readonly from?: ReachEnd;
  readonly to?: ReachEnd;
  readonly within?: boolean;
}

/** Numbers of kinds by what makes them, for both sides of the pairs. */
type Kinds = Map<string, number>;

/** More kinds than parties, so that two make one key. */
const KINDS_MAX = 2 ** 26;

/** Those at either side of the pairs. Addresses that an endpoint has in any of the worlds are outside in none. */
export function partiesOf(
  worlds: readonly ReachWorld[],
  options: PartyOptions,
): { readonly from: Parties; readonly to: Parties } {
  const kinds: Kinds = new Map();
  const outside = commonRanges(worlds);
  const side = (selection: ReachEnd | undefined): Parties => ({
    named: namedParties(worlds, selection, options, kinds),
    outside: outsideParties(worlds, selection, outside, kinds),
  });
  return { from: side(options.from), to: side(options.to) };
}

function namedParties(
  worlds: readonly ReachWorld[],
  selection: ReachEnd | undefined,
  options: PartyOptions,
  kinds: Kinds,
): readonly NamedParty[] {
  const nameOf = options.nameOf ?? ((endpoint: CompiledEndpoint) => endpoint.workload);
  const byName = new Map<string, Map<number, string[]>[]>();
  for (const [index, world] of worlds.entries()) {
    for (const endpoint of world.table.compiled.endpoints) {
      const name = nameOf(endpoint);
      if (selection !== undefined && !isSelected(endpoint, name, selection, options)) continue;
      let ends = byName.get(name);
      if (ends === undefined) byName.set(name, ends = worlds.map(() => new Map<number, string[]>()));
      const end = world.endOf.get(endpoint.id)!;
      const members = ends[index]!.get(end);
      if (members === undefined) ends[index]!.set(end, [endpoint.id]);
      else members.push(endpoint.id);
    }
  }
  return [...byName].sort(([a], [b]) => compareBytewise(a, b))
    .map(([name, ends]) => ({ name, ends, kind: kindOf(kinds, ends) }));
}

function isSelected(
  endpoint: CompiledEndpoint,
  name: string,
  selection: ReachEnd,
  { aliasesOf, synthetic }: PartyOptions,
): boolean {
  switch (selection.kind) {
    case "workload": {
      const wanted = `${selection.namespace}/${selection.name}`;
      return [name, endpoint.workload, endpoint.id, ...(aliasesOf?.(endpoint) ?? [])].includes(wanted);
    }
    case "namespace":
      return endpoint.id.startsWith(`${selection.namespace}/`);
    case "addresses":
      return endpoint.addresses.some((text) => {
        const ip = synthetic?.has(text) ? undefined : parseIp(text);
        return ip !== undefined && ip.version === selection.first.version &&
          selection.first.value <= ip.value && ip.value <= selection.last.value;
      });
    default:
      return assertNever(selection);
  }
}

/** A range with its class in each world. */
interface CommonRange extends AddressRange {
  readonly addressClasses: readonly number[];
}

/** The ranges that are outside in every world, cut where any of them cuts. */
function commonRanges(worlds: readonly ReachWorld[]): readonly CommonRange[] {
  const [first, ...more] = worlds.map((world) => world.outside);
  let common: readonly CommonRange[] = (first ?? []).map((range) => ({
    ...plainRange(range),
    addressClasses: [range.addressClass],
  }));
  for (const ranges of more) common = cutAlong(common, ranges);
  return common;
}

function cutAlong(common: readonly CommonRange[], ranges: readonly ClassedRange[]): readonly CommonRange[] {
  const pieces: CommonRange[] = [];
  let left = 0;
  let right = 0;
  while (left < common.length && right < ranges.length) {
    const a = common[left]!;
    const b = ranges[right]!;
    if (a.version === b.version) {
      const first = a.first > b.first ? a.first : b.first;
      const last = a.last < b.last ? a.last : b.last;
      const addressClasses = [...a.addressClasses, b.addressClass];
      if (first <= last) pieces.push({ version: a.version, first, last, addressClasses });
    }
    if (a.version < b.version || (a.version === b.version && a.last <= b.last)) left += 1;
    else right += 1;
  }
  return pieces;
}

function plainRange({ version, first, last }: AddressRange): AddressRange {
  return { version, first, last };
}

function outsideParties(
  worlds: readonly ReachWorld[],
  selection: ReachEnd | undefined,
  ranges: readonly CommonRange[],
  kinds: Kinds,
): readonly OutsideParty[] {
  if (selection !== undefined && selection.kind !== "addresses") return [];
  const byClasses = new Map<string, Party>();
  return ranges.flatMap((range): OutsideParty[] => {
    const clipped = selection === undefined ? range : clip(range, selection);
    if (clipped === undefined) return [];
    const key = range.addressClasses.join();
    let party = byClasses.get(key);
    if (party === undefined) {
      const ends = range.addressClasses.map((one, index) => new Map([[outsideEnd(worlds[index]!, one), []]]));
      byClasses.set(key, party = { ends, kind: kindOf(kinds, ends) });
    }
    return [{ ...plainRange(clipped), ...party }];
  });
}

function clip(range: AddressRange, selection: ReachEnd & { readonly kind: "addresses" }): AddressRange | undefined {
  if (range.version !== selection.first.version) return undefined;
  const first = range.first > selection.first.value ? range.first : selection.first.value;
  const last = range.last < selection.last.value ? range.last : selection.last.value;
  return first <= last ? { version: range.version, first, last } : undefined;
}

function kindOf(kinds: Kinds, ends: readonly ReadonlyMap<number, readonly string[]>[]): number {
  const key = ends.map((one) => [...one.keys()].sort((a, b) => a - b).join()).join(" ");
  const known = kinds.get(key);
  if (known !== undefined) return known;
  kinds.set(key, kinds.size);
  return kinds.size - 1;
}

/**
 * The number of the set of headers that may go from one party to another in a world: from any of its ends to any of the other's. Within one name, from
 * an endpoint to another one.
 *
 * @param index of the world among those that the parties were made for
 */
export function allowedBetweenParties(
  world: ReachWorld,
  index: number,
  from: Party,
  to: Party,
  isWithin: boolean,
): number {
  let allowed = NO_HEADERS;
  for (const [source, sources] of from.ends[index]!) {
    for (const [target, targets] of to.ends[index]!) {
      const isOneEndpoint = isWithin && source === target && sources.length === 1 && targets.length === 1 &&
        sources[0] === targets[0];
      if (!isOneEndpoint) allowed = unionOf(world.sets, allowed, allowedBetween(world, source, target));
    }
  }
  return allowed;
}

/**
 * Every pair with an answer, sorted by `from`, then `to`: names bytewise, then addresses by number. Neighbouring ranges with one answer are one range.
 *
 * @param answerOf the answer for two parties, `undefined` for none; equal answers must be one object. Asked once for each pair of kinds, and for each
 * name with itself when the names' own pairs are wanted
 */
export function* tellPairs<Answer extends object | string>(
  { from, to }: { readonly from: Parties; readonly to: Parties },
  options: { readonly within?: boolean },
  answerOf: (from: Party, to: Party, isWithin: boolean) => Answer | undefined,
): Generator<ToldPair<Answer>> {
  const answers = new Map<number, Answer | undefined>();
  const answer = (source: Party, target: Party) => {
    const key = source.kind * KINDS_MAX + target.kind;
    if (!answers.has(key)) answers.set(key, answerOf(source, target, false));
    return answers.get(key);
  };
  const outsideOf = new Map<number, readonly ToldRange<Answer>[]>();
  for (const source of from.named) {
    for (const target of to.named) {
      const isWithin = source.name === target.name;
      if (isWithin && options.within !== true) continue;
      const told = isWithin ? answerOf(source, target, true) : answer(source, target);
      if (told !== undefined) yield { from: source.name, to: target.name, answer: told };
    }
    let ranges = outsideOf.get(source.kind);
    if (ranges === undefined) {
      ranges = mergeRanges(to.outside, (range) => answer(source, range));
      outsideOf.set(source.kind, ranges);
    }
    for (const range of ranges) yield { from: source.name, to: range.text, answer: range.answer };
  }
  yield* pairsFromOutside({ from, to }, answer);
}

/** A range with its text and an answer. */
interface ToldRange<Answer> extends AddressRange {
  readonly text: string;
  readonly answer: Answer;
}

function* pairsFromOutside<Answer>(
  { from, to }: { readonly from: Parties; readonly to: Parties },
  answer: (source: Party, target: Party) => Answer | undefined,
): Generator<ToldPair<Answer>> {
  const rangesTo = new Map<number, readonly ToldRange<Answer>[]>();
  const found: { readonly range: ToldRange<Answer>; readonly to: string }[] = [];
  for (const target of to.named) {
    let ranges = rangesTo.get(target.kind);
    if (ranges === undefined) {
      ranges = mergeRanges(from.outside, (range) => answer(range, target));
      rangesTo.set(target.kind, ranges);
    }
    for (const range of ranges) found.push({ range, to: target.name });
  }
  // Sorting is stable: names stay sorted within a range.
  found.sort((a, b) => compareRanges(a.range, b.range));
  for (const { range, to: name } of found) yield { from: range.text, to: name, answer: range.answer };
}

function compareRanges(a: AddressRange, b: AddressRange): number {
  if (a.version !== b.version) return a.version - b.version;
  if (a.first !== b.first) return a.first < b.first ? -1 : 1;
  return a.last === b.last ? 0 : a.last < b.last ? -1 : 1;
}

function mergeRanges<Answer>(
  ranges: readonly OutsideParty[],
  answer: (range: OutsideParty) => Answer | undefined,
): readonly ToldRange<Answer>[] {
  const merged: { range: AddressRange; answer: Answer }[] = [];
  for (const range of ranges) {
    const told = answer(range);
    if (told === undefined) continue;
    const last = merged.at(-1);
    const isNext = last?.answer === told && last.range.version === range.version &&
      last.range.last + 1n === range.first;
    if (isNext) last.range = { ...last.range, last: range.last };
    else merged.push({ range: plainRange(range), answer: told });
  }
  return merged.map(({ range, answer: told }) => ({ ...range, text: formatAddressRange(range), answer: told }));
}
