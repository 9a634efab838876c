/**
 * The catalogue of event types: names, payloads and schema versions. Intent events (`<Kind>Created|Updated|Deleted`) carry the whole object after
 * the write (for Deleted: the object as it last was); facts have names of their own and are listed here.
 *
 * @module
 */
import type { KubeObject } from "#/resources/object.ts";

/** What an intent event did to its object. */
export type IntentVerb = "Created" | "Updated" | "Deleted";

/** Version of intent payloads written by this binary. */
export const INTENT_SCHEMA_VERSION = 1;
/** Version of fact payloads written by this binary. */
export const FACT_SCHEMA_VERSION = 1;

/** Payload of `<Kind>Created|Updated|Deleted`: the object without `metadata.resourceVersion`, which is the event's position. */
export interface IntentPayload {
  readonly object: KubeObject;
  /** Field paths a user's write changed, for `log` and `blame`; left out on Created and Deleted. */
  readonly changed?: readonly string[];
}

/** A sandbox's interface was made on a node and given to a Pod. Stream `tortie.dev/endpoints/<namespace>/<pod>`. */
export interface EndpointBound {
  readonly node: string;
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  readonly containerId: string;
  /** Name of the host side, `cali` + 11 hex digits. */
  readonly interfaceName: string;
  readonly mac: string;
  /** Addresses without prefix length. */
  readonly addresses: readonly string[];
  /** Path of the sandbox's network namespace on the node. */
  readonly netns: string;
}

/** The sandbox is gone. Same stream as its EndpointBound; ignored when a newer sandbox has been bound since. */
export interface EndpointUnbound {
  readonly node: string;
  readonly namespace: string;
  readonly pod: string;
  readonly containerId: string;
}

/** A node was given a block to allocate in. Stream `tortie.dev/blocks/-/<cidr with . : / as ->`. */
export interface BlockGranted {
  readonly cidr: string;
  readonly node: string;
  readonly pool: string;
}

/** A node gave a block back, or was deleted. Same stream. */
export interface BlockReleased {
  readonly cidr: string;
  readonly node: string;
  readonly pool: string;
}

/** The owner of a block gave an address to a handle. Stream `tortie.dev/addresses/-/<address with . : as ->`. */
export interface AddressAssigned {
  readonly address: string;
  readonly block: string;
  readonly node: string;
  /** `<network name>.<containerId>`. */
  readonly handle: string;
  readonly namespace: string;
  readonly pod: string;
}

/** The owner of a block took an address back. Same stream. */
export interface AddressReleased {
  readonly address: string;
  readonly block: string;
  readonly node: string;
  readonly handle: string;
}

/** An agent found its kernel other than the node state says, and what it did. Stream `tortie.dev/drift/-/<node>`. */
export interface DriftFound {
  readonly node: string;
  /** Position of the node state the kernel was compared with. */
  readonly position: number;
  readonly subject: "nftables" | "route" | "link" | "bird";
  /** What differed, one line per object, e.g. `missing route 192.168.1.5/32 dev cali123`. */
  readonly differences: readonly string[];
  readonly repaired: boolean;
}

/** Fact events by type. */
export interface FactPayloads {
  readonly EndpointBound: EndpointBound;
  readonly EndpointUnbound: EndpointUnbound;
  readonly BlockGranted: BlockGranted;
  readonly BlockReleased: BlockReleased;
  readonly AddressAssigned: AddressAssigned;
  readonly AddressReleased: AddressReleased;
  readonly DriftFound: DriftFound;
}

/** Names of fact events. */
export type FactType = keyof FactPayloads;

/** Every fact type this binary understands. */
export const FACT_TYPES: readonly FactType[] = [
  "EndpointBound",
  "EndpointUnbound",
  "BlockGranted",
  "BlockReleased",
  "AddressAssigned",
  "AddressReleased",
  "DriftFound",
];

/** The group of the streams of facts and of Tortie's own kinds. */
export const TORTIE_GROUP = "tortie.dev";

/** The plural under which each fact's stream lives. */
export const FACT_PLURALS: Readonly<Record<FactType, string>> = {
  EndpointBound: "endpoints",
  EndpointUnbound: "endpoints",
  BlockGranted: "blocks",
  BlockReleased: "blocks",
  AddressAssigned: "addresses",
  AddressReleased: "addresses",
  DriftFound: "drift",
};

/**
 * Splits an intent event's type into kind and verb; `undefined` for facts and unknown types.
 *
 * @example
 * ```ts
 * import { parseIntentType } from "#/events/catalog.ts";
 * const parsed = parseIntentType("GlobalNetworkPolicyUpdated");
 * if (parsed?.kind !== "GlobalNetworkPolicy" || parsed.verb !== "Updated") throw new Error();
 * if (parseIntentType("DriftFound") !== undefined) throw new Error();
 * ```
 */
export function parseIntentType(type: string): { readonly kind: string; readonly verb: IntentVerb } | undefined {
  const match = /^([A-Z][A-Za-z]*)(Created|Updated|Deleted)$/.exec(type);
  return match === null ? undefined : { kind: match[1]!, verb: match[2] as IntentVerb };
}

/** An address or CIDR as the last part of a stream's name: `.`, `:` and `/` become `-`. */
export function dashed(text: string): string {
  return text.replaceAll(/[.:/]/g, "-");
}
