/**
 * The policies of a whole cluster, lowered: endpoints with their chains, policies and sets. What every engine that is not the oracle works on (the
 * interpreter, the WASM image, reach, lint), and the same chains and sets that nodes get in their slices. Made by the policy projection.
 *
 * @module
 */
import type { ChainIr, Direction, HostPhase, PolicyIr } from "#/policy/ir.ts";

/** A workload endpoint and what judges it. */
export interface CompiledEndpoint {
  /** `namespace/name` of the WorkloadEndpoint. */
  readonly id: string;
  /** The Pod's `namespace/name`, or the WorkloadEndpoint's own when no Pod is behind it. */
  readonly workload: string;
  /** Empty while it is on no node. */
  readonly node: string;
  /** Canonical text, without prefix length. */
  readonly addresses: readonly string[];
  readonly ingress: ChainIr;
  readonly egress: ChainIr;
}

/** The chains of a host endpoint, by phase. Destination NAT comes before nothing on the way out: the egress chain of `preDnat` is always without tiers. */
export type HostChains = Readonly<Record<HostPhase, Readonly<Record<Direction, ChainIr>>>>;

/** A host endpoint and what judges it. */
export interface CompiledHostEndpoint {
  /** Its name. */
  readonly id: string;
  readonly node: string;
  /** `*` for every interface that has no endpoint of its own; `undefined` where the addresses say which. */
  readonly interfaceName: string | undefined;
  /** `expectedIPs`, canonical text. */
  readonly addresses: readonly string[];
  readonly chains: HostChains;
}

/** Members of a set, as in a node's slice: addresses and CIDRs (`net`), or `10.0.0.1,tcp:8080` (`ipPort`). */
export interface CompiledSet {
  readonly type: "net" | "ipPort";
  /** Sorted, without duplicates; host prefixes bare. */
  readonly members: readonly string[];
}

/**
 * Which policies have a say: `enforced` ones; or, for what is `pending`, staged ones as well, as if they were enforced (without the policies whose
 * deletion is staged).
 */
export type PolicyScope = "enforced" | "pending";

/** The policies of a cluster, compiled. Endpoints and host endpoints are sorted by id. */
export interface CompiledPolicies {
  readonly endpoints: readonly CompiledEndpoint[];
  readonly hostEndpoints: readonly CompiledHostEndpoint[];
  /** Policies, profiles and failsafe ports by `policyKey`: all that chains name, but profiles that are missing. */
  readonly policies: ReadonlyMap<string, PolicyIr>;
  /** Sets by id: all that rules name. */
  readonly sets: ReadonlyMap<string, CompiledSet>;
}
