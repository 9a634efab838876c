/**
 * Core ServiceAccount: the identity of workloads; its labels reach the workloads that run under it.
 *
 * @module
 */
import { z } from "zod";
import { AGE_COLUMN, computedColumn, NAME_COLUMN, valueAt } from "#/resources/columns.ts";
import { defineCoreKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { localReferenceList } from "#/resources/kinds/core_schema.ts";
import { subdomainNameProblems } from "#/resources/metadata.ts";

const schema = z.looseObject({
  secrets: localReferenceList().optional().describe("Secrets that workloads may use."),
  imagePullSecrets: localReferenceList().optional().describe("Secrets for pulling images."),
  automountServiceAccountToken: z.boolean().optional().describe("Whether workloads get a token of the account."),
});

/** The kind. */
export const serviceAccount: KindDefinition = defineCoreKind({
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  singular: "serviceaccount",
  shortNames: ["sa"],
  namespaced: true,
  description: "An identity that workloads run under; policies may select by its labels.",
  schema,
  defaults: (object) => object,
  validate: subdomainNameProblems,
  mergeKeys: { secrets: "name", imagePullSecrets: "name" },
  columns: [
    NAME_COLUMN,
    {
      ...computedColumn("Secrets", "How many secrets it lists.", (object) => countOf(valueAt(object, "secrets"))),
      type: "integer",
    },
    AGE_COLUMN,
  ],
});

function countOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}
