/**
 * Label selectors as Kubernetes writes them (`matchLabels`, `matchExpressions`): schema, rules and text. Shared by every kind that has some; what a
 * selector means is told by the policy room, the text form of `kubectl get -l` is read by the API.
 *
 * @module
 */
import { z } from "zod";
import type { Problem } from "#/base/problem.ts";
import type { LabelSelector, LabelSelectorRequirement } from "#/resources/kinds/kubernetes_policy_spec.ts";
import { isLabelValue, isQualifiedName, LABEL_VALUE_RULE, QUALIFIED_NAME_RULE } from "#/resources/name_rules.ts";
import { forbidden, invalid, required } from "#/resources/problems.ts";

/** What becomes of fields that a schema does not list: Kubernetes' own kinds keep them (`loose`), custom resources do not know them (`strict`). */
export type UnknownFields = "strict" | "loose";

/** An object with these fields. */
export function objectOf<Shape extends z.ZodRawShape>(unknownFields: UnknownFields, shape: Shape): z.ZodObject<Shape> {
  return unknownFields === "strict" ? z.strictObject(shape) : z.looseObject(shape);
}

/** A label selector's shape. Keys and values are judged by {@link labelSelectorProblems}. */
export function labelSelectorSchema(unknownFields: UnknownFields): z.ZodType<LabelSelector> {
  const requirement = objectOf(unknownFields, {
    key: z.string().describe("Key of the label."),
    operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]).describe(
      "In and NotIn compare with the values, Exists and DoesNotExist ask for the key.",
    ),
    values: z.array(z.string().describe("A value.")).optional().describe(
      "Values, for In and NotIn only; there must be at least one.",
    ),
  });
  return objectOf(unknownFields, {
    matchLabels: z.record(z.string(), z.string()).optional().describe("Labels that must be there with these values."),
    matchExpressions: z.array(requirement.describe("A requirement.")).optional().describe(
      "Requirements, all of which must hold.",
    ),
  });
}

/**
 * What is wrong with a selector whose shape is right.
 *
 * @param path the selector's field path
 *
 * @example
 * ```ts
 * import { labelSelectorProblems } from "#/resources/kinds/label_selector.ts";
 * const [problem] = labelSelectorProblems({ matchExpressions: [{ key: "app", operator: "In" }] }, "spec.podSelector");
 * if (problem?.path !== "spec.podSelector.matchExpressions[0].values") throw new Error(problem?.path);
 * ```
 */
export function labelSelectorProblems(selector: LabelSelector | undefined, path: string): Problem[] {
  return [
    ...labelMapProblems(selector?.matchLabels, `${path}.matchLabels`),
    ...(selector?.matchExpressions ?? []).flatMap((each, at) =>
      requirementProblems(each, `${path}.matchExpressions[${at}]`)
    ),
  ];
}

/** What is wrong with a map of labels, wherever it stands. */
export function labelMapProblems(labels: Readonly<Record<string, string>> | undefined, path: string): Problem[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...(isQualifiedName(key) ? [] : [invalid(`${path}[${key}]`, key, QUALIFIED_NAME_RULE)]),
    ...(isLabelValue(value) ? [] : [invalid(`${path}[${key}]`, value, LABEL_VALUE_RULE)]),
  ]);
}

function requirementProblems({ key, operator, values = [] }: LabelSelectorRequirement, path: string): Problem[] {
  const problems = isQualifiedName(key) ? [] : [invalid(`${path}.key`, key, QUALIFIED_NAME_RULE)];
  const takesValues = operator === "In" || operator === "NotIn";
  if (takesValues && values.length === 0) {
    problems.push(required(`${path}.values`, `must have at least one value where operator is ${operator}`));
  }
  if (!takesValues && values.length > 0) {
    problems.push(forbidden(`${path}.values`, `must not be given where operator is ${operator}`));
  }
  values.forEach((value, at) => {
    if (!isLabelValue(value)) problems.push(invalid(`${path}.values[${at}]`, value, LABEL_VALUE_RULE));
  });
  return problems;
}

/**
 * A selector as kubectl prints it: `app=web,tier in (a,b)`, `<none>` for one that selects everything.
 *
 * @example
 * ```ts
 * import { labelSelectorText } from "#/resources/kinds/label_selector.ts";
 * const text = labelSelectorText({ matchLabels: { app: "web" }, matchExpressions: [{ key: "old", operator: "DoesNotExist" }] });
 * if (text !== "app=web,!old" || labelSelectorText({}) !== "<none>") throw new Error(text);
 * ```
 */
export function labelSelectorText(selector: LabelSelector | undefined): string {
  const labels = labelMapTexts(selector?.matchLabels);
  return [...labels, ...(selector?.matchExpressions ?? []).map(requirementText)].join(",") || "<none>";
}

/** A map of labels as kubectl prints it: `app=web,tier=front`, `<none>` for an empty one. */
export function labelMapText(labels: Readonly<Record<string, string>> | undefined): string {
  return labelMapTexts(labels).join(",") || "<none>";
}

function labelMapTexts(labels: Readonly<Record<string, string>> = {}): string[] {
  return Object.keys(labels).sort().map((key) => `${key}=${labels[key]}`);
}

function requirementText({ key, operator, values = [] }: LabelSelectorRequirement): string {
  switch (operator) {
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
    case "In":
      return `${key} in (${[...values].sort().join(",")})`;
    case "NotIn":
      return `${key} notin (${[...values].sort().join(",")})`;
  }
}
