/**
 * What `lint` may find: codes with their explanation, and the shape of a finding. Codes are stable; texts may be improved.
 *
 * @module
 */

/** How much it matters: `error` changes what is enforced against what is written, `warning` is most likely a mistake, `info` is worth knowing. */
export type LintSeverity = "error" | "warning" | "info";

/** Every code, sorted, with its severity and what it means. */
export const LINT_CODES = {
  "conflicting-order": {
    severity: "warning",
    explanation:
      "Two policies of one tier have equal order and decide some of the same traffic differently, so that their names say which one wins. Give them different orders.",
  },
  "http-not-enforced": {
    severity: "error",
    explanation:
      "The rule has conditions on HTTP requests, which no kernel looks at: it lets through every connection that its other conditions meet.",
  },
  "inert-rules": {
    severity: "warning",
    explanation: "The policy has rules of a direction that its types do not list: they have no effect.",
  },
  "log-only-isolates": {
    severity: "warning",
    explanation:
      "The policy only logs, but it governs its direction all the same: in a tier that denies at its end, the endpoints that it selects are cut off. Add a Pass or Allow rule.",
  },
  "missing-tier": {
    severity: "warning",
    explanation: "The policy is in a tier that nobody made. Such a tier comes after all others and denies at its end.",
  },
  "peer-matches-nothing": {
    severity: "warning",
    explanation:
      "A selector, named port or service of the rule matches nothing at present, so that the rule never matches.",
  },
  "shadowed-rule": {
    severity: "warning",
    explanation:
      "Earlier rules of the same policy match everything that this rule matches, whoever the endpoints are: it can never decide.",
  },
  "staged-leftover": {
    severity: "info",
    explanation:
      "The staged policy previews nothing any more: it equals the enforced policy of its name, or it previews the deletion of one that is not there.",
  },
  "subject-matches-nothing": {
    severity: "warning",
    explanation: "The policy selects no endpoint at present: it has no effect.",
  },
  "uncovered-endpoint": {
    severity: "info",
    explanation: "No policy governs this direction of the endpoint: its profiles decide alone.",
  },
  "unreachable-rule": {
    severity: "warning",
    explanation:
      "The rule matches traffic of the endpoints that are there at present, but earlier rules, policies or tiers decide all of it.",
  },
  "unreadable": {
    severity: "error",
    explanation:
      "A part of the policy cannot be read and fails closed: an Allow, Pass or Log rule never matches, a Deny rule matches everything, an unreadable subject covers its whole scope.",
  },
  "unused-network-set": {
    severity: "info",
    explanation: "No rule selects the network set.",
  },
} as const satisfies Readonly<Record<string, { readonly severity: LintSeverity; readonly explanation: string }>>;

/** A code of {@link LINT_CODES}. */
export type LintCode = keyof typeof LINT_CODES;

/** One finding about one object. */
export interface LintFinding {
  readonly code: LintCode;
  readonly severity: LintSeverity;
  /** Kind of the object, as in traces (`KubernetesNetworkPolicy` for that of Kubernetes); `WorkloadEndpoint` or `HostEndpoint` for endpoints. */
  readonly kind: string;
  /** Empty for objects without. */
  readonly namespace: string;
  readonly name: string;
  /** The rule, as users count them. */
  readonly rule?: { readonly direction: "ingress" | "egress"; readonly index: number };
  /** One sentence: what was found, with the values. */
  readonly message: string;
}
