/**
 * One policy of the IR as WebAssembly functions, one per direction: straight-line code, rule after rule, each condition leaving the rule's block when it
 * does not hold. Middle of back end 1; `engine.ts` calls it and runs what it makes.
 *
 * Label strings and names never get into the code: rules become constants, sets become numbers that the engine answers for.
 *
 * @module
 */
import { parseCidrOrIp } from "#/base/cidr.ts";
import { assertNever } from "#/base/assert.ts";
import {
  ANY,
  type IcmpMatch,
  type PolicyIr,
  type PortRange,
  type RuleAction,
  type RuleIr,
  type SideIr,
} from "#/policy/ir.ts";
import { type Code, op } from "./encoder.ts";

/** Parameters of every emitted function, in order. Address words are big-endian; an IPv4 address is the last word. */
export const PARAMETERS = {
  version: 0,
  source: 1,
  destination: 5,
  protocol: 9,
  /** -1 where the packet has no ports; the same for ICMP type and code. */
  sourcePort: 10,
  destinationPort: 11,
  icmpType: 12,
  icmpCode: 13,
} as const;

/** How many parameters there are. */
export const PARAMETER_COUNT = 14;

/** Index of the imported membership test `(set, end) -> 0 | 1`; `end` is 0 for the source and 1 for the destination. */
const IN_SET = 0;

/** Codes of the actions in a function's result, which is `rule index << 2 | code`, or -1 where no rule decided. */
export const ACTION_CODES: Readonly<Record<Exclude<RuleAction, "log">, number>> = { allow: 1, deny: 2, pass: 3 };

/** Numbers of sets, by id; a new id gets the next number. */
export type SetNumbers = (id: string) => number;

/** Leaves the rule's block unless the condition on the stack holds. */
const UNLESS_LEAVE: Code = [...op.i32Eqz, ...op.brIf(0)];
/** Leaves the rule's block when the condition on the stack holds. */
const IF_LEAVE: Code = op.brIf(0);
const NEVER: Code = [...op.i32Const(1), ...IF_LEAVE];

interface End {
  readonly number: 0 | 1;
  readonly words: number;
  readonly port: number;
}

const SOURCE: End = { number: 0, words: PARAMETERS.source, port: PARAMETERS.sourcePort };
const DESTINATION: End = { number: 1, words: PARAMETERS.destination, port: PARAMETERS.destinationPort };

/** The body of one direction of a policy. */
export function emitRules(rules: readonly RuleIr[], sets: SetNumbers): Code {
  return [...rules.flatMap((rule, index) => emitRule(rule, index, sets)), ...op.i32Const(-1)];
}

/** Both directions of a policy that it governs, with the names they are exported by. */
export function emitPolicy(
  policy: PolicyIr,
  prefix: string,
  sets: SetNumbers,
): { readonly export: string; readonly code: Code }[] {
  return (["ingress", "egress"] as const).flatMap((direction) => {
    const rules = policy[direction];
    return rules === undefined ? [] : [{ export: `${prefix}.${direction}`, code: emitRules(rules, sets) }];
  });
}

function emitRule(rule: RuleIr, index: number, sets: SetNumbers): Code {
  if (rule.action === "log") return [];
  const decision = [...op.i32Const((index << 2) | ACTION_CODES[rule.action]), ...op.return];
  const conditions = rule.unreadable === undefined ? emitConditions(rule, sets) : rule.action === "deny" ? [] : NEVER;
  return [...op.block, ...conditions, ...decision, ...op.end];
}

function emitConditions(rule: RuleIr, sets: SetNumbers): Code {
  const equals = (parameter: number, value: number): Code => [
    ...op.localGet(parameter),
    ...op.i32Const(value),
    ...op.i32Eq,
  ];
  return [
    ...rule.ipVersion === ANY ? [] : [...equals(PARAMETERS.version, rule.ipVersion), ...UNLESS_LEAVE],
    ...rule.protocol === ANY ? [] : [...equals(PARAMETERS.protocol, rule.protocol), ...UNLESS_LEAVE],
    ...rule.notProtocol === undefined ? [] : [...equals(PARAMETERS.protocol, rule.notProtocol), ...IF_LEAVE],
    ...rule.icmp === ANY ? [] : [...icmpHolds(rule.icmp), ...UNLESS_LEAVE],
    ...rule.notIcmp === undefined ? [] : [...icmpHolds(rule.notIcmp), ...IF_LEAVE],
    ...emitSide(rule.source, SOURCE, sets),
    ...emitSide(rule.destination, DESTINATION, sets),
  ];
}

function emitSide(side: SideIr, end: End, sets: SetNumbers): Code {
  const inSet = (id: string): Code => [...op.i32Const(sets(id)), ...op.i32Const(end.number), ...op.call(IN_SET)];
  return [
    ...side.sets.flatMap((id) => [...inSet(id), ...UNLESS_LEAVE]),
    ...side.notSets.flatMap((id) => [...inSet(id), ...IF_LEAVE]),
    ...side.nets === ANY ? [] : [...anyOf(side.nets.map((net) => inNet(net, end))), ...UNLESS_LEAVE],
    ...side.notNets.length === 0 ? [] : [...anyOf(side.notNets.map((net) => inNet(net, end))), ...IF_LEAVE],
    ...side.ports === ANY
      ? []
      : [...anyOf([...side.ports.map((range) => inRange(range, end)), ...side.portSets.map(inSet)]), ...UNLESS_LEAVE],
    ...side.notPorts.length + side.notPortSets.length === 0
      ? []
      : [...anyOf([...side.notPorts.map((range) => inRange(range, end)), ...side.notPortSets.map(inSet)]), ...IF_LEAVE],
  ];
}

/** Leaves 1 on the stack when one of the tests does; 0 for no tests. */
function anyOf(tests: readonly Code[]): Code {
  return tests.reduce<Code>((code, test) => [...code, ...test, ...op.i32Or], op.i32Const(0));
}

function icmpHolds({ type, code }: IcmpMatch): Code {
  const isType = [...op.localGet(PARAMETERS.icmpType), ...op.i32Const(type), ...op.i32Eq];
  return code === ANY
    ? isType
    : [...isType, ...op.localGet(PARAMETERS.icmpCode), ...op.i32Const(code), ...op.i32Eq, ...op.i32And];
}

/** One unsigned comparison does both ends; the port -1 of a packet without ports is above every range. */
function inRange({ min, max }: PortRange, end: End): Code {
  return [...op.localGet(end.port), ...op.i32Const(min), ...op.i32Sub, ...op.i32Const(max - min), ...op.i32LeU];
}

function inNet(net: string, end: End): Code {
  const cidr = parseCidrOrIp(net);
  if (cidr === undefined) return op.i32Const(0);
  const isVersion = [...op.localGet(PARAMETERS.version), ...op.i32Const(cidr.version), ...op.i32Eq];
  switch (cidr.version) {
    case 4:
      return [...isVersion, ...wordMatches(end.words + 3, cidr.address, cidr.prefixLength), ...op.i32And];
    case 6:
      return [0, 1, 2, 3].reduce<Code>((code, word) => {
        const bits = Math.min(32, Math.max(0, cidr.prefixLength - 32 * word));
        if (bits === 0) return code;
        const value = (cidr.address >> BigInt(96 - 32 * word)) & 0xffff_ffffn;
        return [...code, ...wordMatches(end.words + word, value, bits), ...op.i32And];
      }, isVersion);
    default:
      return assertNever(cidr.version);
  }
}

function wordMatches(parameter: number, value: bigint, bits: number): Code {
  const mask = bits === 0 ? 0 : (-1 << (32 - bits)) | 0;
  const wanted = Number(BigInt.asIntN(32, value)) & mask;
  return [...op.localGet(parameter), ...op.i32Const(mask), ...op.i32And, ...op.i32Const(wanted), ...op.i32Eq];
}
