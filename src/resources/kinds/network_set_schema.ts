/**
 * What NetworkSet and GlobalNetworkSet share: networks under labels, so that rules can name them by selector. They are peers of rules only, never what a
 * policy is about.
 *
 * @module
 */
import { z } from "zod";
import type { Problem } from "#/base/problem.ts";
import { AGE_COLUMN, computedColumn, NAME_COLUMN, wide } from "#/resources/columns.ts";
import type { PrinterColumn } from "#/resources/kind.ts";
import { networkText, uniqueList } from "#/resources/kinds/field_schema.ts";
import type { NetworkSetSpec } from "#/resources/kinds/peer_spec.ts";
import { reservedLabelProblems, subdomainNameProblems } from "#/resources/metadata.ts";
import type { KubeObject } from "#/resources/object.ts";

/** Most networks in one set: more than fit into the largest object. */
const NETWORKS_MAX = 262_144;
/** Longest list of networks that a table shows, in characters. */
const CELL_CHARS_MAX = 80;

const spec: z.ZodType<NetworkSetSpec> = z.strictObject({
  nets: uniqueList(networkText().describe("A network or an address."), NETWORKS_MAX).optional().describe(
    "Networks of the set. Host bits may be set and count for nothing.",
  ),
}).describe("What the set holds.");

/** Schema of both kinds. */
export const NETWORK_SET_SCHEMA: z.ZodType = z.strictObject({ spec });

/** The spec of an admitted set. */
export function networkSetSpecOf(object: KubeObject): NetworkSetSpec {
  return (object.spec ?? {}) as unknown as NetworkSetSpec;
}

/** Every rule across fields that a set breaks. Its labels are what policies trust, so those of the system are not for users. */
export function networkSetProblems(object: KubeObject): readonly Problem[] {
  return [...subdomainNameProblems(object), ...reservedLabelProblems(object.metadata.labels)];
}

/** Columns of `get` for either kind, as calicoctl shows them. */
export const NETWORK_SET_COLUMNS: readonly PrinterColumn[] = [
  NAME_COLUMN,
  AGE_COLUMN,
  wide(computedColumn("Nets", "Networks of the set.", (object) => {
    const text = (networkSetSpecOf(object).nets ?? []).join(",");
    return text.length > CELL_CHARS_MAX ? `${text.slice(0, CELL_CHARS_MAX)}...` : text;
  })),
];
