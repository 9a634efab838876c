/**
 * Policies and chains as WebAssembly functions: a policy is straight-line code, rule after rule, each condition leaving the rule's block when it does not hold; a
 * chain calls its policies. Middle of generated code; `code_engine.ts` calls it and runs what it makes.
 *
 * Label strings and names never get into the code: sets are bits of the classes of the two addresses, everything else is a constant.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { ANY, type IcmpMatch, type PortRange, type SideIr } from "#/policy/ir.ts";
import type { ChainStage, Decision } from "./chain_decisions.ts";
import { CODES } from "./chain_program.ts";
import { decidingRules } from "./deciding_rules.ts";
import { type Code, OPCODES, put } from "./encoder.ts";
import type { EndVocabulary, RuleFacts, SideFacts, Vocabulary } from "./rule_facts.ts";

/** Parameters of every emitted function, in order. */
export const PARAMETERS = {
  /** Addresses of the bits of atoms that the packet's address classes have. */
  sourceBits: 0,
  destinationBits: 1,
  version: 2,
  protocol: 3,
  /** -1 where the packet has no ports; the same for ICMP type and code. */
  sourcePort: 4,
  destinationPort: 5,
  icmpType: 6,
  icmpCode: 7,
} as const;

/** How many parameters there are. */
export const PARAMETER_COUNT = 8;

/** The local that holds a policy's result in a chain's function. */
const RESULT = PARAMETER_COUNT;

/** Result of a policy's function where no rule decided; else `rule index << 2 | code`. */
export const UNDECIDED = -1;

interface End {
  readonly bits: number;
  readonly port: number;
}

const SOURCE: End = { bits: PARAMETERS.sourceBits, port: PARAMETERS.sourcePort };
const DESTINATION: End = { bits: PARAMETERS.destinationBits, port: PARAMETERS.destinationPort };

/** The body of one direction of a policy. */
export function emitRules(rules: readonly RuleFacts[], vocabulary: Vocabulary): Code {
  const to: Code = [];
  for (const index of decidingRules(rules.map(({ rule }) => rule))) {
    const facts = rules[index]!;
    const { action } = facts.rule;
    assert(action !== "log", "A rule that logs must not be among those that decide");
    put.block(to);
    emitConditions(to, facts, vocabulary);
    put.i32Const(to, (index << 2) | CODES[action]);
    to.push(OPCODES.return, OPCODES.end);
  }
  put.i32Const(to, UNDECIDED);
  return to;
}

/** How a chain's function calls a policy: a function of the same module, or a slot of the table. */
export type PolicyCall = { readonly kind: "direct"; readonly index: number } | {
  readonly kind: "slot";
  readonly slot: number;
};

/** The body of a chain, for a function with one local. Its result is `number of the decision << 2 | code`. */
export function emitChain(
  stages: readonly ChainStage[],
  decisions: readonly Decision[],
  callOf: (policy: ChainStage["policies"][number]) => PolicyCall,
): Code {
  const to: Code = [];
  for (const stage of stages) {
    put.block(to);
    for (const policy of stage.policies) emitCall(to, callOf(policy), policy.first);
    if (stage.end !== undefined) {
      const { action } = decisions[stage.end]!;
      put.i32Const(to, (stage.end << 2) | (action === "continue" ? CODES.continue : CODES.deny));
      to.push(OPCODES.return);
    }
    to.push(OPCODES.end);
  }
  put.i32Const(to, UNDECIDED);
  return to;
}

/** Calls a policy; leaves the stage on a pass, the function on any other decision. */
function emitCall(to: Code, call: PolicyCall, first: number): void {
  for (let parameter = 0; parameter < PARAMETER_COUNT; parameter++) put.localGet(to, parameter);
  if (call.kind === "direct") put.call(to, call.index);
  else {
    put.i32Const(to, call.slot);
    put.callIndirect(to);
  }
  put.localTee(to, RESULT);
  put.i32Const(to, 0);
  to.push(OPCODES.i32GeS);
  put.if(to);
  put.localGet(to, RESULT);
  put.i32Const(to, 3);
  to.push(OPCODES.i32And);
  put.i32Const(to, CODES.pass);
  to.push(OPCODES.i32Eq);
  put.brIf(to, 1);
  put.localGet(to, RESULT);
  put.i32Const(to, first << 2);
  to.push(OPCODES.i32Add, OPCODES.return, OPCODES.end);
}

/** Leaves the rule's block unless the condition on the stack holds. */
function unlessLeave(to: Code): void {
  to.push(OPCODES.i32Eqz);
  put.brIf(to, 0);
}

/** Leaves the rule's block when the condition on the stack holds. */
function ifLeave(to: Code): void {
  put.brIf(to, 0);
}

function emitConditions(to: Code, { rule, source, destination }: RuleFacts, vocabulary: Vocabulary): void {
  const equals = (parameter: number, value: number) => {
    put.localGet(to, parameter);
    put.i32Const(to, value);
    to.push(OPCODES.i32Eq);
  };
  if (rule.ipVersion !== ANY) equals(PARAMETERS.version, rule.ipVersion), unlessLeave(to);
  if (rule.protocol !== ANY) equals(PARAMETERS.protocol, rule.protocol), unlessLeave(to);
  if (rule.notProtocol !== undefined) equals(PARAMETERS.protocol, rule.notProtocol), ifLeave(to);
  if (rule.icmp !== ANY) icmpHolds(to, rule.icmp), unlessLeave(to);
  if (rule.notIcmp !== undefined) icmpHolds(to, rule.notIcmp), ifLeave(to);
  emitSide(to, { side: rule.source, facts: source, end: SOURCE, words: vocabulary.source });
  emitSide(to, { side: rule.destination, facts: destination, end: DESTINATION, words: vocabulary.destination });
}

function emitSide(
  to: Code,
  { side, facts, end, words }: {
    readonly side: SideIr;
    readonly facts: SideFacts;
    readonly end: End;
    readonly words: EndVocabulary;
  },
): void {
  for (const atom of facts.all) hasAtom(to, atom, end), unlessLeave(to);
  for (const atom of facts.none) hasAtom(to, atom, end), ifLeave(to);
  if (facts.anyPort !== undefined) {
    onePort(to, { ranges: side.ports === ANY ? [] : side.ports, atoms: facts.anyPort, end, words });
    unlessLeave(to);
  }
  if (facts.nonePort.length > 0) {
    onePort(to, { ranges: side.notPorts, atoms: facts.nonePort, end, words });
    ifLeave(to);
  }
}

function hasAtom(to: Code, atom: number, end: End): void {
  put.localGet(to, end.bits);
  put.i32Load8U(to, atom >>> 3);
  put.i32Const(to, 1 << (atom & 7));
  to.push(OPCODES.i32And);
}

/** Leaves 1 on the stack when the port is in one of the ranges, or is one of the named ports on an address that has it; 0 for no tests. */
function onePort(
  to: Code,
  { ranges, atoms, end, words }: {
    readonly ranges: readonly PortRange[];
    readonly atoms: readonly number[];
    readonly end: End;
    readonly words: EndVocabulary;
  },
): void {
  put.i32Const(to, 0);
  for (const { min, max } of ranges) {
    // One unsigned comparison does both ends; the port -1 of a packet without ports is above every range.
    put.localGet(to, end.port);
    put.i32Const(to, min);
    to.push(OPCODES.i32Sub);
    put.i32Const(to, max - min);
    to.push(OPCODES.i32LeU, OPCODES.i32Or);
  }
  for (const atom of atoms) {
    const named = words.namedByPort.get(atom);
    if (named === undefined) continue;
    hasAtom(to, named.addressAtom, end);
    put.i32Const(to, 0);
    to.push(OPCODES.i32Eq, OPCODES.i32Eqz);
    put.localGet(to, PARAMETERS.protocol);
    put.i32Const(to, named.protocol);
    to.push(OPCODES.i32Eq, OPCODES.i32And);
    put.localGet(to, end.port);
    put.i32Const(to, named.port);
    to.push(OPCODES.i32Eq, OPCODES.i32And, OPCODES.i32Or);
  }
}

function icmpHolds(to: Code, { type, code }: IcmpMatch): void {
  put.localGet(to, PARAMETERS.icmpType);
  put.i32Const(to, type);
  to.push(OPCODES.i32Eq);
  if (code === ANY) return;
  put.localGet(to, PARAMETERS.icmpCode);
  put.i32Const(to, code);
  to.push(OPCODES.i32Eq, OPCODES.i32And);
}
