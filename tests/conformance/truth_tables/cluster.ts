/**
 * The cluster of the truth tables as objects that users write: three namespaces of three pods each. Made for a case without a server, and one by one in
 * the lab.
 *
 * @module
 */
import type { JsonObject } from "#/base/json.ts";
import type { ManifestDocument } from "#/policy/manifests/manifest_document.ts";
import { readManifestObjects } from "#/policy/manifests/manifests.ts";
import { type ManifestWorld, manifestWorld } from "#/projections/manifest_world.ts";
import type { KubeObject } from "#/resources/object.ts";
import { NAMESPACES, POD_NAMES, PORTS, PROTOCOLS, type TruthCase } from "./table.ts";

/** The namespaces. */
export const NAMESPACE_OBJECTS: readonly KubeObject[] = NAMESPACES.map((name) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels: { ns: name } },
}));

/** The ports of every pod's one container. */
export const CONTAINER_PORTS: readonly JsonObject[] = PORTS.flatMap((port) =>
  PROTOCOLS.map((protocol) => ({
    name: `serve-${port}-${protocol.toLowerCase()}`,
    containerPort: port,
    protocol,
  }))
);

/** The pods, without addresses and without a node. */
export const POD_OBJECTS: readonly KubeObject[] = POD_NAMES.map((pod) => {
  const [namespace = "", name = ""] = pod.split("/");
  const container = { name: "serve", image: "serve", ports: CONTAINER_PORTS };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { pod: name } },
    spec: { containers: [container] },
  };
});

/** The cluster with the policies of a case, admitted as from files; a case that admission refuses is an error. */
export function worldOfCase(one: TruthCase): ManifestWorld {
  const documents = [...NAMESPACE_OBJECTS, ...POD_OBJECTS, ...one.objects].map((object, at): ManifestDocument => ({
    file: one.name,
    number: at + 1,
    value: object as unknown as JsonObject,
    lineOf: () => 1,
  }));
  const { objects, problems } = readManifestObjects(documents);
  if (problems.length > 0) throw new Error(JSON.stringify(problems, undefined, 1));
  return manifestWorld(objects);
}
