/**
 * What the admission tables of Kubernetes' kinds share: rows of label selectors, rules as messages tell them, and short ways to write objects.
 *
 * @module
 */
import type { JsonObject } from "#/base/json.ts";
import type { KubeObject } from "#/resources/object.ts";
import { letters } from "#tests/conformance/admission_cases/builders.ts";
import type { AdmissionRow, ExpectedProblem, Patch } from "#tests/conformance/admission_cases/row.ts";

/** The rule of a network. */
export const CIDR_RULE = "must be a network as ADDRESS/LENGTH";
/** The rule of a number or name of a port. */
export const PORT_RULE = "must be a port from 1 to 65535, or the name of one";
/** The rule of a label's key. */
export const KEY_RULE = "must be a name of at most 63";
/** The rule of a label's value. */
export const VALUE_RULE = "must be empty or at most 63";

/** One rule for what comes in. */
export const ingress = (rule: JsonObject): Patch => ({ "spec.ingress": [rule] });
/** One rule for what goes out. */
export const egress = (rule: JsonObject): Patch => ({ "spec.egress": [rule] });

/** An object of any API. */
export function object(
  apiVersion: string,
  kind: string,
  name: string,
  rest: JsonObject,
  namespace?: string,
): KubeObject {
  const metadata = namespace === undefined ? { name } : { name, namespace };
  return { apiVersion, kind, metadata, ...rest };
}

/** Rows of a label selector that stands at a path; `place` puts one there. */
export function selectorRows(place: (selector: JsonObject) => Patch, path: string): readonly AdmissionRow[] {
  const row = (id: string, selector: JsonObject, ...problems: readonly ExpectedProblem[]): AdmissionRow => [
    `${path} ${id}`,
    place(selector),
    ...problems.map(([at, rule]) => [`${path}.${at}`, rule] as const),
  ];
  const expression = (requirement: JsonObject): JsonObject => ({ matchExpressions: [requirement] });
  const values = "matchExpressions[0].values";
  return [
    row("of everything", {}),
    row("of a label", { matchLabels: { "example.com/app": "web", tier: "" } }),
    row("with all operators", {
      matchExpressions: [
        { key: "a", operator: "In", values: ["b", "c"] },
        { key: "a", operator: "NotIn", values: ["d"] },
        { key: "e", operator: "Exists" },
        { key: "f", operator: "DoesNotExist", values: [] },
      ],
    }),
    row("with a bad key", { matchLabels: { "-app": "web" } }, ["matchLabels[-app]", KEY_RULE]),
    row("with a bad value", { matchLabels: { app: "-web" } }, ["matchLabels[app]", VALUE_RULE]),
    row("with a long value", { matchLabels: { app: letters(64) } }, ["matchLabels[app]", VALUE_RULE]),
    row("with a value that is a number", { matchLabels: { app: 1 } }, ["matchLabels.app", "must be a text"]),
    row("with an unknown operator", expression({ key: "a", operator: "Equals", values: ["b"] }), [
      "matchExpressions[0].operator",
      "supported values",
    ]),
    row("without operator", expression({ key: "a" }), ["matchExpressions[0].operator", "must be"]),
    row("without key", expression({ operator: "Exists" }), ["matchExpressions[0].key", "must be"]),
    row("with a bad key in an expression", expression({ key: "a b", operator: "Exists" }), [
      "matchExpressions[0].key",
      KEY_RULE,
    ]),
    row("In without values", expression({ key: "a", operator: "In" }), [values, "must have at least one value"]),
    row("NotIn with no values", expression({ key: "a", operator: "NotIn", values: [] }), [
      values,
      "must have at least one value",
    ]),
    row("Exists with values", expression({ key: "a", operator: "Exists", values: ["b"] }), [
      values,
      "must not be given where operator is Exists",
    ]),
    row("DoesNotExist with values", expression({ key: "a", operator: "DoesNotExist", values: ["b"] }), [
      values,
      "must not be given where operator is DoesNotExist",
    ]),
    row("In with a bad value", expression({ key: "a", operator: "In", values: ["ok", "not ok"] }), [
      `${values}[1]`,
      VALUE_RULE,
    ]),
  ];
}
