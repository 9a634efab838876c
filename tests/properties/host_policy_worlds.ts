/**
 * Random host endpoints: one, some or none on each node, for all interfaces or for one, with addresses or without.
 *
 * @module
 */
import fc from "fast-check";
import type { KubeObject } from "#/resources/object.ts";
import { endpointPorts, labelled, oneOf, sometimes } from "./policy_vocabulary.ts";

/** Nodes with their addresses. */
const HOSTS = [
  { node: "node1", addresses: ["10.0.0.6", "fd00::6"] },
  { node: "node2", addresses: ["10.0.0.7", "fd00::7"] },
];

const hostEndpoint: fc.Arbitrary<KubeObject> = fc.record({
  host: oneOf(...HOSTS),
  name: oneOf("h1", "h2", "h3"),
  interfaceName: oneOf<string | undefined>("*", "*", "eth0", "eth0", "eth1", undefined),
  addresses: oneOf<"all" | "first" | "none">("all", "all", "first", "none"),
  app: sometimes(60, oneOf("x", "y")),
  zone: sometimes(40, fc.constant("z")),
  profiles: oneOf<string[]>([], ["projectcalico-default-allow"], ["p1"], ["p2", "p1"], ["gone"]),
  ports: endpointPorts,
}).map(({ host, name, interfaceName, addresses, app, zone, profiles, ports }): KubeObject => {
  const expectedIPs = addresses === "all"
    ? [...host.addresses]
    : addresses === "first"
    ? host.addresses.slice(0, 1)
    : [];
  // Admission asks for one of the two.
  const place = interfaceName ?? (expectedIPs.length === 0 ? "eth0" : undefined);
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "HostEndpoint",
    metadata: { name, labels: labelled({ app, zone }) },
    spec: {
      node: host.node,
      ...(place === undefined ? {} : { interfaceName: place }),
      expectedIPs,
      profiles,
      ports,
    },
  };
});

/** The host endpoints of a cluster; several may expect one address. */
export const hostEndpoints: fc.Arbitrary<KubeObject[]> = fc.uniqueArray(hostEndpoint, {
  maxLength: 3,
  selector: ({ metadata }) => metadata.name,
});
