/**
 * NetworkSet: networks that rules can name by label, in one namespace. It counts as of its namespace for namespace selectors.
 *
 * @module
 */
import { defineCalicoKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { NETWORK_SET_COLUMNS, NETWORK_SET_SCHEMA, networkSetProblems } from "#/resources/kinds/network_set_schema.ts";

/** The kind. */
export const networkSet: KindDefinition = defineCalicoKind({
  kind: "NetworkSet",
  plural: "networksets",
  singular: "networkset",
  shortNames: ["netset", "netsets"],
  namespaced: true,
  description: "Networks that rules name by label, in one namespace.",
  schema: NETWORK_SET_SCHEMA,
  defaults: (object) => object,
  validate: networkSetProblems,
  columns: NETWORK_SET_COLUMNS,
});
