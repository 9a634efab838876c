/**
 * What a NetworkPolicy and a GlobalNetworkPolicy say, as types: the shape of `spec` after admission, with defaults filled in and values in canonical
 * form. The oracle and the lowering read policies through these; the zod schemas (`rule_schema.ts`, `policy_schema.ts`) are checked against them.
 *
 * @module
 */
import type { ProtocolName } from "#/base/protocol.ts";
import type { KubeObject } from "#/resources/object.ts";

/** What a rule does, as users write it. */
export type RuleActionName = "Allow" | "Deny" | "Log" | "Pass";

/** A direction, as users write it. */
export type PolicyType = "Ingress" | "Egress";

/** A protocol: a name in its stored case (input in any case is stored so), or a number from 1 to 255. */
export type Protocol = ProtocolName | number;

/** A port: a number from 1 to 65535, a range `min:max` with min below max, or the name of a workload's port. */
export type Port = number | string;

/** ICMP type, and code within the type. `code` stands only with `type`. */
export interface ICMPFields {
  readonly type?: number;
  readonly code?: number;
}

/** Service accounts of the sending or receiving workload: one of `names`, and `selector` over the account's labels. */
export interface ServiceAccountMatch {
  readonly names?: readonly string[];
  readonly selector?: string;
}

/** A Kubernetes Service whose endpoints are meant. Without `namespace` it is one of the policy's own namespace. */
export interface ServiceMatch {
  readonly name?: string;
  readonly namespace?: string;
}

/** One end of a rule. Members that are present AND together; the items of one list OR. An absent or empty member matches anything. */
export interface EntityRule {
  /** CIDRs with host bits zero, as written: not always canonical text. All nets of a rule are of one family. */
  readonly nets?: readonly string[];
  readonly notNets?: readonly string[];
  readonly selector?: string;
  readonly notSelector?: string;
  /** Over the labels of the namespace; `global()` alone means what has no namespace. */
  readonly namespaceSelector?: string;
  readonly ports?: readonly Port[];
  readonly notPorts?: readonly Port[];
  readonly serviceAccounts?: ServiceAccountMatch;
  readonly services?: ServiceMatch;
}

/** A path of an HTTP request: exactly one of the two members. */
export interface HTTPPath {
  readonly exact?: string;
  readonly prefix?: string;
}

/** HTTP requests meant by a rule. Kept for fidelity; kernel back ends do not look into requests. */
export interface HTTPMatch {
  readonly methods?: readonly string[];
  readonly paths?: readonly HTTPPath[];
}

/** Free text about a rule; shown as its comment. */
export interface RuleMetadata {
  readonly annotations?: Readonly<Record<string, string>>;
}

/** One rule. Every member that is present must match. */
export interface Rule {
  readonly action: RuleActionName;
  readonly ipVersion?: 4 | 6;
  readonly protocol?: Protocol;
  readonly notProtocol?: Protocol;
  readonly icmp?: ICMPFields;
  readonly notICMP?: ICMPFields;
  readonly source?: EntityRule;
  readonly destination?: EntityRule;
  readonly http?: HTTPMatch;
  readonly metadata?: RuleMetadata;
}

/** What both kinds of policy share. `tier` and `types` are always there after admission. */
export interface NetworkPolicySpec {
  readonly tier: string;
  /** Lower comes first; absent comes last. */
  readonly order?: number;
  /** Absent or empty means all endpoints in scope. */
  readonly selector?: string;
  readonly serviceAccountSelector?: string;
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
  /** Directions that the policy governs: rules of another direction are without effect. Never empty. */
  readonly types: readonly PolicyType[];
  readonly performanceHints?: readonly "AssumeNeededOnEveryNode"[];
}

/** A global policy's spec: the shared part and what only cluster scope may say. */
export interface GlobalNetworkPolicySpec extends NetworkPolicySpec {
  readonly namespaceSelector?: string;
  readonly doNotTrack?: boolean;
  readonly preDNAT?: boolean;
  readonly applyOnForward?: boolean;
}

/** What a staged policy previews. `Learn` counts as `Set`; `Ignore` takes the policy out of the preview. */
export type StagedAction = "Set" | "Delete" | "Learn" | "Ignore";

/** The spec of any of the four kinds: a namespaced policy never has the fields of a global one, an enforced one no `stagedAction`. */
export interface PolicySpec extends GlobalNetworkPolicySpec {
  /** `Set` when absent. */
  readonly stagedAction?: StagedAction;
}

/**
 * The spec of a NetworkPolicy or GlobalNetworkPolicy that was admitted. The one place where stored JSON becomes this type: admission has checked it, so
 * it is not checked again (replay does not run zod).
 *
 * @example
 * ```ts
 * import { policySpecOf } from "#/resources/kinds/policy_spec.ts";
 * const spec = policySpecOf({
 *   apiVersion: "projectcalico.org/v3", kind: "GlobalNetworkPolicy", metadata: { name: "deny" },
 *   spec: { tier: "default", types: ["Ingress"] },
 * });
 * if (spec.tier !== "default" || spec.types.length !== 1) throw new Error();
 * ```
 */
export function policySpecOf(object: KubeObject): PolicySpec {
  return (object.spec ?? {}) as unknown as PolicySpec;
}
