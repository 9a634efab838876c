/**
 * Networks in files whose endpoints have no addresses: a rule that names a network is judged by an address that was made up, which people should know.
 * Called where files are made into a cluster.
 *
 * @module
 */
import { isJsonObject, type Json } from "#/base/json.ts";
import { objectTitle } from "#/policy/manifests/manifest_document.ts";
import type { KubeObject } from "#/resources/object.ts";

/** Members of policies and network sets that hold networks, and of a part of them, in any kind. */
const NETWORK_MEMBERS: ReadonlySet<string> = new Set(["nets", "notNets", "cidr", "except", "networks"]);

/** Networks that hold every address, so that it does not matter which one an endpoint has. */
const WHOLE_NETWORKS: ReadonlySet<string> = new Set(["0.0.0.0/0", "::/0"]);

/**
 * One line about the endpoints without addresses and the objects that name networks; none where either is missing, or no network is less than a family's
 * whole space.
 *
 * @param endpoints names of endpoints without addresses
 * @param objects policies and network sets
 *
 * @example
 * ```ts
 * import { addressNotes } from "#/projections/manifest_networks.ts";
 * const set = { apiVersion: "projectcalico.org/v3", kind: "GlobalNetworkSet", metadata: { name: "n" }, spec: { nets: ["10.0.0.0/8"] } };
 * if (addressNotes(["shop/a"], [set]).length !== 1 || addressNotes([], [set]).length !== 0) throw new Error();
 * ```
 */
export function addressNotes(endpoints: readonly string[], objects: readonly KubeObject[]): readonly string[] {
  const naming = objects.filter(({ spec }) => spec !== undefined && namesNetwork(spec))
    .map((object) => objectTitle(object as unknown as Json));
  if (endpoints.length === 0 || naming.length === 0) return [];
  return [
    `No address is known of ${someOf(endpoints)}: where networks are named (${someOf(naming)}), ` +
    "one of 240.0.0.0/4 and one of 100::/64 are taken for theirs",
  ];
}

function namesNetwork(value: Json): boolean {
  if (Array.isArray(value)) return value.some(namesNetwork);
  if (!isJsonObject(value)) return false;
  return Object.entries(value).some(([key, member]) =>
    NETWORK_MEMBERS.has(key) ? [member].flat().some(isNarrow) : member !== undefined && namesNetwork(member)
  );
}

function isNarrow(network: Json | undefined): boolean {
  return typeof network === "string" && !WHOLE_NETWORKS.has(network);
}

function someOf([first = "", ...more]: readonly string[]): string {
  return more.length === 0 ? first : `${first} and ${more.length} more`;
}
