/**
 * Reading nftables without libnftables: the generation, and one table's chains, rules (handle and comment only) and sets. Several times faster than a
 * listing, because expressions are not looked into.
 *
 * @module
 */
import type { ChainObservation, NftFamily, RuleObservation, SetObservation, TableObservation } from "./kernel.ts";
import { isKernelError, KernelError } from "./kernel_error.ts";
import {
  type NetlinkMessage,
  type Span,
  spanText,
  spanU32NetworkOrder,
  spanU64NetworkOrder,
  visitAttributes,
} from "./netlink_codec.ts";
import type { NetlinkSocket } from "./netlink_socket.ts";
import { NFNETLINK_HEADER_BYTES, NFT, nftQuery, userDataText } from "./nftables_codec.ts";

const TABLE = { name: 1, flags: 2 } as const;
const TABLE_FLAG_DORMANT = 1;
const GENERATION_ID = 1;
const CHAIN = { table: 1, handle: 2, name: 3, hook: 4, policy: 5 } as const;
const HOOK = { number: 1, priority: 2 } as const;
const RULE = { table: 1, chain: 2, handle: 3, userData: 7, commentType: 0 } as const;
const SET = { table: 1, name: 2, flags: 3, keyType: 4, userData: 13, handle: 16, commentType: 7 } as const;
const SET_FLAGS = { anonymous: 1, interval: 4, map: 8 } as const;
const POLICY_ACCEPT = 1;
const OBSERVE_ATTEMPTS_MAX = 5;

const HOOKS = ["prerouting", "input", "forward", "output", "postrouting", "ingress"];
const HOOKS_BY_FAMILY: Readonly<Record<NftFamily, readonly string[]>> = {
  inet: HOOKS,
  ip: HOOKS,
  ip6: HOOKS,
  bridge: HOOKS,
  arp: ["input", "output"],
  netdev: ["ingress", "egress"],
};

/** The generation of the namespace's ruleset; 5 us. */
export function nftGeneration(socket: NetlinkSocket): number {
  const query = { type: NFT.getGeneration, family: undefined, operation: "read", subject: "nftables generation" };
  return socket.get(nftQuery(query), (message) => {
    let generation = 0;
    visitAttributes(message, NFNETLINK_HEADER_BYTES, (type, value) => {
      if (type === GENERATION_ID) generation = spanU32NetworkOrder(value);
    });
    return generation;
  });
}

/**
 * Observes one table, `undefined` when there is none. All of it is of one generation: when somebody commits meanwhile it is read again, at most five
 * times; then the error has code `EAGAIN`.
 */
export function observeTable(socket: NetlinkSocket, family: NftFamily, table: string): TableObservation | undefined {
  for (let attempt = 0; attempt < OBSERVE_ATTEMPTS_MAX; attempt++) {
    const generation = nftGeneration(socket);
    const observation = readTable(socket, family, table);
    if (nftGeneration(socket) !== generation) continue;
    return observation === undefined ? undefined : { generation, ...observation };
  }
  throw new KernelError({ operation: "observe the nftables table", subject: table, code: "EAGAIN" });
}

function readTable(
  socket: NetlinkSocket,
  family: NftFamily,
  table: string,
): Omit<TableObservation, "generation"> | undefined {
  const query = { family, operation: "observe the nftables table", subject: table };
  try {
    const isDormant = socket.get(
      nftQuery({ ...query, type: NFT.getTable, attributes: [[TABLE.name, table]] }),
      decodeDormant,
    );
    const rules = new Map<string, RuleObservation[]>();
    socket.dump(nftQuery({ ...query, type: NFT.getRule, attributes: [[RULE.table, table]] }), (message) => {
      const rule = decodeRule(message, table);
      if (rule === undefined) return undefined;
      const ofChain = rules.get(rule.chain);
      if (ofChain === undefined) rules.set(rule.chain, [rule.rule]);
      else ofChain.push(rule.rule);
    });
    const chains = socket.dump(
      nftQuery({ ...query, type: NFT.getChain }),
      (message) => decodeChain(message, { family, table, rules }),
    );
    const sets = socket.dump(
      nftQuery({ ...query, type: NFT.getSet, attributes: [[SET.table, table]] }),
      (message) => decodeSet(message, table),
    );
    return { isDormant, chains: new Map(chains), sets: new Map(sets) };
  } catch (error) {
    if (isKernelError(error, "ENOENT")) return undefined;
    throw error;
  }
}

function decodeDormant(message: NetlinkMessage): boolean {
  let flags = 0;
  visitAttributes(message, NFNETLINK_HEADER_BYTES, (type, value) => {
    if (type === TABLE.flags) flags = spanU32NetworkOrder(value);
  });
  return (flags & TABLE_FLAG_DORMANT) !== 0;
}

function decodeRule(
  message: NetlinkMessage,
  wanted: string,
): { readonly chain: string; readonly rule: RuleObservation } | undefined {
  let [table, chain, handle] = ["", "", 0];
  let comment: string | undefined;
  visitAttributes(message, NFNETLINK_HEADER_BYTES, (type, value) => {
    if (type === RULE.table) table = spanText(value);
    if (type === RULE.chain) chain = spanText(value);
    if (type === RULE.handle) handle = spanU64NetworkOrder(value);
    if (type === RULE.userData) comment = userDataText(value, RULE.commentType);
  });
  return table === wanted ? { chain, rule: { handle, comment } } : undefined;
}

/** Where a chain is looked for, and the rules found in the table. */
interface ChainContext {
  readonly family: NftFamily;
  readonly table: string;
  readonly rules: ReadonlyMap<string, readonly RuleObservation[]>;
}

function decodeChain(message: NetlinkMessage, context: ChainContext): [string, ChainObservation] | undefined {
  let [table, name, handle] = ["", "", 0];
  let hook: { readonly name: string; readonly priority: number } | undefined;
  let policy: "accept" | "drop" | undefined;
  visitAttributes(message, NFNETLINK_HEADER_BYTES, (type, value) => {
    if (type === CHAIN.table) table = spanText(value);
    if (type === CHAIN.name) name = spanText(value);
    if (type === CHAIN.handle) handle = spanU64NetworkOrder(value);
    if (type === CHAIN.hook) hook = decodeHook(value, context.family);
    if (type === CHAIN.policy) policy = spanU32NetworkOrder(value) === POLICY_ACCEPT ? "accept" : "drop";
  });
  if (table !== context.table) return undefined;
  const rules = context.rules.get(name) ?? [];
  return [name, { handle, hook: hook?.name, priority: hook?.priority, policy, rules }];
}

function decodeHook(span: Span, family: NftFamily): { readonly name: string; readonly priority: number } {
  let [number, priority] = [-1, 0];
  visitAttributes(span, 0, (type, value) => {
    if (type === HOOK.number) number = spanU32NetworkOrder(value);
    if (type === HOOK.priority) priority = spanU32NetworkOrder(value) | 0;
  });
  return { name: HOOKS_BY_FAMILY[family][number] ?? "other", priority };
}

function decodeSet(message: NetlinkMessage, wanted: string): [string, SetObservation] | undefined {
  let [table, name, flags, keyType, handle] = ["", "", 0, 0, 0];
  let comment: string | undefined;
  visitAttributes(message, NFNETLINK_HEADER_BYTES, (type, value) => {
    if (type === SET.table) table = spanText(value);
    if (type === SET.name) name = spanText(value);
    if (type === SET.flags) flags = spanU32NetworkOrder(value);
    if (type === SET.keyType) keyType = spanU32NetworkOrder(value);
    if (type === SET.handle) handle = spanU64NetworkOrder(value);
    if (type === SET.userData) comment = userDataText(value, SET.commentType);
  });
  if (table !== wanted || flags & SET_FLAGS.anonymous) return undefined;
  return [name, {
    handle,
    isMap: (flags & SET_FLAGS.map) !== 0,
    isInterval: (flags & SET_FLAGS.interval) !== 0,
    keyType,
    comment,
  }];
}
