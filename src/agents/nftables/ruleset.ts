/**
 * What an nftables table should hold, as data: chains of rule texts, sets, verdict maps. Made by `render.ts` from the node state, compared with what
 * the kernel holds by `plan.ts`.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** Family and name of the one table that is ours; everything in it is ours, and nothing outside it is touched. */
export const TABLE = { family: "inet", name: "tortie" } as const;

/** One rule: its text without comment in two parts, and what its comment says besides the hash. */
export interface RuleText {
  /** What a packet must be; empty where the rule is for all. */
  readonly matches: string;
  /** What then becomes of it. */
  readonly action: string;
  /** Rule id of the policy rule it comes from, or a word for our own rules. */
  readonly label: string;
}

/** Where a base chain hooks in, as far as the kernel tells it back. */
export interface Hook {
  readonly hook: string;
  readonly priority: number;
  readonly policy: "accept" | "drop";
}

/** The declaration of a base chain. */
export interface BaseChain extends Hook {
  readonly type: "filter" | "nat";
}

/** One chain. */
export interface ChainText {
  readonly name: string;
  readonly base: BaseChain | undefined;
  /** Key of the policy or profile whose rules these are; `undefined` for chains of our own words. */
  readonly item: string | undefined;
  readonly rules: readonly RuleText[];
}

/** A set of addresses (`addr`), networks (`net`, an interval set) or address, protocol and port (`addrPort`) of one family. */
export interface SetText {
  readonly name: string;
  readonly version: 4 | 6;
  readonly key: "addr" | "net" | "addrPort";
  /** Sorted; `10.0.0.1`, `10.0.0.0/8`, `10.0.0.1,tcp:8080`. */
  readonly elements: readonly string[];
}

/** A verdict map from interface name to the chain it goes to. */
export interface DispatchMap {
  readonly name: string;
  readonly targets: ReadonlyMap<string, string>;
}

/** Everything our table should hold. */
export interface Ruleset {
  readonly chains: ReadonlyMap<string, ChainText>;
  readonly sets: ReadonlyMap<string, SetText>;
  readonly maps: ReadonlyMap<string, DispatchMap>;
}

/** Longest label kept in a rule's comment; nft allows 128 bytes in all. */
const LABEL_LENGTH_MAX = 100;

/** Lower-case hexadecimal sha256 of a text, cut to `digits`. */
export function shortHash(text: string, digits: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, digits);
}

/** A rule as nft reads it, without its comment. */
export function ruleText({ matches, action }: RuleText): string {
  return matches === "" ? action : `${matches} ${action}`;
}

/**
 * The comment of a rule in the kernel: a hash of its text, then its label. Comparing comments compares rules without asking the kernel for their
 * expressions, which it rewrites when it prints them.
 */
export function ruleComment(rule: RuleText): string {
  return `${shortHash(ruleText(rule), 12)} ${
    rule.label.replaceAll(/[^A-Za-z0-9_./:# -]/g, "_").slice(0, LABEL_LENGTH_MAX)
  }`;
}

/**
 * A name for a chain or set that is readable and cannot collide: the readable part is cut and cleaned, the hash is of the whole.
 *
 * @example
 * ```ts
 * import { objectName } from "#/agents/nftables/ruleset.ts";
 * if (!/^pi-web-[0-9a-f]{8}$/.test(objectName("pi", "web", "NetworkPolicy/shop/web"))) throw new Error();
 * ```
 */
export function objectName(prefix: string, readable: string, identity: string): string {
  const clean = readable.replaceAll(/[^A-Za-z0-9_.-]/g, "_").slice(0, 64);
  return `${prefix}-${clean === "" ? "" : `${clean}-`}${shortHash(identity, 8)}`;
}
