/**
 * GlobalNetworkSet: networks that rules can name by label, for the whole cluster. It has no namespace, so that `global()` matches it.
 *
 * @module
 */
import { defineCalicoKind } from "#/resources/define_kind.ts";
import type { KindDefinition } from "#/resources/kind.ts";
import { NETWORK_SET_COLUMNS, NETWORK_SET_SCHEMA, networkSetProblems } from "#/resources/kinds/network_set_schema.ts";

/** The kind. */
export const globalNetworkSet: KindDefinition = defineCalicoKind({
  kind: "GlobalNetworkSet",
  plural: "globalnetworksets",
  singular: "globalnetworkset",
  shortNames: ["gns"],
  namespaced: false,
  description: "Networks that rules name by label, for the whole cluster.",
  schema: NETWORK_SET_SCHEMA,
  defaults: (object) => object,
  validate: networkSetProblems,
  columns: NETWORK_SET_COLUMNS,
});
