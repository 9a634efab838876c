/**
 * Rules in terms of atoms: what the engines test, with all texts gone. Between the IR and the engines of this folder; one vocabulary serves one image.
 *
 * A named port (a member `10.0.0.1,tcp:8080` of an address-and-port set) is two atoms: one of the addresses that have that protocol and port in that set, and
 * one of the port. A packet has the port's atom when its address has the other one and its protocol and port are these (`vocabulary.namedClass`).
 *
 * @module
 */
import { parseProtocol } from "#/base/protocol.ts";
import type { CompiledSet } from "#/policy/compiled.ts";
import { ANY, ANY_SIDE, type RuleIr, type SideIr } from "#/policy/ir.ts";
import { NO_RANGES, type Ranges, rangesOf } from "./address_ranges.ts";
import { type AddressSpace, createAddressSpace } from "./address_space.ts";
import type { Arena } from "./arena.ts";
import type { IdList } from "./list_interner.ts";
import { createPortSpace, type PortSpace } from "./port_space.ts";

/** One end of a rule. */
export interface SideFacts {
  /** Atoms that must all hold the address. */
  readonly all: IdList;
  /** Atoms of which none may. */
  readonly none: IdList;
  /** Atoms of which one must hold the port; `undefined` when any port or none will do. */
  readonly anyPort: IdList | undefined;
  readonly nonePort: IdList;
}

/** A rule. Conditions on protocol and ICMP stay as they are: they are few and numbers already. */
export interface RuleFacts {
  readonly rule: RuleIr;
  readonly source: SideFacts;
  readonly destination: SideFacts;
}

/** An end that matches everything. */
export const FREE_SIDE: SideFacts = { all: [], none: [], anyPort: undefined, nonePort: [] };

/** A protocol and port that some addresses have in an address-and-port set. */
export interface NamedPort {
  readonly protocol: number;
  readonly port: number;
  readonly addressAtom: number;
  readonly portAtom: number;
}

/** Atoms of one end. */
export interface EndVocabulary {
  readonly addresses: AddressSpace;
  readonly ports: PortSpace;
  /** Named ports by the address atom of each, and by the port atom. */
  readonly named: Map<number, NamedPort>;
  readonly namedByPort: Map<number, NamedPort>;
  /** Atoms of sets by id, so that thousands of rules that name a set ask for its atom without making its key. */
  readonly setAtoms: Map<string, number>;
}

/** Atoms of both ends, and the sets they come from. */
export interface Vocabulary {
  readonly source: EndVocabulary;
  readonly destination: EndVocabulary;
  /** Sets as they are now. */
  sets: ReadonlyMap<string, CompiledSet>;
}

/** A vocabulary without words. */
export function createVocabulary(arena: Arena, sets: ReadonlyMap<string, CompiledSet>): Vocabulary {
  const end = (): EndVocabulary => ({
    addresses: createAddressSpace(arena),
    ports: createPortSpace(arena),
    named: new Map(),
    namedByPort: new Map(),
    setAtoms: new Map(),
  });
  return { source: end(), destination: end(), sets };
}

/** Key of a set's atom. */
export function setAtomKey(id: string): string {
  return `set ${id}`;
}

/** Addresses of a set; a set that is missing, or has ports, holds no address by itself. */
export function setRanges(set: CompiledSet | undefined): Ranges {
  return set?.type === "net" ? rangesOf(set.members) : NO_RANGES;
}

/** Members of an address-and-port set by `protocol:port`, as texts of addresses. */
export function namedMembers(set: CompiledSet | undefined): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const member of set?.type === "ipPort" ? set.members : []) {
    const [, address, protocolText, port] = /^(.+),(.+):(\d+)$/.exec(member) ?? [];
    const protocol = parseProtocol(protocolText ?? "");
    if (address === undefined || protocol === undefined) continue;
    const key = `${protocol}:${port}`;
    const addresses = found.get(key);
    if (addresses === undefined) found.set(key, [address]);
    else addresses.push(address);
  }
  return found;
}

/** Key of the atom of the addresses that have a port in a set; `end` is `protocol:port`. */
export function namedAtomKey(id: string, end: string): string {
  return `port ${end} ${id}`;
}

/** Lowers a rule to facts; new atoms are made on the way. */
export function ruleFacts(rule: RuleIr, vocabulary: Vocabulary): RuleFacts {
  return {
    rule,
    source: sideFacts(rule.source, vocabulary.source, vocabulary.sets),
    destination: sideFacts(rule.destination, vocabulary.destination, vocabulary.sets),
  };
}

function sideFacts(side: SideIr, words: EndVocabulary, sets: ReadonlyMap<string, CompiledSet>): SideFacts {
  if (side === ANY_SIDE) return FREE_SIDE;
  const set = (id: string) => {
    let atom = words.setAtoms.get(id);
    if (atom === undefined) {
      atom = words.addresses.atom(setAtomKey(id), () => setRanges(sets.get(id)));
      words.setAtoms.set(id, atom);
    }
    return atom;
  };
  const nets = (list: readonly string[]) =>
    words.addresses.atom(`nets ${list.toSorted().join()}`, () => rangesOf(list));
  const named = (ids: readonly string[]) => ids.flatMap((id) => namedAtoms(id, words, sets));
  const ranges = (list: SideIr["notPorts"]) => list.length === 0 ? [] : [words.ports.ranges(list)];
  return {
    all: [...side.sets.map(set), ...side.nets === ANY ? [] : [nets(side.nets)]],
    none: [...side.notSets.map(set), ...side.notNets.length === 0 ? [] : [nets(side.notNets)]],
    anyPort: side.ports === ANY ? undefined : [...ranges(side.ports), ...named(side.portSets)],
    nonePort: [...ranges(side.notPorts), ...named(side.notPortSets)],
  };
}

function namedAtoms(id: string, words: EndVocabulary, sets: ReadonlyMap<string, CompiledSet>): number[] {
  return [...namedMembers(sets.get(id))].map(([end, addresses]) => {
    const key = namedAtomKey(id, end);
    const addressAtom = words.addresses.atom(key, () => rangesOf(addresses));
    const [protocol = 0, port = 0] = end.split(":").map(Number);
    const portAtom = words.ports.named(key);
    const named: NamedPort = { protocol, port, addressAtom, portAtom };
    words.named.set(addressAtom, named);
    words.namedByPort.set(portAtom, named);
    return portAtom;
  });
}

/** The class of a port on an address: that of the port, with the atoms that the address has for this protocol and port. */
export function namedClass(
  words: EndVocabulary,
  { addressClass, protocol, port }: {
    readonly addressClass: number;
    readonly protocol: number;
    readonly port: number;
  },
): number {
  let portClass = words.ports.classOf(port);
  for (const atom of words.addresses.lists.list(addressClass)) {
    const named = words.named.get(atom);
    if (named?.protocol === protocol && named.port === port) {
      portClass = words.ports.lists.with(portClass, named.portAtom);
    }
  }
  return portClass;
}
