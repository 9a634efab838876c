/**
 * Core Namespace: holds objects, and gives its labels to the workloads in it.
 *
 * @module
 */
import { z } from "zod";
import { isJsonObject } from "#/base/json.ts";
import { withDefaults, withLabel } from "#/resources/canonical_values.ts";
import { AGE_COLUMN, computedColumn, NAME_COLUMN, valueAt } from "#/resources/columns.ts";
import { defineCoreKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { conditionList } from "#/resources/kinds/core_schema.ts";
import { labelNameProblems } from "#/resources/metadata.ts";
import { isDnsLabel } from "#/resources/name_rules.ts";
import type { KubeObject } from "#/resources/object.ts";

/** Label that every namespace carries with its own name, so that selectors can name namespaces. */
export const NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name";

const schema = z.looseObject({
  spec: z.looseObject({
    finalizers: z.array(z.string().describe("A finalizer.")).optional().describe(
      "What must be done before a deleted namespace goes away.",
    ),
  }).optional().describe("What the namespace says."),
  status: z.looseObject({
    phase: z.enum(["Active", "Terminating"]).optional().describe("Whether the namespace is in use or being deleted."),
    conditions: conditionList().optional(),
  }).optional().describe("What was observed."),
});

function defaults(object: KubeObject): KubeObject {
  const { name } = object.metadata;
  const labelled = isDnsLabel(name) ? withLabel(object, NAMESPACE_NAME_LABEL, name) : object;
  const { spec = {}, status = {} } = labelled;
  return {
    ...labelled,
    spec: isJsonObject(spec) ? withDefaults(spec, { finalizers: ["kubernetes"] }) : spec,
    status: isJsonObject(status) ? withDefaults(status, { phase: "Active" }) : status,
  };
}

/** The kind. */
export const namespace: KindDefinition = defineCoreKind({
  kind: "Namespace",
  plural: "namespaces",
  singular: "namespace",
  shortNames: ["ns"],
  namespaced: false,
  description: "Holds objects under names of their own, and gives its labels to the workloads in it.",
  schema,
  defaults,
  validate: labelNameProblems,
  statusSubresource: true,
  mergeKeys: { "status.conditions": "type" },
  columns: [
    NAME_COLUMN,
    computedColumn("Status", "Whether the namespace is in use or being deleted.", (object) => {
      if (object.metadata.deletionTimestamp !== undefined) return "Terminating";
      const phase = valueAt(object, "status.phase");
      return typeof phase === "string" ? phase : "Active";
    }),
    AGE_COLUMN,
  ],
});
