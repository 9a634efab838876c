/**
 * Random histories of small clusters for the projections' tests: every kind of object and fact that policy and routes rest on comes, changes and goes.
 *
 * @module
 */
import fc from "fast-check";
import type { JsonObject } from "#/base/json.ts";
import type { KubeObject, ObjectMeta } from "#/resources/object.ts";
import {
  block,
  bound,
  namespace,
  namespacedV3,
  node,
  pod,
  serviceAccount,
  v3,
} from "#tests/support/network_objects.ts";

/** Nodes that things are on. */
export const NODES = ["node1", "node2", "node3"];
const SPACES = ["red", "blue"];

function kubernetes(apiVersion: string, kind: string, metadata: ObjectMeta, spec: JsonObject): KubeObject {
  return { apiVersion, kind, metadata, spec };
}

/** The same object with labels. */
export function labelled(object: KubeObject, labels: Readonly<Record<string, string>>): KubeObject {
  return { ...object, metadata: { ...object.metadata, labels } };
}

/** An EndpointSlice. */
export function endpointSlice(
  space: string,
  name: string,
  service: string | undefined,
  fields: JsonObject,
): KubeObject {
  const labels: Record<string, string> = service === undefined ? {} : { "kubernetes.io/service-name": service };
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace: space, labels },
    addressType: "IPv4",
    ...fields,
  };
}

const nodeName = fc.constantFrom(...NODES);
const space = fc.constantFrom(...SPACES);
const value = fc.constantFrom("a", "b", "");
/** Labels that selectors ask for. */
export const labels = fc.dictionary(fc.constantFrom("app", "env", "pcns.env", "constructor"), value, { maxKeys: 3 });
const podName = fc.constantFrom("p1", "p2", "p3");
const address = fc.constantFrom("192.168.0.1", "192.168.0.2", "fd00::1");
const cidr = fc.constantFrom("192.168.0.0/26", "192.168.0.64/26");
const selector = fc.constantFrom(
  "",
  "all()",
  "app == 'a'",
  "app in {'a', 'b'} && has(env)",
  "!has(app)",
  "env != 'b' || app == 'b'",
  "env starts with 'a'",
  "has(constructor)",
  "(app",
);
const peerSide = fc.record({
  selector,
  namespaceSelector: fc.constantFrom("", "env == 'a'", "global()", "all()"),
  notSelector: fc.constantFrom("", "app == 'b'"),
  ports: fc.constantFrom([], [80], ["http"], ["http", 80]),
}, { requiredKeys: [] });
const services = fc.constantFrom({ services: { name: "db" } }, { services: { name: "web", namespace: "red" } });
const ruleSide = fc.oneof(
  { arbitrary: fc.constantFrom({}, { nets: ["192.168.0.0/16"] }, { notNets: ["192.168.0.1/32"] }), weight: 4 },
  { arbitrary: peerSide, weight: 4 },
  { arbitrary: services, weight: 3 },
);
const rule = fc.record({
  action: fc.constantFrom("Allow", "Deny", "Pass", "Log"),
  protocol: fc.constantFrom("TCP", "UDP"),
  source: ruleSide,
  destination: ruleSide,
}, { requiredKeys: ["action", "protocol"] });
const policySpec = fc.record({
  tier: fc.constantFrom("default", "early", "missing"),
  flag: fc.constantFrom({}, {}, {}, { doNotTrack: true }, { preDNAT: true }, { applyOnForward: true }),
  order: fc.constantFrom(1, 2),
  selector,
  types: fc.constantFrom(["Ingress"], ["Egress"], ["Ingress", "Egress"]),
  ingress: fc.array(rule, { maxLength: 2 }),
  egress: fc.array(rule, { maxLength: 2 }),
}, { requiredKeys: ["tier", "types"] }).map(({ flag, ...spec }) => ({ ...spec, ...flag }));
/** Rules of a Calico policy or profile. */
export const rules = fc.array(rule, { maxLength: 2 });
const stagedAction = fc.record({ stagedAction: fc.constantFrom("Set", "Delete", "Learn", "Ignore") }, {
  requiredKeys: [],
});
const labelSelector = fc.constantFrom(
  {},
  { matchLabels: { app: "a" } },
  { matchExpressions: [{ key: "env", operator: "NotIn", values: ["b"] }, { key: "app", operator: "Exists" }] },
  { matchExpressions: [{ key: "env", operator: "Near" }] },
);
const kubernetesPeer = fc.oneof(
  fc.record({ podSelector: labelSelector, namespaceSelector: labelSelector }, { requiredKeys: [] }),
  fc.constantFrom({ ipBlock: { cidr: "10.0.0.0/8" } }, { ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }, {
    ipBlock: { cidr: "no net" },
  }),
);
const kubernetesPorts = fc.constantFrom([], [{ port: 80 }], [{ port: "http" }, {
  protocol: "UDP",
  port: 50,
  endPort: 60,
}]);
const kubernetesSpec = fc.record({
  podSelector: labelSelector,
  policyTypes: fc.constantFrom(["Ingress"], ["Ingress", "Egress"]),
  ingress: fc.array(fc.record({ from: fc.array(kubernetesPeer, { maxLength: 2 }), ports: kubernetesPorts }), {
    maxLength: 2,
  }),
  egress: fc.array(fc.record({ to: fc.array(kubernetesPeer, { maxLength: 2 }), ports: kubernetesPorts }), {
    maxLength: 2,
  }),
}, { requiredKeys: ["podSelector", "policyTypes"] });
const clusterKind = fc.constantFrom("AdminNetworkPolicy", "BaselineAdminNetworkPolicy");
const namespacedPods = fc.record({ namespaceSelector: labelSelector, podSelector: labelSelector });
const subject = fc.oneof(
  fc.record({ namespaces: labelSelector }),
  fc.record({ pods: namespacedPods }),
  fc.constant({}),
);
const clusterPeers = fc.array(
  fc.oneof(
    fc.record({ namespaces: labelSelector }),
    fc.record({ pods: namespacedPods }),
    fc.constantFrom({ networks: ["10.0.0.0/8"] }, { nodes: {} }),
  ),
  { minLength: 1, maxLength: 2 },
);
const adminRule = {
  action: fc.constantFrom("Allow", "Deny", "Pass"),
  ports: fc.constantFrom([], [{ portNumber: { port: 80 } }, { namedPort: "http" }], [{
    portRange: { start: 1, end: 9 },
  }]),
};
const adminSpec = fc.record({
  priority: fc.constantFrom(1, 2),
  subject,
  ingress: fc.array(fc.record({ ...adminRule, from: clusterPeers }), { maxLength: 2 }),
  egress: fc.array(fc.record({ ...adminRule, to: clusterPeers }), { maxLength: 2 }),
});
const clusterRule = {
  action: fc.constantFrom("Accept", "Deny", "Pass"),
  protocols: fc.constantFrom([], [{ tcp: { destinationPort: { number: 80 } } }, { udp: {} }], [{
    destinationNamedPort: "http",
  }]),
};
const clusterSpec = fc.record({
  tier: fc.constantFrom("Admin", "Baseline"),
  priority: fc.constantFrom(1, 2),
  subject,
  ingress: fc.array(fc.record({ ...clusterRule, from: clusterPeers }), { maxLength: 2 }),
  egress: fc.array(fc.record({ ...clusterRule, to: clusterPeers }), { maxLength: 2 }),
});
const endpointPorts = fc.constantFrom([], [{ name: "http", protocol: "TCP", port: 80 }]);
/** Spec of a HostEndpoint. */
export const hostSpec = fc.record({
  node: nodeName,
  interfaceName: fc.constantFrom("*", "eth0", undefined),
  expectedIPs: fc.constantFrom(["172.30.0.1"], ["172.30.0.2", "fd00::2"], []),
  profiles: fc.constantFrom([], ["profile"], ["projectcalico-default-allow"]),
  ports: endpointPorts,
});
const machineSpec = fc.record({
  node: fc.constantFrom("node1", "node2", ""),
  interfaceName: fc.constantFrom("cali1", ""),
  ipNetworks: fc.constantFrom(["192.168.0.9/32"], []),
  profiles: fc.constantFrom(["profile"], ["kns.red", "profile"]),
  ports: endpointPorts,
});
/** What an EndpointSlice says beside its metadata. */
export const slice = fc.record({
  endpoints: fc.array(fc.record({ addresses: fc.array(address, { minLength: 1, maxLength: 2 }) }), { maxLength: 2 }),
  ports: fc.constantFrom([], [{ port: 80 }], [{ port: 53, protocol: "UDP" }, {}]),
});
const ports = fc.constantFrom([], [{ name: "http", containerPort: 80 }], [{
  name: "http",
  containerPort: 53,
  protocol: "UDP",
}]);

/** A policy of any kind, not always a sound one. */
export const anyPolicy = fc.oneof(
  fc.record({ space, name: fc.constantFrom("np1", "np2"), spec: policySpec })
    .map((r) => namespacedV3("NetworkPolicy", r.space, r.name, r.spec)),
  fc.record({ space, name: fc.constantFrom("np1", "np2"), spec: policySpec, stagedAction })
    .map((r) => namespacedV3("StagedNetworkPolicy", r.space, r.name, { ...r.spec, ...r.stagedAction })),
  fc.record({ name: fc.constantFrom("g1", "g2"), spec: policySpec, stagedAction })
    .map((r) => v3("StagedGlobalNetworkPolicy", r.name, { ...r.spec, ...r.stagedAction })),
  fc.record({ space, name: fc.constantFrom("np1", "k1"), spec: kubernetesSpec })
    .map((r) => kubernetes("networking.k8s.io/v1", "NetworkPolicy", { namespace: r.space, name: r.name }, r.spec)),
  fc.record({ space, name: fc.constantFrom("np1", "k1"), spec: kubernetesSpec, stagedAction })
    .map((r) => namespacedV3("StagedKubernetesNetworkPolicy", r.space, r.name, { ...r.spec, ...r.stagedAction })),
  fc.record({ name: fc.constantFrom("a1", "a2"), kind: clusterKind, spec: adminSpec })
    .map((r) => kubernetes("policy.networking.k8s.io/v1alpha1", r.kind, { name: r.name }, r.spec)),
  fc.record({ name: fc.constantFrom("c1", "c2"), spec: clusterSpec })
    .map((r) => kubernetes("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", { name: r.name }, r.spec)),
  fc.record({ name: fc.constantFrom("g1", "g2"), spec: policySpec }).map((r) =>
    v3("GlobalNetworkPolicy", r.name, r.spec)
  ),
);

const thing = fc.oneof(
  { arbitrary: anyPolicy, weight: 9 },
  fc.record({ name: space, labels }).map((r) => namespace(r.name, r.labels)),
  fc.record({ space, labels }).map((r) => serviceAccount(r.space, "default", r.labels)),
  fc.record({ space, name: podName, node: nodeName, labels, ports, phase: fc.constantFrom("Running", "Succeeded") })
    .map((r) => pod(r.space, r.name, r)),
  fc.record({
    space,
    name: podName,
    node: nodeName,
    addresses: fc.array(address, { maxLength: 2 }),
    containerId: fc.constantFrom("c1", "c2"),
  })
    .map((r) => bound(r.space, r.name, r)),
  fc.record({ name: fc.constantFrom("profile", "kns.red"), labelsToApply: labels, ingress: rules, egress: rules })
    .map(({ name, ...spec }) => v3("Profile", name, spec)),
  fc.record({ name: fc.constantFrom("h1", "h2"), labels, spec: hostSpec })
    .map((r) => labelled(v3("HostEndpoint", r.name, r.spec), r.labels)),
  fc.record({ space, name: fc.constantFrom("e1", "e2"), labels, spec: machineSpec })
    .map((r) => labelled(namespacedV3("WorkloadEndpoint", r.space, r.name, r.spec), r.labels)),
  {
    arbitrary: fc.record({
      space,
      name: fc.constantFrom("s1", "s2"),
      service: fc.constantFrom("db", "web", undefined),
      slice,
    })
      .map((r) => endpointSlice(r.space, r.name, r.service, r.slice)),
    weight: 3,
  },
  fc.record({
    name: fc.constantFrom("default", "early", "kube-admin"),
    order: fc.constantFrom(1, 2),
    defaultAction: fc.constantFrom("Deny", "Pass"),
  })
    .map(({ name, ...spec }) => v3("Tier", name, spec)),
  fc.record({ space, nets: fc.array(fc.constantFrom("10.0.0.0/8", "0.0.0.0/0", "192.168.0.1", "no net")), labels })
    .map((r) => ({
      ...namespacedV3("NetworkSet", r.space, "set", { nets: r.nets }),
      metadata: { name: "set", namespace: r.space, labels: r.labels },
    })),
  fc.record({ name: nodeName, address: fc.constantFrom("172.30.0.1/24", "172.30.0.2/24", undefined), labels })
    .map((r) => node(r.name, r.address, r.labels)),
  fc.record({ nodeSelector: selector, vxlanMode: fc.constantFrom("Never", "Always"), disabled: fc.boolean() })
    .map((r) => v3("IPPool", "pool", { cidr: "192.168.0.0/16", ...r })),
  fc.record({ cidr, node: nodeName }).map((r) => block(r.cidr, r.node)),
  fc.record({ nodeToNodeMeshEnabled: fc.boolean(), listenPort: fc.constantFrom(179, 1790) })
    .map((r) => v3("BGPConfiguration", "default", r)),
  fc.record({
    name: fc.constantFrom("peer1", "peer2"),
    peerIP: fc.constantFrom("172.30.0.1", "10.9.9.9:1179"),
    nodeSelector: selector,
  })
    .map(({ name, ...spec }) => v3("BGPPeer", name, spec)),
);

/** One thing put, or everything of its name taken away, and whether to flush then. */
export const move = fc.record({ thing, gone: fc.nat(3).map((dice) => dice === 0), flushed: fc.boolean() });
/** A random history. */
export const moves = fc.array(move, { minLength: 1, maxLength: 60, size: "max" });
