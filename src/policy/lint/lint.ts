/**
 * Lint: what policies say that their authors hardly meant, found exactly where it can be. Answers `tortie lint`.
 *
 * @module
 */
import { compareBytewise } from "#/base/bytewise.ts";
import type { CompiledPolicies } from "#/policy/compiled.ts";
import { lintContext } from "#/policy/lint/lint_context.ts";
import type { LintCode, LintFinding } from "#/policy/lint/lint_finding.ts";
import {
  emptyPeers,
  emptySubjects,
  httpRules,
  inertRules,
  missingTiers,
  stagedLeftovers,
  uncoveredEndpoints,
  unreadableParts,
  unusedNetworkSets,
} from "#/policy/lint/lint_objects.ts";
import { shadowedRules } from "#/policy/lint/lint_shadow.ts";
import { trafficFindings } from "#/policy/lint/lint_traffic.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";

/** What a caller may say about the endpoints. */
export interface LintOptions {
  /** Addresses that were made up for endpoints that have none, canonical text. */
  readonly synthetic?: ReadonlySet<string>;
}

/** Checks that look at what is written. */
const OF_OBJECTS = [
  unreadableParts,
  httpRules,
  inertRules,
  missingTiers,
  stagedLeftovers,
  unusedNetworkSets,
  shadowedRules,
];

/** Checks that ask who is there; without any endpoint they would report everything. */
const OF_ENDPOINTS = [emptySubjects, emptyPeers, uncoveredEndpoints, trafficFindings];

/** Findings that say why a rule is never reached, so that this need not be reported again. */
const REASONS: ReadonlySet<LintCode> = new Set<LintCode>(["shadowed-rule", "peer-matches-nothing", "unreadable"]);

/**
 * Everything there is to find, sorted by kind, namespace, name, direction, rule and code.
 *
 * @param compiled the same objects compiled, in the `enforced` scope
 *
 * @example
 * ```ts
 * import { lint } from "#/policy/lint/lint.ts";
 * const set = { apiVersion: "projectcalico.org/v3", kind: "GlobalNetworkSet", metadata: { name: "s" }, spec: { nets: [] } };
 * const nothing = { policies: [], tiers: [], namespaces: [], serviceAccounts: [], workloadEndpoints: [] };
 * const compiled = { endpoints: [], hostEndpoints: [], policies: new Map(), sets: new Map() };
 * const [finding] = lint({ ...nothing, networkSets: [set] }, compiled);
 * if (finding?.code !== "unused-network-set" || finding.name !== "s") throw new Error();
 * ```
 */
export function lint(
  objects: PolicyObjects,
  compiled: CompiledPolicies,
  options: LintOptions = {},
): readonly LintFinding[] {
  const context = lintContext(objects, compiled, options.synthetic ?? new Set());
  const hasEndpoints = compiled.endpoints.length + compiled.hostEndpoints.length > 0;
  const checks = [...OF_OBJECTS, ...(hasEndpoints ? OF_ENDPOINTS : [])];
  const found = checks.flatMap((check) => check(context));
  const explained = new Set(found.filter(({ code }) => REASONS.has(code)).map(placeOf));
  return found.filter((one) => one.code !== "unreachable-rule" || !explained.has(placeOf(one))).sort(compareFindings);
}

function placeOf({ kind, namespace, name, rule }: LintFinding): string {
  return JSON.stringify([kind, namespace, name, rule?.direction, rule?.index]);
}

function compareFindings(a: LintFinding, b: LintFinding): number {
  return compareBytewise(a.kind, b.kind) || compareBytewise(a.namespace, b.namespace) ||
    compareBytewise(a.name, b.name) || placeRank(a) - placeRank(b) ||
    (a.rule?.index ?? 0) - (b.rule?.index ?? 0) || compareBytewise(a.code, b.code) ||
    compareBytewise(a.message, b.message);
}

/** Findings about the whole object first, then ingress, then egress. */
function placeRank({ rule }: LintFinding): number {
  return rule === undefined ? 0 : rule.direction === "ingress" ? 1 : 2;
}
