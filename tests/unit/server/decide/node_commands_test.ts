/** Given a state, when a node's command is decided, then these events or this refusal. @module */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RejectReason } from "#/base/problem.ts";
import type { AddressAssigned, EndpointBound } from "#/events/catalog.ts";
import type { EventContext } from "#/events/envelope.ts";
import type { ClusterState, Collection, ObjectOrigin } from "#/projections/cluster_state.ts";
import type { KubeObject } from "#/resources/object.ts";
import type { Decision } from "#/server/decide/command.ts";
import { decideNodeCommand, DRIFT_DIFFERENCES_MAX } from "#/server/decide/node_commands.ts";
import type { NodeCommand } from "#/sync/reports.ts";

const CONTEXT: EventContext = {
  actor: { user: "system:node:node1", groups: ["system:nodes"], authMethod: "token" },
  source: { via: "agent" },
  requestId: "r1",
};

const BOUND: EndpointBound = {
  node: "node1",
  namespace: "shop",
  pod: "web",
  podUid: "uid-1",
  containerId: "c1",
  interfaceName: "cali0123456789a",
  mac: "aa:bb:cc:dd:ee:ff",
  addresses: ["10.0.0.1"],
  netns: "/run/netns/web",
};

const ASSIGNED: AddressAssigned = {
  address: "10.0.0.1",
  block: "10.0.0.0/26",
  node: "node1",
  handle: "net.c1",
  namespace: "shop",
  pod: "web",
};

interface Given {
  readonly pods?: readonly KubeObject[];
  readonly nodes?: readonly KubeObject[];
  readonly pools?: readonly KubeObject[];
  readonly blocks?: Readonly<Record<string, string>>;
  readonly addresses?: readonly AddressAssigned[];
  readonly bindings?: readonly EndpointBound[];
  readonly revisions?: Readonly<Record<string, number>>;
}

function object(
  kind: string,
  name: string,
  rest: { namespace?: string; uid?: string; spec?: KubeObject["spec"] } = {},
) {
  const { namespace, uid, spec } = rest;
  return { apiVersion: "v1", kind, metadata: { name, namespace, uid }, spec } satisfies KubeObject;
}

function pod(uid: string, nodeName?: string): KubeObject {
  return object("Pod", "web", { namespace: "shop", uid, spec: { nodeName } });
}

function pool(name: string, cidr: string, spec: KubeObject["spec"] = {}): KubeObject {
  return object("IPPool", name, { spec: { cidr, ...spec } });
}

function collection(objects: readonly KubeObject[] = []): Collection {
  return new Map(objects.map((item) => [`${item.metadata.namespace ?? ""}/${item.metadata.name}`, item]));
}

function stateOf(given: Given): ClusterState {
  const origin = (revision: number): ObjectOrigin => ({
    revision,
    position: 1,
    specPosition: 1,
    author: "",
    occurredAt: "",
  });
  const blocks = Object.entries(given.blocks ?? {});
  return {
    position: 10,
    occurredAt: "2026-01-01T00:00:00.000Z",
    collections: new Map([
      ["core/pods", collection(given.pods)],
      ["core/nodes", collection(given.nodes ?? [object("Node", "node1"), object("Node", "node2")])],
      ["projectcalico.org/ippools", collection(given.pools)],
    ]),
    namespaceKeys: new Map(),
    origins: new Map(Object.entries(given.revisions ?? {}).map(([stream, revision]) => [stream, origin(revision)])),
    blocks: new Map(blocks.map(([cidr, node]) => [cidr, { cidr, node, pool: "default", position: 1 }])),
    addresses: new Map((given.addresses ?? []).map((item) => [item.address, { ...item, position: 1 }])),
    bindings: new Map(
      (given.bindings ?? []).map((item) => [`${item.namespace}/${item.pod}`, { ...item, position: 1 }]),
    ),
    quarantined: new Map(),
  };
}

function decide(given: Given, command: NodeCommand, node = "node1"): Decision {
  const inputs = { now: "2026-01-01T00:00:01.000Z", uuid: () => "fresh" };
  return decideNodeCommand(stateOf(given), node, command, CONTEXT, inputs);
}

function thenEvents(decision: Decision, ...expected: readonly { type: string; stream: string; revision: number }[]) {
  assert(decision.kind === "accepted", JSON.stringify(decision));
  assertEquals(decision.events.map(({ type, stream, revision }) => ({ type, stream, revision })), [...expected]);
  for (const event of decision.events) assertEquals(event.context, CONTEXT);
}

function thenRefused(decision: Decision, reason: RejectReason, says: string) {
  assert(decision.kind === "rejected", "accepted");
  assertEquals(decision.reason, reason);
  assertStringIncludes(decision.message, says);
}

const bind = (changes: Partial<EndpointBound> = {}): NodeCommand => ({
  command: "BindEndpoint",
  endpoint: { ...BOUND, ...changes },
});
const unbind = (containerId: string, node = "node1"): NodeCommand => ({
  command: "UnbindEndpoint",
  endpoint: { node, namespace: "shop", pod: "web", containerId },
});
const assign = (changes: Partial<AddressAssigned> = {}): NodeCommand => ({
  command: "AssignAddress",
  assignment: { ...ASSIGNED, ...changes },
});
const release = (handle: string, node = "node1"): NodeCommand => ({
  command: "ReleaseAddress",
  release: { address: "10.0.0.1", block: "10.0.0.0/26", node, handle },
});
const request = (changes: { node?: string; pool?: string } = {}): NodeCommand => ({
  command: "RequestBlock",
  node: "node1",
  requestId: "q1",
  ...changes,
});

Deno.test("decideNodeCommand() refuses every command about another node", () => {
  const drift = { node: "node2", position: 1, subject: "route", differences: [], repaired: true } as const;
  const commands: readonly NodeCommand[] = [
    bind({ node: "node2" }),
    unbind("c1", "node2"),
    assign({ node: "node2" }),
    release("net.c1", "node2"),
    request({ node: "node2" }),
    { command: "ReportDrift", drift },
  ];
  for (const command of commands) thenRefused(decide({}, command), "Forbidden", '"node2"');
});

Deno.test("decideNodeCommand() BindEndpoint makes an event in the Pod's own stream", () => {
  const stream = "tortie.dev/endpoints/shop/web";
  const decision = decide({ pods: [pod("uid-1", "node1")], addresses: [ASSIGNED], revisions: { [stream]: 4 } }, bind());
  thenEvents(decision, { type: "EndpointBound", stream, revision: 5 });
  assert(decision.kind === "accepted");
  assertEquals(JSON.parse(decision.events[0]!.payload), BOUND);
  assertEquals(decision.events[0]!.object, {
    group: "tortie.dev",
    kind: "Endpoint",
    namespace: "shop",
    name: "web",
    uid: "uid-1",
  });
  assertEquals(decision.node, { result: "done" });
});

Deno.test("decideNodeCommand() BindEndpoint again changes nothing, a newer sandbox replaces the older one", () => {
  thenEvents(decide({ addresses: [ASSIGNED], bindings: [BOUND] }, bind()));
  const newer = { containerId: "c2", addresses: ["10.0.0.2"] };
  const addresses = [ASSIGNED, { ...ASSIGNED, address: "10.0.0.2", handle: "net.c2" }];
  thenEvents(decide({ addresses, bindings: [BOUND] }, bind(newer)), {
    type: "EndpointBound",
    stream: "tortie.dev/endpoints/shop/web",
    revision: 1,
  });
});

Deno.test("decideNodeCommand() BindEndpoint drops what the payload does not know", () => {
  const noisy = { ...BOUND, extra: "x" };
  const decision = decide({ addresses: [ASSIGNED] }, { command: "BindEndpoint", endpoint: noisy });
  assert(decision.kind === "accepted");
  assertEquals(JSON.parse(decision.events[0]!.payload), BOUND);
});

Deno.test("decideNodeCommand() BindEndpoint ignores a Pod replaced meanwhile and refuses one of another node", () => {
  thenEvents(decide({ pods: [pod("uid-2", "node2")], addresses: [ASSIGNED] }, bind()));
  thenRefused(decide({ pods: [pod("uid-1", "node2")], addresses: [ASSIGNED] }, bind()), "Forbidden", '"node2"');
  assertEquals(decide({ pods: [pod("uid-1")], addresses: [ASSIGNED] }, bind()).kind, "accepted");
});

Deno.test("decideNodeCommand() BindEndpoint refuses addresses that are not the container's", () => {
  const cases: readonly { name: string; given: Given; addresses?: readonly string[]; reason: RejectReason }[] = [
    { name: "not assigned", given: {}, reason: "Conflict" },
    { name: "another container", given: { addresses: [{ ...ASSIGNED, handle: "net.c9" }] }, reason: "Conflict" },
    { name: "another node", given: { addresses: [{ ...ASSIGNED, node: "node2" }] }, reason: "Conflict" },
    { name: "none", given: {}, addresses: [], reason: "Invalid" },
    { name: "no address", given: {}, addresses: ["10.0.0.1/32"], reason: "Invalid" },
  ];
  for (const { name, given, addresses, reason } of cases) {
    const decision = decide(given, bind(addresses === undefined ? {} : { addresses }));
    assertEquals(decision.kind === "rejected" ? decision.reason : "accepted", reason, name);
  }
});

Deno.test("decideNodeCommand() UnbindEndpoint ends only the sandbox it names", () => {
  const stream = "tortie.dev/endpoints/shop/web";
  thenEvents(decide({ bindings: [BOUND] }, unbind("c1")), { type: "EndpointUnbound", stream, revision: 1 });
  thenEvents(decide({ bindings: [{ ...BOUND, containerId: "c2" }] }, unbind("c1")));
  thenEvents(decide({ bindings: [{ ...BOUND, node: "node2" }] }, unbind("c1")));
  thenEvents(decide({}, unbind("c1")));
});

Deno.test("decideNodeCommand() AssignAddress is the block holder's alone, once per handle", () => {
  const blocks = { "10.0.0.0/26": "node1" };
  thenEvents(decide({ blocks }, assign()), {
    type: "AddressAssigned",
    stream: "tortie.dev/addresses/-/10-0-0-1",
    revision: 1,
  });
  thenEvents(decide({ blocks, addresses: [ASSIGNED] }, assign()));
  const other = { ...ASSIGNED, handle: "net.c9" };
  thenRefused(decide({ blocks, addresses: [other] }, assign()), "Conflict", '"net.c9"');
  thenRefused(decide({ blocks: { "10.0.0.0/26": "node2" } }, assign()), "Forbidden", '"node2"');
  thenRefused(decide({}, assign()), "Forbidden", "nobody");
});

Deno.test("decideNodeCommand() AssignAddress refuses text that is no address or not in the block", () => {
  const blocks = { "10.0.0.0/26": "node1" };
  thenRefused(decide({ blocks }, assign({ address: "10.0.0.1/32" })), "Invalid", "assignment.address");
  thenRefused(decide({ blocks }, assign({ address: "fd00::0001" })), "Invalid", "assignment.address");
  thenRefused(decide({ blocks }, assign({ address: "10.0.1.1" })), "Invalid", "assignment.block");
  thenRefused(decide({ blocks }, assign({ handle: "" })), "Invalid", "assignment.handle");
});

Deno.test("decideNodeCommand() ReleaseAddress frees what the handle has and nothing else", () => {
  const stream = "tortie.dev/addresses/-/10-0-0-1";
  const given = { addresses: [ASSIGNED], revisions: { [stream]: 1 } };
  thenEvents(decide(given, release("net.c1")), { type: "AddressReleased", stream, revision: 2 });
  thenEvents(decide(given, release("net.c9")));
  thenEvents(decide({}, release("net.c1")));
  const foreign = { addresses: [{ ...ASSIGNED, node: "node2" }] };
  thenRefused(decide(foreign, release("net.c1")), "Forbidden", '"node2"');
});

Deno.test("decideNodeCommand() RequestBlock grants a block and names it in the answer", () => {
  const decision = decide({ pools: [pool("default", "10.0.0.0/26")] }, request());
  thenEvents(decision, { type: "BlockGranted", stream: "tortie.dev/blocks/-/10-0-0-0-26", revision: 1 });
  assert(decision.kind === "accepted");
  assertEquals(decision.node, { result: "done", block: "10.0.0.0/26" });
  assertEquals(JSON.parse(decision.events[0]!.payload), { cidr: "10.0.0.0/26", node: "node1", pool: "default" });
});

Deno.test("decideNodeCommand() RequestBlock again answers with the block that is still unused", () => {
  const given: Given = { pools: [pool("default", "10.0.0.0/25")], blocks: { "10.0.0.0/26": "node1" } };
  const repeated = decide(given, request());
  thenEvents(repeated);
  assertEquals(repeated.kind === "accepted" ? repeated.node : undefined, { result: "done", block: "10.0.0.0/26" });
  const used = decide({ ...given, addresses: [ASSIGNED] }, request());
  assertEquals(used.kind === "accepted" ? used.node : undefined, { result: "done", block: "10.0.0.64/26" });
});

Deno.test("decideNodeCommand() RequestBlock says why there is none", () => {
  const full: Given = { pools: [pool("default", "10.0.0.0/26")], blocks: { "10.0.0.0/26": "node2" } };
  thenRefused(decide(full, request()), "Conflict", '"default"');
  thenRefused(decide({}, request()), "Conflict", "No pool");
  thenRefused(decide({ pools: [pool("v6", "fd00::/64")] }, request()), "Conflict", "No pool");
  thenRefused(decide(full, request({ pool: "missing" })), "NotFound", '"missing"');
  thenRefused(decide({ ...full, nodes: [] }, request()), "NotFound", '"node1"');
  const disabled = { pools: [pool("default", "10.0.0.0/26", { disabled: true })], blocks: { "10.0.0.0/26": "node1" } };
  thenRefused(decide(disabled, request()), "Conflict", "No pool");
  const status = { conditions: [{ type: "Allocatable", status: "False", reason: "CIDROverlap" }] };
  const overlapping = { ...pool("default", "10.0.0.0/26"), status };
  thenRefused(decide({ pools: [overlapping] }, request()), "Conflict", "No pool");
  const cidrs = Array.from({ length: 20 }, (_, index) => `10.0.0.${index}/32`);
  const addresses = cidrs.map((block) => ({ ...ASSIGNED, block, address: block.slice(0, -3) }));
  const many: Given = {
    pools: [pool("default", "10.0.0.0/24", { blockSize: 32 })],
    blocks: Object.fromEntries(cidrs.map((cidr) => [cidr, "node1"])),
    addresses,
  };
  thenRefused(decide(many, request()), "Forbidden", "20 blocks");
});

Deno.test("decideNodeCommand() RequestBlock reads node labels and the pool's own fields", () => {
  const west = pool("west", "10.0.0.0/26", { nodeSelector: "zone == 'west'" });
  const east = pool("zz-east", "10.1.0.0/26", { nodeSelector: "zone == 'east'" });
  const node: KubeObject = { apiVersion: "v1", kind: "Node", metadata: { name: "node1", labels: { zone: "east" } } };
  const decision = decide({ pools: [west, east], nodes: [node] }, request());
  assertEquals(decision.kind === "accepted" ? decision.node?.block : decision.message, "10.1.0.0/26");
});

Deno.test("decideNodeCommand() ReportDrift appends every report, within a bound", () => {
  const drift = {
    node: "node1",
    position: 7,
    subject: "route",
    differences: ["missing route"],
    repaired: true,
  } as const;
  const stream = "tortie.dev/drift/-/node1";
  thenEvents(decide({}, { command: "ReportDrift", drift }), { type: "DriftFound", stream, revision: 1 });
  const flood = { ...drift, differences: Array<string>(DRIFT_DIFFERENCES_MAX + 1).fill("x") };
  thenRefused(decide({}, { command: "ReportDrift", drift: flood }), "Invalid", "drift.differences");
});
