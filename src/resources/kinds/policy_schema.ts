/**
 * What NetworkPolicy and GlobalNetworkPolicy share: fields, defaults, rules across fields, printed columns. The two kinds' own files add what only one
 * of them has.
 *
 * @module
 */
import { z } from "zod";
import type { JsonObject } from "#/base/json.ts";
import type { Problem } from "#/base/problem.ts";
import {
  canonicalPort,
  canonicalProtocol,
  mapItems,
  mapMember,
  mapSpec,
  withDefaults,
  withLabel,
} from "#/resources/canonical_values.ts";
import { AGE_COLUMN, fieldColumn, NAME_COLUMN, wide } from "#/resources/columns.ts";
import type { PrinterColumn } from "#/resources/kind.ts";
import { selectorText, uniqueList } from "#/resources/kinds/field_schema.ts";
import { policySpecOf } from "#/resources/kinds/policy_spec.ts";
import { ruleProblems } from "#/resources/kinds/rule_rules.ts";
import { ruleListSchema } from "#/resources/kinds/rule_schema.ts";
import { DEFAULT_TIER } from "#/resources/kinds/tier.ts";
import { DNS_LABEL_RULE, isDnsLabel } from "#/resources/name_rules.ts";
import type { KubeObject } from "#/resources/object.ts";

/** Label that carries a policy's tier, so that policies can be listed by it. Defaulting writes it; users cannot make it differ. */
export const TIER_LABEL = "projectcalico.org/tier";

/** Fields of `spec` that both kinds of policy have. */
export const POLICY_FIELDS = {
  tier: z.string().refine(isDnsLabel, { error: DNS_LABEL_RULE }).optional().describe(
    "The tier that the policy is in; default when left out. It must exist.",
  ),
  order: z.number().optional().describe("Place within the tier: lower comes first, policies without order come last."),
  selector: selectorText().optional().describe(
    "Selects the endpoints that the policy is about; all in scope when left out.",
  ),
  serviceAccountSelector: selectorText().optional().describe(
    "Narrows the policy to workloads whose service account has matching labels.",
  ),
  ingress: ruleListSchema.optional().describe("Rules for traffic to the endpoints, first match first."),
  egress: ruleListSchema.optional().describe("Rules for traffic from the endpoints, first match first."),
  types: uniqueList(z.enum(["Ingress", "Egress"]).describe("A direction."), 2, 1).optional().describe(
    "Directions that the policy governs. When left out: the directions that have rules, or Ingress when there are none.",
  ),
  performanceHints: uniqueList(z.enum(["AssumeNeededOnEveryNode"]).describe("A hint."), 10).optional().describe(
    "Hints that change cost and never verdicts.",
  ),
} as const;

/**
 * Fills in tier, types and the tier's label, and brings ports and protocols to their stored form.
 *
 * A list of types that is there is never computed again: egress rules added to a policy whose types were defaulted to Ingress stay without effect, as
 * in Calico. An explicitly empty `egress` does not count as having egress rules.
 */
export function defaultPolicy(object: KubeObject): KubeObject {
  const filled = mapSpec(object, (spec) => {
    const types = Array.isArray(spec.types) && spec.types.length === 0 ? undefined : spec.types;
    return { ...canonicalRuleLists(spec), types: types ?? defaultTypes(spec) };
  });
  return defaultTier(filled);
}

/** Fills in a policy's tier and the label that carries it. */
export function defaultTier(object: KubeObject): KubeObject {
  const filled = mapSpec(object, (spec) => withDefaults(spec, { tier: DEFAULT_TIER }));
  const tier = filled.spec?.tier;
  return typeof tier === "string" && isDnsLabel(tier) ? withLabel(filled, TIER_LABEL, tier) : filled;
}

/** A spec with the ports and protocols of its rules in their stored form. */
export function canonicalRuleLists(spec: JsonObject): JsonObject {
  return { ...spec, ...canonicalRules(spec, "ingress"), ...canonicalRules(spec, "egress") };
}

function defaultTypes(spec: JsonObject): readonly string[] {
  const hasRules = (direction: "ingress" | "egress") => {
    const rules = spec[direction];
    return Array.isArray(rules) && rules.length > 0;
  };
  if (!hasRules("egress")) return ["Ingress"];
  return hasRules("ingress") ? ["Ingress", "Egress"] : ["Egress"];
}

function canonicalRules(spec: JsonObject, direction: "ingress" | "egress"): JsonObject {
  const rules = spec[direction];
  return rules === undefined ? {} : {
    [direction]: mapItems(rules, (rule) => {
      const named = mapMember(mapMember(rule, "protocol", canonicalProtocol), "notProtocol", canonicalProtocol);
      return mapMember(mapMember(named, "source", canonicalPorts), "destination", canonicalPorts);
    }),
  };
}

function canonicalPorts(entity: Parameters<typeof mapMember>[0]): ReturnType<typeof mapMember> {
  const mapped = mapMember(entity, "ports", (ports) => mapItems(ports, canonicalPort));
  return mapMember(mapped, "notPorts", (ports) => mapItems(ports, canonicalPort));
}

/** The rules across fields of every rule of a policy or profile, both directions. */
export function policyRuleProblems(object: KubeObject, namespaced: boolean): Problem[] {
  const spec = policySpecOf(object);
  return (["ingress", "egress"] as const).flatMap((direction) =>
    (spec[direction] ?? []).flatMap((rule, at) =>
      ruleProblems(rule, { path: `spec.${direction}[${at}]`, direction, namespaced })
    )
  );
}

/** Columns of `get` for either kind, as calicoctl shows them. */
export const POLICY_COLUMNS: readonly PrinterColumn[] = [
  NAME_COLUMN,
  fieldColumn("Tier", "spec.tier", "The tier that the policy is in."),
  AGE_COLUMN,
  wide(fieldColumn("Order", "spec.order", "Place within the tier; lower comes first.", "number")),
  wide(fieldColumn("Selector", "spec.selector", "The endpoints that the policy is about.")),
];
