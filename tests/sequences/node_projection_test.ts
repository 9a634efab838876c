/**
 * Node states depend on the last cluster state alone. Every sequence of worlds below is walked forwards and backwards, with its events in several
 * orders, with nothing in between, squashed, doubled, and flushed at each event or once; each time agents, projection and a projection made from
 * nothing must agree, and the end must not tell how it was reached.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import type { KubeObject } from "#/resources/object.ts";
import { createHistory } from "#tests/support/history.ts";
import { checkNodes, createFollower, feed, step, timelessStates, type World, world } from "#tests/support/worlds.ts";
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

const NODES = ["node1", "node2", "stranger"];

const TIER = v3("Tier", "default", { order: 1_000_000, defaultAction: "Deny" });
const POOL = v3("IPPool", "pool", { cidr: "192.168.0.0/16", natOutgoing: true });
const FABRIC = [node("node1", "172.30.0.1/24"), node("node2", "172.30.0.2/24"), TIER, POOL];
const DENY = v3("GlobalNetworkPolicy", "default-deny", {
  tier: "default",
  selector: "projectcalico.org/namespace not in {'kube-system'}",
  types: ["Ingress", "Egress"],
});
const EGRESS = namespacedV3("NetworkPolicy", "quickstart", "allow-busybox-egress", {
  tier: "default",
  selector: "run == 'access'",
  types: ["Egress"],
  egress: [{ action: "Allow" }],
});
const INGRESS = namespacedV3("NetworkPolicy", "quickstart", "allow-nginx-ingress", {
  tier: "default",
  selector: "app == 'nginx'",
  types: ["Ingress"],
  ingress: [{ action: "Allow", source: { selector: "run == 'access'" } }],
});
const NGINX = [
  pod("quickstart", "nginx", { node: "node1", labels: { app: "nginx" } }),
  bound("quickstart", "nginx", { node: "node1", addresses: ["192.168.0.1"] }),
];
const ACCESS = [
  pod("quickstart", "access", { node: "node2", labels: { run: "access" } }),
  bound("quickstart", "access", { node: "node2", addresses: ["192.168.1.1"] }),
];
const NAMED = namespacedV3("NetworkPolicy", "quickstart", "named-ports", {
  tier: "default",
  types: ["Ingress"],
  ingress: [{
    action: "Allow",
    protocol: "TCP",
    source: { namespaceSelector: "env == 'prod'" },
    destination: { selector: "app == 'nginx'", ports: ["http", 443] },
  }],
});
const HTTP = [{ name: "http", containerPort: 80 }];

const BY_SERVICE = v3("GlobalNetworkPolicy", "to-db", {
  tier: "default",
  types: ["Egress"],
  selector: "app == 'nginx'",
  egress: [{ action: "Allow", destination: { services: { name: "db", namespace: "quickstart" } } }],
});
const BY_ADDRESS = v3("GlobalNetworkPolicy", "from-db", {
  tier: "default",
  types: ["Ingress"],
  selector: "app == 'nginx'",
  ingress: [{ action: "Allow", source: { services: { name: "db", namespace: "quickstart" } } }],
});

function slice(name: string, service: string, addresses: readonly string[], port = 5432): KubeObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace: "quickstart", labels: { "kubernetes.io/service-name": service } },
    addressType: "IPv4",
    endpoints: [{ addresses }],
    ports: [{ port }],
  };
}

function machine(profiles: readonly string[]): KubeObject {
  return namespacedV3("WorkloadEndpoint", "quickstart", "vm", {
    orchestrator: "vm",
    node: "node1",
    interfaceName: "cali9",
    ipNetworks: ["192.168.0.9/32"],
    profiles,
  });
}

function profile(role: string, from: string): KubeObject {
  return v3("Profile", "edge", {
    labelsToApply: { role },
    ingress: [{ action: "Allow", source: { selector: from } }],
    egress: [{ action: "Deny", destination: { nets: ["10.0.0.0/8"] } }, { action: "Allow" }],
  });
}

function host(labels: Readonly<Record<string, string>>, expectedIPs: readonly string[]): KubeObject {
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "HostEndpoint",
    metadata: { name: "node1", labels },
    spec: { node: "node1", interfaceName: "*", expectedIPs },
  };
}

function kubernetesPolicy(name: string, spec: JsonObject): KubeObject {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name, namespace: "quickstart" },
    spec,
  };
}

const SEQUENCES: Readonly<Record<string, readonly World[]>> = {
  "the tutorial": [
    world(...FABRIC, namespace("quickstart")),
    world(...FABRIC, namespace("quickstart"), ...NGINX, ...ACCESS),
    world(...FABRIC, namespace("quickstart"), ...NGINX, ...ACCESS, DENY),
    world(...FABRIC, namespace("quickstart"), ...NGINX, ...ACCESS, DENY, EGRESS),
    world(...FABRIC, namespace("quickstart"), ...NGINX, ...ACCESS, DENY, EGRESS, INGRESS),
  ],
  "teardown while still referenced": [
    world(...FABRIC, namespace("quickstart"), ...NGINX, ...ACCESS, DENY, INGRESS),
    world(...FABRIC, ...NGINX, ...ACCESS, DENY, INGRESS),
    world(node("node2", "172.30.0.2/24"), ...NGINX, ...ACCESS, INGRESS),
    world(...ACCESS, INGRESS),
    world(INGRESS),
  ],
  "labels inherited and shadowed": [
    world(...FABRIC, namespace("quickstart", { env: "prod" }), ...NGINX, NAMED),
    world(...FABRIC, namespace("quickstart", { env: "dev" }), ...NGINX, NAMED),
    world(
      ...FABRIC,
      namespace("quickstart", { env: "prod" }),
      serviceAccount("quickstart", "default", { role: "web" }),
      pod("quickstart", "nginx", { node: "node1", labels: { app: "nginx" }, ports: HTTP }),
      NGINX[1]!,
      NAMED,
      v3("GlobalNetworkPolicy", "by-account", {
        tier: "default",
        types: ["Ingress"],
        serviceAccountSelector: "role == 'web'",
      }),
    ),
  ],
  "one set, several policies and contributors": [
    world(...FABRIC, ...NGINX, ...ACCESS, INGRESS, { ...INGRESS, metadata: { name: "twin", namespace: "quickstart" } }),
    world(
      ...FABRIC,
      ...NGINX,
      ...ACCESS,
      INGRESS,
      pod("quickstart", "second", { node: "node1", labels: { run: "access" } }),
      bound("quickstart", "second", { node: "node1", addresses: ["192.168.1.1"] }),
      { ...namespacedV3("NetworkSet", "quickstart", "nets", { nets: ["10.0.0.0/8", "0.0.0.0/0"] }) },
    ),
    world(...FABRIC, ...NGINX, INGRESS, pod("quickstart", "second", { node: "node1", labels: { run: "access" } })),
  ],
  "tiers, orders and staged twins": [
    world(...FABRIC, ...NGINX, DENY, v3("GlobalNetworkPolicy", "a-b", { ...DENY.spec, order: 10 })),
    world(...FABRIC, ...NGINX, DENY, v3("GlobalNetworkPolicy", "a-b", { ...DENY.spec, tier: "early" })),
    world(
      ...FABRIC,
      v3("Tier", "early", { order: 10, defaultAction: "Pass" }),
      ...NGINX,
      DENY,
      v3("GlobalNetworkPolicy", "a-b", { ...DENY.spec, tier: "early", types: ["Egress"] }),
      namespacedV3("StagedNetworkPolicy", "quickstart", "allow-nginx-ingress", { ...INGRESS.spec }),
    ),
  ],
  "a Pod that moves and a sandbox made again": [
    world(...FABRIC, ...NGINX, DENY),
    world(...FABRIC, pod("quickstart", "nginx", { node: "node2", labels: { app: "nginx" } }), NGINX[1]!, DENY),
    world(
      ...FABRIC,
      pod("quickstart", "nginx", { node: "node2", labels: { app: "nginx" } }),
      bound("quickstart", "nginx", { node: "node2", addresses: ["192.168.2.9"], containerId: "new" }),
      DENY,
    ),
  ],
  "Services in rules": [
    world(...FABRIC, ...NGINX, BY_SERVICE, slice("a", "db", ["10.0.0.1"])),
    world(
      ...FABRIC,
      ...NGINX,
      BY_SERVICE,
      BY_ADDRESS,
      slice("a", "db", ["10.0.0.1", "10.0.0.2"]),
      slice("b", "db", ["10.0.0.2"]),
    ),
    world(
      ...FABRIC,
      ...NGINX,
      BY_SERVICE,
      BY_ADDRESS,
      slice("a", "web", ["10.0.0.1"]),
      slice("b", "db", ["10.0.0.2"], 80),
    ),
    world(...FABRIC, ...NGINX, BY_ADDRESS, slice("b", "db", [])),
  ],
  "profiles with rules and labels": [
    world(...FABRIC, machine(["edge"]), profile("edge", "role == 'edge'")),
    world(
      ...FABRIC,
      machine(["edge", "gone"]),
      profile("core", "role == 'edge'"),
      host({ role: "edge" }, ["172.30.0.1"]),
    ),
    world(...FABRIC, machine(["gone"]), profile("core", "all()"), host({}, ["172.30.0.1", "172.30.0.9"])),
    world(...FABRIC, machine(["edge"]), host({}, [])),
  ],
  "Kubernetes policies": [
    world(
      ...FABRIC,
      namespace("quickstart"),
      ...NGINX,
      ...ACCESS,
      kubernetesPolicy("p", {
        podSelector: { matchLabels: { app: "nginx" } },
        policyTypes: ["Ingress"],
        ingress: [{ from: [{ podSelector: { matchLabels: { run: "access" } } }], ports: [{ port: 80 }] }],
      }),
    ),
    world(
      ...FABRIC,
      namespace("quickstart"),
      ...NGINX,
      ...ACCESS,
      kubernetesPolicy("p", { podSelector: {}, policyTypes: ["Ingress", "Egress"] }),
      kubernetesPolicy("q", {
        podSelector: {},
        policyTypes: ["Ingress"],
        ingress: [{
          from: [{ namespaceSelector: {} }, { ipBlock: { cidr: "10.0.0.0/8" } }],
          ports: [{ port: "http" }],
        }],
      }),
    ),
  ],
  "blocks, pools and BGP": [
    world(...FABRIC, block("192.168.0.0/26", "node1"), block("192.168.1.0/26", "node2")),
    world(
      node("node1", "172.30.0.9/24", { rack: "a" }),
      node("node2", undefined),
      v3("IPPool", "pool", { cidr: "192.168.0.0/16", vxlanMode: "Always", nodeSelector: "rack == 'a'" }),
      block("192.168.0.0/26", "node2"),
      v3("BGPConfiguration", "default", { asNumber: 64_600, listenPort: 1790 }),
      v3("BGPPeer", "tor", { peerIP: "172.30.0.254", asNumber: 65_001 }),
    ),
    world(
      ...FABRIC,
      node("node3", "172.30.0.10/24", {}, { "projectcalico.org/RouteReflectorClusterID": "1.0.0.1" }),
      v3("BGPConfiguration", "default", { nodeToNodeMeshEnabled: false }),
      v3("BGPPeer", "tor", { peerIP: "172.30.0.254:1179", nodeSelector: "all()" }),
      v3("BGPPeer", "rr", { node: "node1", peerSelector: "!has(rack)" }),
    ),
  ],
};

const EMPTY: World = new Map();

/** Ways to walk a sequence: which worlds, in which order of events, flushed when. */
const WALKS: Readonly<Record<string, Walk>> = {
  "forwards": { worlds: (worlds) => worlds },
  "flushed at each event": { worlds: (worlds) => worlds, flushing: "each" },
  "events reversed": { worlds: (worlds) => worlds, arrange: (keys) => keys.reverse() },
  "events reversed, flushed at each": {
    worlds: (worlds) => worlds,
    arrange: (keys) => keys.reverse(),
    flushing: "each",
  },
  "events shuffled": { worlds: (worlds) => worlds, arrange: shuffle },
  "backwards and forwards": { worlds: (worlds) => [...worlds.toReversed(), ...worlds] },
  "with nothing in between": { worlds: (worlds) => worlds.flatMap((each) => [EMPTY, each]) },
  "with nothing in between, flushed at each": {
    worlds: (worlds) => worlds.flatMap((each) => [EMPTY, each]),
    flushing: "each",
  },
  "doubled": { worlds: (worlds) => worlds.flatMap((each) => [each, each]) },
  "squashed into one flush": { worlds: (worlds) => worlds, flushing: "never" },
  "squashed with nothing in between": {
    worlds: (worlds) => worlds.flatMap((each) => [EMPTY, each]),
    flushing: "never",
  },
};

interface Walk {
  readonly worlds: (worlds: readonly World[]) => readonly World[];
  readonly arrange?: (keys: string[]) => string[];
  readonly flushing?: "once" | "each" | "never";
}

for (const [sequence, worlds] of Object.entries(SEQUENCES)) {
  Deno.test(`nodeState() depends on the last state alone: ${sequence}`, () => {
    const last = worlds.at(-1)!;
    const direct = createHistory();
    step(direct, EMPTY, last);
    const expected = timelessStates(direct, NODES);
    for (const [name, walk] of Object.entries(WALKS)) {
      assertEquals(walkThrough(walk, worlds, name), expected, name);
    }
  });
}

Deno.test("flush() takes everything back that a sequence put", () => {
  for (const [sequence, worlds] of Object.entries(SEQUENCES)) {
    const walk: Walk = { worlds: (all) => [...all, EMPTY] };
    const states = walkThrough(walk, worlds, sequence);
    assertEquals(states, timelessStates(createHistory(), NODES), sequence);
  }
});

Deno.test("flush() says nothing of what came and went again", () => {
  const worlds = SEQUENCES["the tutorial"]!;
  const history = createHistory();
  const follower = createFollower(NODES);
  feed(follower, history, step(history, EMPTY, worlds[2]!));
  const before = follower.deltas;
  const changes = [...step(history, worlds[2]!, worlds[4]!), ...step(history, worlds[4]!, worlds[2]!)];
  assert(changes.length > 0);
  feed(follower, history, changes);
  assertEquals(follower.deltas, before);
});

function walkThrough(walk: Walk, worlds: readonly World[], name: string): string[] {
  const history = createHistory();
  const follower = createFollower(NODES);
  let current: World = EMPTY;
  for (const next of walk.worlds(worlds)) {
    const changes = step(history, current, next, walk.arrange);
    current = next;
    feed(follower, history, changes, walk.flushing);
    if (walk.flushing !== "never") checkNodes(follower, history, name);
  }
  feed(follower, history, []);
  checkNodes(follower, history, name);
  return timelessStates(history, NODES);
}

/** Puts texts into an order that has nothing to do with their own, the same every time. */
function shuffle(keys: string[]): string[] {
  const weight = (key: string): number => [...key].reduce((hash, char) => (hash * 31 + char.charCodeAt(0)) % 1_009, 7);
  return keys.sort((a, b) => weight(a) - weight(b));
}
