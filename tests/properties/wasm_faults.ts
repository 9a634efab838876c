/**
 * Deliberate faults of compiled policies, for the test that the comparison notices each: of what is compiled (rules and chains as a wrong lowering would give them),
 * and of the tables in an image's memory.
 *
 * @module
 */
import { ANY, type ChainIr, type RuleIr, type SideIr } from "#/policy/ir.ts";
import { ADDRESS_WORDS } from "#/wasm-policy/address_space.ts";
import { MEMO_WORDS, SHARED, SIDE_WORD, SIDE_WORDS } from "#/wasm-policy/layout.ts";
import { NO_PORT } from "#/wasm-policy/port_space.ts";
import { COMMON_FAULTS, type RuleFaults, sides } from "./rule_faults.ts";

function ranges(
  change: (range: { min: number; max: number }) => { min: number; max: number },
): (side: SideIr) => SideIr {
  return (side) => ({
    ...side,
    ports: side.ports === ANY ? ANY : side.ports.map(change).filter(({ min, max }) => min <= max),
  });
}

/** A network with its length changed by so much, where that is possible. */
function resized(net: string, by: number): string {
  const [address, length = ""] = net.split("/");
  const bits = net.includes(":") ? 128 : 32;
  return `${address}/${Math.min(bits, Math.max(0, Number(length) + by))}`;
}

/** Faults of single rules. */
export const RULE_FAULTS: RuleFaults = {
  ...COMMON_FAULTS,
  "ranges of ports end one early": sides(ranges(({ min, max }) => ({ min, max: max - 1 }))),
  "ranges of ports begin one late": sides(ranges(({ min, max }) => ({ min: min + 1, max }))),
  "networks are one bit wider": sides((side) => ({
    ...side,
    nets: side.nets === ANY ? ANY : side.nets.map((net) => resized(net, -1)),
  })),
  "networks are one bit narrower": sides((side) => ({
    ...side,
    nets: side.nets === ANY ? ANY : side.nets.map((net) => resized(net, 1)),
  })),
  "only the first network counts": sides((side) => ({
    ...side,
    nets: side.nets === ANY ? ANY : side.nets.slice(0, 1),
  })),
  "only the first set counts": sides((side) => ({ ...side, sets: side.sets.slice(0, 1) })),
  "an empty list of networks is any": sides((side) => side.nets.length === 0 ? { ...side, nets: ANY } : side),
  "a list of sets of ports alone is any": sides((side) => side.ports.length === 0 ? { ...side, ports: ANY } : side),
  "the protocol is lost": (rule: RuleIr) => ({ ...rule, protocol: ANY }),
  "the action is turned round": (rule: RuleIr) =>
    rule.action === "allow"
      ? { ...rule, action: "deny" }
      : rule.action === "deny"
      ? { ...rule, action: "allow" }
      : rule,
};

/** Faults of chains. */
export const CHAIN_FAULTS: Readonly<Record<string, (chain: ChainIr) => ChainIr>> = {
  "a tier's end is turned round": (chain) => ({
    ...chain,
    tiers: chain.tiers.map((tier) => ({ ...tier, defaultAction: tier.defaultAction === "deny" ? "pass" : "deny" })),
  }),
  "policies of a tier are asked in reverse": (chain) => ({
    ...chain,
    tiers: chain.tiers.map((tier) => ({ ...tier, policies: tier.policies.toReversed() })),
  }),
  "profiles are asked in reverse": (chain) => ({ ...chain, profiles: chain.profiles.toReversed() }),
  "profiles are not asked": (chain) => ({ ...chain, profiles: [] }),
  "the tiers are asked in reverse": (chain) => ({ ...chain, tiers: chain.tiers.toReversed() }),
  "a chain that goes on denies": ({ tiers, profiles }) => ({ tiers, profiles }),
  "a chain that denies goes on": ({ tiers, profiles }) => ({ tiers, profiles, atEnd: "continue" }),
};

type Words = Uint32Array;

/** Slots of a table with keys of one word: address and shift are at a word. */
function eachSlot(words: Words, descriptor: number, change: (value: number) => number): void {
  const from = words[descriptor]! >> 2;
  for (let slot = 0; slot < 2 ** (32 - words[descriptor + 1]!); slot++) {
    const at = from + slot * 2 + 1;
    if (words[at] !== 0) words[at] = change(words[at]!);
  }
}

/** The word of the first chain's program. */
function program(words: Words): number {
  return words[words[SHARED.chains]! >> 2]! >> 2;
}

/** Swaps the rows of two classes of a field of the first chain. */
function swapRows(field: number): (words: Words) => void {
  return (words) => {
    const table = words[program(words) + 3 + field * 2]! >> 2;
    const length = words[program(words) + 4 + field * 2]!;
    const there = Array.from({ length }, (_, at) => table + at).filter((at) => words[at] !== 0);
    const [first, second] = there;
    if (first === undefined || second === undefined) return;
    [words[first], words[second]] = [words[second]!, words[first]!];
  };
}

/** Changes the code of each decision of the first chain. */
function codes(change: (code: number) => number): (words: Words) => void {
  return (words) => {
    const from = words[program(words) + 2]! >> 2;
    const group = words[program(words) + 1]! >> 2;
    const numbers = words[group + 1]! >> 2;
    const last = Math.max(...Array.from({ length: 64 }, (_, at) => words[numbers + at]!).filter((one) => one < 1_000));
    for (let at = 0; at <= last; at++) words[from + at] = change(words[from + at]!);
  };
}

/** Faults of tables, made in the memory of an image that has judged the packets once. */
export const TABLE_FAULTS: Readonly<Record<string, (words: Words) => void>> = {
  "intervals begin one address late": (words) => {
    for (const side of Object.values(SIDE_WORD)) {
      const top = words[side + ADDRESS_WORDS.top4]! >> 2;
      const pairs = words[side + ADDRESS_WORDS.intervals4]! >> 2;
      for (let at = 1; at < words[top + 65_536]!; at++) words[pairs + at * 2]! += 1;
    }
  },
  "hosts have the class of nobody": (words) => {
    for (const side of Object.values(SIDE_WORD)) eachSlot(words, side + ADDRESS_WORDS.hosts4, () => 1);
  },
  "ports have the class of their neighbour": (words) => {
    for (const side of Object.values(SIDE_WORD)) {
      const ports = words[side + SIDE_WORDS.ports]! >> 2;
      words.copyWithin(ports + 1, ports, ports + NO_PORT - 1);
    }
  },
  "no address has named ports": (words) => {
    for (const side of Object.values(SIDE_WORD)) {
      words.fill(0, words[side + SIDE_WORDS.flags]! >> 2, (words[side + SIDE_WORDS.flags]! >> 2) + 8);
    }
  },
  "all services are one": (words) => eachSlot(words, SHARED.services, () => 1),
  "IPv6 networks begin later": (words) => {
    for (const side of Object.values(SIDE_WORD)) {
      const bounds = words[side + ADDRESS_WORDS.bounds6]! >> 2;
      for (let at = 1; at < words[side + ADDRESS_WORDS.count6]!; at++) words[bounds + at * 4 + 3]! += 1;
    }
  },
  "rows of two sources are swapped": swapRows(0),
  "rows of two destinations are swapped": swapRows(1),
  "rows of two destination ports are swapped": swapRows(3),
  "allow and deny are swapped": codes((code) => code === 0 ? 1 : code === 1 ? 0 : code),
  "a pass leads to the end of the chain it comes from": codes((code) => (code & 3) === 3 ? 1 : code),
};

/** Turns every answer that the memo holds into the one of the next slot that is filled. */
export function shiftMemo(words: Words): void {
  const from = words[SHARED.memo]! >> 2;
  const filled = Array.from({ length: words[SHARED.memoMask]! + 1 }, (_, slot) => from + slot * MEMO_WORDS)
    .filter((at) => words[at] !== 0);
  const results = filled.map((at) => words[at + 6]!);
  for (const [index, at] of filled.entries()) words[at + 6] = results[(index + 1) % results.length]!;
}
