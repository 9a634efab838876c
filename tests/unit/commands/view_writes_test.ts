/**
 * Writes to views: the v3 Node, which becomes the core Node, and WorkloadEndpoints of Pods, which take none.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { NODE_ANNOTATIONS } from "#/resources/kinds/calico_node.ts";
import { nodeFromCore } from "#/projections/node_view.ts";
import type { KubeObject } from "#/resources/object.ts";
import { coreFromNode } from "#/server/decide/view_writes.ts";
import {
  apply,
  CONTEXT,
  create,
  given,
  lines,
  namespace,
  patch,
  payloadOf,
  pod,
  refOf,
  refused,
  remove,
  replace,
} from "./cluster.ts";

function node(spec: KubeObject["spec"] = {}, metadata: Partial<KubeObject["metadata"]> = {}): KubeObject {
  return { apiVersion: "projectcalico.org/v3", kind: "Node", metadata: { name: "node1", ...metadata }, spec };
}

function coreNode(metadata: Partial<KubeObject["metadata"]> = {}, fields: Partial<KubeObject> = {}): KubeObject {
  return { apiVersion: "v1", kind: "Node", metadata: { name: "node1", ...metadata }, ...fields };
}

const VIEW = refOf(node());
const CORE = refOf(coreNode());

Deno.test("Creating a v3 Node creates the core Node, and answers with the view", () => {
  const cluster = given();
  const sent = node({ bgp: { ipv4Address: "172.30.0.1/24", asNumber: 64512 } }, { labels: { rack: "1" } });
  const decision = cluster.run(create(sent), { reason: "joins" });
  assertEquals(lines(decision), ["NodeCreated core/nodes/-/node1@1"]);
  const { object } = payloadOf(decision.events[0]);
  assertEquals(object.apiVersion, "v1");
  assertEquals(object.metadata.annotations, {
    [NODE_ANNOTATIONS.asNumber]: "64512",
    [NODE_ANNOTATIONS.ipv4Address]: "172.30.0.1/24",
  });
  assertEquals(object.metadata.labels, { rack: "1" });
  assertEquals(decision.object!.apiVersion, "projectcalico.org/v3");
  assertEquals(decision.object!.spec!.bgp, { ipv4Address: "172.30.0.1/24", asNumber: 64512 });
  assertEquals(cluster.get(VIEW).spec!.bgp, decision.object!.spec!.bgp);
  assertEquals(decision.object!.metadata.uid, cluster.get(VIEW).metadata.uid);
  assertEquals(decision.warnings, []);
});

Deno.test("A v3 Node is there as soon as the core Node is", () => {
  refused(
    given(create(coreNode())).decide(create(node())),
    "AlreadyExists",
    'nodes.projectcalico.org "node1" already exists',
  );
});

Deno.test("Changing a v3 Node changes annotations and labels of the core Node, and nothing else of it", () => {
  const annotations = { [NODE_ANNOTATIONS.asNumber]: "64512", "example.com/mine": "kept" };
  const status = { addresses: [{ type: "InternalIP", address: "172.30.0.1" }] };
  const cluster = given(create(coreNode({ annotations, labels: { a: "1" } }, { spec: { podCIDR: "10.0.0.0/24" } })));
  cluster.run(patch(CORE, "strategic", { status }, { subresource: "status" }));
  const body = {
    metadata: { labels: { a: null, b: "2" } },
    spec: { bgp: { asNumber: null, ipv4Address: "172.30.0.1/24" } },
  };
  const decision = cluster.run(patch(VIEW, "merge", body));
  assertEquals(lines(decision), ["NodeUpdated core/nodes/-/node1@3"]);
  const core = cluster.get(CORE);
  assertEquals(core.metadata.annotations, {
    [NODE_ANNOTATIONS.ipv4Address]: "172.30.0.1/24",
    "example.com/mine": "kept",
  });
  assertEquals(core.metadata.labels, { b: "2" });
  assertEquals(core.spec!.podCIDR, "10.0.0.0/24");
  assertEquals(core.status!.addresses, status.addresses);
  assertEquals(core.metadata.generation, 1);
  assertEquals(decision.warnings, []);
});

Deno.test("A change of a v3 Node that changes nothing makes no event", () => {
  const cluster = given(create(coreNode()), create({ ...coreNode(), metadata: { name: "node2" } }));
  const decision = cluster.run(replace(cluster.get(VIEW)));
  assertEquals(decision.events, []);
  assertEquals(decision.object!.metadata.resourceVersion, cluster.get(VIEW).metadata.resourceVersion);
});

Deno.test("Fields that a v3 Node cannot keep are told, and only those that the write asked for", () => {
  const cluster = given(create(coreNode()));
  const addresses = [{ address: "10.9.9.9", type: "InternalIP" }];
  const decision = cluster.run(
    patch(VIEW, "merge", { metadata: { annotations: { note: "x" } }, spec: { addresses, bgp: { asNumber: 64513 } } }),
  );
  assertEquals(
    decision.warnings,
    ["metadata.annotations", "spec.addresses"].map((path) =>
      `${path} of a Node is worked out from the core Node: the value given was not kept`
    ),
  );
  assertEquals(lines(decision).length, 1);
});

Deno.test("A v3 Node is judged by its own rules", () => {
  const cluster = given(create(coreNode()));
  const decision = cluster.decide(patch(VIEW, "merge", { spec: { bgp: { asNumber: -1 } } }));
  assert(decision.kind === "rejected" && decision.reason === "Invalid");
  assertEquals(decision.problems.map(({ path }) => path), ["spec.bgp.asNumber"]);
});

Deno.test("A v3 Node takes the version of the view and of the core Node, and no other", () => {
  const cluster = given(create(coreNode({ annotations: { [NODE_ANNOTATIONS.asNumber]: "64512" } })));
  cluster.run(patch(CORE, "merge", { metadata: { annotations: { "example.com/unseen": "x" } } }));
  const versions = [cluster.get(VIEW), cluster.get(CORE)].map(({ metadata }) => metadata.resourceVersion!);
  assert(versions[0] !== versions[1], "the view must not have changed");
  for (const resourceVersion of versions) {
    const asked = patch(VIEW, "merge", { metadata: { resourceVersion }, spec: { bgp: { asNumber: 64513 } } });
    assertEquals(cluster.decide(asked).kind, "accepted");
  }
  refused(
    cluster.decide(patch(VIEW, "merge", { metadata: { resourceVersion: "1" } })),
    "Conflict",
    'Operation cannot be fulfilled on nodes.projectcalico.org "node1": the object has been modified; ' +
      "please apply your changes to the latest version and try again",
  );
});

Deno.test("Applies to a v3 Node conflict and release fields like those of any kind", () => {
  const cluster = given(apply(node({ bgp: { asNumber: 64512 } }), "ann"));
  refused(
    cluster.decide(apply(node({ bgp: { asNumber: 64513 } }), "bob")),
    "Conflict",
    'Apply failed with 1 conflict: conflict with "ann": .spec.bgp.asNumber',
  );
  cluster.run(apply(node({ bgp: { ipv4Address: "172.30.0.1/24" } }), "bob"));
  const released = cluster.run(apply(node({}), "ann"));
  assertEquals(released.object!.spec!.bgp, { ipv4Address: "172.30.0.1/24" });
  const viewOwners = released.object!.metadata.managedFields!.map(({ manager, fieldsV1 }) => [manager, fieldsV1]);
  assertEquals(viewOwners, [["bob", { "f:spec": { "f:bgp": { "f:ipv4Address": {} } } }], ["ann", { "f:spec": {} }]]);
  const core = cluster.get(CORE).metadata.managedFields!;
  assert(core.some(({ manager, apiVersion }) => manager === "bob" && apiVersion === "v1"), JSON.stringify(core));
});

Deno.test("Deleting a v3 Node deletes the core Node", () => {
  const cluster = given(create(coreNode()));
  const { uid, resourceVersion } = cluster.get(VIEW).metadata;
  const decision = cluster.run(remove(VIEW, { uid, resourceVersion }));
  assertEquals(lines(decision), ["NodeDeleted core/nodes/-/node1@2"]);
  assertEquals(decision.object!.apiVersion, "projectcalico.org/v3");
  assertEquals([cluster.has(VIEW), cluster.has(CORE)], [false, false]);
});

Deno.test("WorkloadEndpoints of Pods take no writes; those of others do", () => {
  const cluster = given(create(namespace("shop")), create(coreNode()), create(pod("shop", "web")));
  cluster.fold({
    stream: "tortie.dev/endpoints/shop/web",
    revision: 1,
    type: "EndpointBound",
    schemaVersion: 1,
    object: { group: "tortie.dev", kind: "Endpoint", namespace: "shop", name: "web", uid: "" },
    payload: JSON.stringify({
      node: "node1",
      namespace: "shop",
      pod: "web",
      podUid: "",
      containerId: "c",
      interfaceName: "cali0",
      mac: "ee:ee:ee:ee:ee:ee",
      addresses: ["192.168.0.1"],
      netns: "/run/netns/x",
    }),
    context: CONTEXT,
  });
  const ref = {
    group: "projectcalico.org",
    plural: "workloadendpoints",
    namespace: "shop",
    name: "node1-k8s-web-eth0",
  };
  const message =
    `workloadendpoints.projectcalico.org "${ref.name}" is forbidden: it is a view of Pod "shop/web": change the Pod instead`;
  refused(cluster.decide(patch(ref, "merge", { metadata: { labels: { a: "b" } } })), "Forbidden", message);
  refused(cluster.decide(remove(ref)), "Forbidden", message);
  const endpoint = (orchestrator: string, name: string): KubeObject => ({
    apiVersion: "projectcalico.org/v3",
    kind: "WorkloadEndpoint",
    metadata: { namespace: "shop", name },
    spec: { orchestrator, node: "node1", workload: "vm", endpoint: "eth0", ipNetworks: ["10.5.0.1/32"] },
  });
  assertEquals(cluster.decide(create(endpoint("k8s", "node1-k8s-vm-eth0"))).kind, "rejected");
  const own = endpoint("openstack", "node1-openstack-vm-eth0");
  assertEquals(lines(cluster.run(create(own))).length, 1);
  const turned = cluster.decide(patch(refOf(own), "merge", { spec: { orchestrator: "k8s" } }));
  assert(turned.kind === "rejected" && turned.reason === "Forbidden");
  const gone = cluster.run(remove(refOf(namespace("shop"))));
  assertEquals(lines(gone), [
    "PodDeleted core/pods/shop/web@2",
    "WorkloadEndpointDeleted projectcalico.org/workloadendpoints/shop/node1-openstack-vm-eth0@2",
    "NamespaceDeleted core/namespaces/-/shop@2",
  ]);
});

Deno.test("coreFromNode() is undone by nodeFromCore()", () => {
  const view = nodeFromCore(coreNode({
    annotations: {
      [NODE_ANNOTATIONS.asNumber]: "64512",
      [NODE_ANNOTATIONS.ipv4Address]: "172.30.0.1/24",
      [NODE_ANNOTATIONS.ipv6Address]: "fd00::1/64",
      [NODE_ANNOTATIONS.ipv4IPIPTunnelAddr]: "10.0.0.1",
      [NODE_ANNOTATIONS.routeReflectorClusterID]: "1.2.3.4",
      [NODE_ANNOTATIONS.ipv4VXLANTunnelAddr]: "10.0.0.2",
      [NODE_ANNOTATIONS.ipv6VXLANTunnelAddr]: "fd00::2",
      [NODE_ANNOTATIONS.vxlanTunnelMACAddr]: "aa:bb:cc:dd:ee:ff",
      [NODE_ANNOTATIONS.interfaceIPv4Address]: "10.0.0.3",
      [NODE_ANNOTATIONS.interfaceIPv6Address]: "fd00::3",
      [NODE_ANNOTATIONS.wireguardPublicKey]: "key",
      [NODE_ANNOTATIONS.wireguardPublicKeyV6]: "key6",
    },
    labels: { rack: "1" },
  }));
  assertEquals(nodeFromCore(coreFromNode(undefined, view)), view);
});

Deno.test("EndpointSlices under the names of views take no writes, others do", () => {
  const slice = (name: string, metadata: Partial<KubeObject["metadata"]> = {}): KubeObject => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace: "shop", ...metadata },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.9.0.1"] }],
  });
  const service: KubeObject = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "shop" },
    spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
  };
  const cluster = given(create(namespace("shop")), create(service));
  const view = refOf(slice("web-tortie-4"));
  assertEquals(cluster.get(view).addressType, "IPv4");
  const why = "its name is kept for views of Services and their Pods: write a slice under another name";
  const rule = (name: string) => `endpointslices.discovery.k8s.io "${name}" is forbidden: ${why}`;
  refused(cluster.decide(replace(slice("web-tortie-4"))), "Forbidden", rule("web-tortie-4"));
  refused(
    cluster.decide(patch(view, "merge", { metadata: { labels: { a: "b" } } })),
    "Forbidden",
    rule("web-tortie-4"),
  );
  refused(cluster.decide(remove(view)), "Forbidden", rule("web-tortie-4"));
  refused(cluster.decide(create(slice("db-tortie-6-2"))), "Forbidden", rule("db-tortie-6-2"));
  const written = slice("web-1", { labels: { "kubernetes.io/service-name": "web" } });
  assertEquals(lines(cluster.run(create(written))), [
    "EndpointSliceCreated discovery.k8s.io/endpointslices/shop/web-1@1",
  ]);
  refused(cluster.decide(remove(view)), "NotFound", 'endpointslices.discovery.k8s.io "web-tortie-4" not found');
});
