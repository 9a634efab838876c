/**
 * The way of a packet, case by case: which endpoints it meets, in which phases, and which policies and failsafe ports a phase has. Each case names the
 * section of the policy reference that says so (3.4 to 3.7). What the phases decide is in `oracle_phases_test.ts`.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { parseIp } from "#/base/ip.ts";
import type { Direction } from "#/policy/ir.ts";
import { isFailsafe, isOfPhase, type Phase, stopsOf } from "#/policy/oracle/oracle_host.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { type PolicyWorld, policyWorld } from "#/policy/oracle/world.ts";
import type { PolicySpec } from "#/resources/kinds/policy_spec.ts";
import { flowOf, hostEndpoint } from "#tests/unit/policy/oracle_objects.ts";
import { namespace, NO_OBJECTS, workload } from "#tests/unit/policy/policy_builders.ts";

const OPEN = { profiles: ["projectcalico-default-allow"] };
/** Two nodes with an endpoint each, pods on both, and a pod on a node without. */
const OBJECTS: PolicyObjects = {
  ...NO_OBJECTS,
  namespaces: [namespace("n1")],
  workloadEndpoints: [
    workload("n1", "a", ["10.0.1.1", "fd00:1::1"], { node: "node1" }),
    workload("n1", "b", ["10.0.1.2"], { node: "node1" }),
    workload("n1", "c", ["10.0.2.1"], { node: "node2" }),
    workload("n1", "bare", ["10.0.3.1"], { node: "node3" }),
    workload("n1", "nowhere", ["10.0.4.1"], { node: "" }),
  ],
  hostEndpoints: [
    hostEndpoint("h1", "node1", { interfaceName: "eth0", expectedIPs: ["192.168.0.1", "fd00::1"], ...OPEN }, {
      role: "one",
    }),
    hostEndpoint("h2", "node2", { interfaceName: "*", expectedIPs: ["192.168.0.2"], ...OPEN }, { role: "two" }),
  ],
};
const WORLD = policyWorld(OBJECTS);

/** Where a packet is judged: `part endpoint direction [phases]`. */
function route(world: PolicyWorld, text: string): string[] {
  return stopsOf(world, flowOf(world, text).flow).map(({ part, endpoint, direction, phases }) => {
    const name = endpoint.kind === "WorkloadEndpoint" ? endpoint.pod : endpoint.name;
    return `${part} ${name} ${direction} ${phases.join("+")}`;
  });
}

const ROUTES: readonly (readonly [string, string, readonly string[]])[] = [
  ["3.4 pod to pod of the same node: both ends, nothing between", "n1/a n1/b:80/tcp", [
    "egress a egress workload",
    "ingress b ingress workload",
  ]],
  ["3.4 pod to itself", "n1/a n1/a:80/tcp", ["egress a egress workload", "ingress a ingress workload"]],
  ["3.4 pod to remote: out over its node", "n1/a 8.8.8.8:80/tcp", [
    "egress a egress workload",
    "forward h1 egress forward",
  ]],
  ["3.4 remote to pod: in over its node", "8.8.8.8 n1/c:80/tcp", [
    "forward h2 ingress untracked+preDnat+forward",
    "ingress c ingress workload",
  ]],
  ["3.4 pod to pod of another node: out over one and in over the other", "n1/a n1/c:80/tcp", [
    "egress a egress workload",
    "forward h1 egress forward",
    "forward h2 ingress untracked+preDnat+forward",
    "ingress c ingress workload",
  ]],
  ["3.4 pod to its own host: no policy of the host, and no way in", "n1/a 192.168.0.1:80/tcp", [
    "egress a egress workload",
    "ingress h1 ingress endpoint-to-host",
  ]],
  ["3.4 pod to its own host, by a ping over IPv6", "n1/a [fd00::1]:icmpv6", [
    "egress a egress workload",
    "ingress h1 ingress endpoint-to-host",
  ]],
  ["3.4 pod to another host", "n1/a 192.168.0.2:80/tcp", [
    "egress a egress workload",
    "forward h1 egress forward",
    "ingress h2 ingress untracked+preDnat+normal",
  ]],
  ["3.4 host process to its own pod: not policed at all", "192.168.0.1 n1/a:80/tcp", []],
  ["3.4 host process to its own host: never leaves it", "192.168.0.1 192.168.0.1:80/tcp", []],
  ["3.4 host process to remote", "192.168.0.1 8.8.8.8:80/tcp", ["egress h1 egress untracked+normal"]],
  ["3.4 remote to host process", "8.8.8.8 192.168.0.1:80/tcp", ["ingress h1 ingress untracked+preDnat+normal"]],
  ["3.4 host process to host process", "192.168.0.1 192.168.0.2:80/tcp", [
    "egress h1 egress untracked+normal",
    "ingress h2 ingress untracked+preDnat+normal",
  ]],
  ["3.4 host process to another node's pod", "192.168.0.1 n1/c:80/tcp", [
    "egress h1 egress untracked+normal",
    "forward h2 ingress untracked+preDnat+forward",
    "ingress c ingress workload",
  ]],
  ["a node without host endpoints is crossed unseen", "n1/bare n1/a:80/tcp", [
    "egress bare egress workload",
    "forward h1 ingress untracked+preDnat+forward",
    "ingress a ingress workload",
  ]],
  ["two pods on no known node are not of one node, and cross nothing", "n1/nowhere n1/bare:80/tcp", [
    "egress nowhere egress workload",
    "ingress bare ingress workload",
  ]],
  ["strangers meet nobody", "8.8.8.8 9.9.9.9:80/tcp", []],
];

for (const [name, text, expected] of ROUTES) {
  Deno.test(`stopsOf(): ${name}`, () => assertEquals(route(WORLD, text), expected));
}

Deno.test("stopsOf(): 3.7 neighbour discovery between a pod and its host meets nobody", () => {
  const { flow } = flowOf(WORLD, "n1/a [fd00::1]:icmpv6");
  const typed = (type: number) =>
    stopsOf(WORLD, { ...flow, packet: { ...flow.packet, icmp: { type, code: 0 } } }).length;
  assertEquals([130, 131, 132, 133, 134, 135, 136, 137, 128].map(typed), [0, 0, 0, 0, 2, 0, 0, 2, 2]);
  const overIpv4 = { ...flow.packet, source: parseIp("10.0.0.1")!, icmp: { type: 135, code: 0 } };
  assertEquals(stopsOf(WORLD, { ...flow, packet: overIpv4 }).length, 2, "IPv4 needs none of it");
});

Deno.test("stopsOf(): 3.6 a node is crossed at its endpoint for all interfaces, else at its only one", () => {
  const crossed = (...endpoints: [string, string][]) =>
    route(
      policyWorld({
        ...OBJECTS,
        hostEndpoints: endpoints.map(([name, interfaceName]) => hostEndpoint(name, "node1", { interfaceName })),
      }),
      "n1/a 8.8.8.8:80/tcp",
    )[1];
  assertEquals(crossed(["x", "eth0"]), "forward x egress forward");
  assertEquals(crossed(["x", "eth0"], ["y", "eth1"]), undefined, "routes would say which");
  assertEquals(crossed(["x", "eth0"], ["z", "*"], ["y", "*"]), "forward y egress forward", "the first by name");
});

Deno.test("resolveFlow(): 3.6 an address means the first host endpoint by name, and a workload before it", () => {
  const at = (...endpoints: [string, string][]) => {
    const hostEndpoints = endpoints.map(([name, interfaceName]) =>
      hostEndpoint(name, "node1", { interfaceName, expectedIPs: ["192.168.0.1", "10.0.1.1"] })
    );
    return route(policyWorld({ ...OBJECTS, hostEndpoints }), "8.8.8.8 192.168.0.1:80/tcp")[0];
  };
  assertEquals(at(["b", "eth1"], ["a", "eth0"]), "ingress a ingress untracked+preDnat+normal");
  const hostEndpoints = [hostEndpoint("h", "node9", { expectedIPs: ["10.0.1.1"] })];
  assertEquals(route(policyWorld({ ...OBJECTS, hostEndpoints }), "8.8.8.8 10.0.1.1:80/tcp"), [
    "ingress a ingress workload",
  ]);
});

Deno.test("isFailsafe(): 3.7 the ports of each direction and phase", () => {
  const ip = parseIp("1.1.1.1")!;
  const passes = (direction: Direction, phase: Phase, protocol: number, sourcePort: number, destinationPort: number) =>
    isFailsafe(
      { source: ip, destination: ip, protocol, sourcePort, destinationPort, icmp: undefined },
      direction,
      phase,
    );
  const ports = [22, 53, 67, 68, 179, 2379, 2380, 5473, 6443, 6666, 6667, 80];
  const open = (direction: Direction, protocol: number) =>
    ports.filter((port) => passes(direction, "normal", protocol, 9, port));
  assertEquals(open("ingress", 6), [22, 179, 2379, 2380, 5473, 6443, 6666, 6667]);
  assertEquals(open("ingress", 17), [68]);
  assertEquals(open("egress", 6), [179, 2379, 2380, 5473, 6443, 6666, 6667]);
  assertEquals(open("egress", 17), [53, 67]);
  const phases: Phase[] = ["untracked", "preDnat", "forward", "normal", "workload", "endpoint-to-host"];
  assertEquals(phases.map((phase) => passes("ingress", phase, 6, 9, 22)), [true, true, false, true, false, false]);
  assertEquals(phases.map((phase) => passes("egress", phase, 6, 22, 9)), [true, false, false, false, false, false]);
  assertEquals(passes("ingress", "untracked", 6, 22, 9), false, "an answer to what may be asked outbound only");
});

Deno.test("isOfPhase(): 3.5 each policy in its phases", () => {
  const [one, all] = policyWorld(OBJECTS).hostEndpoints;
  const pod = WORLD.endpoints[0]!;
  const phases: Phase[] = ["untracked", "preDnat", "forward", "normal"];
  const of = (spec: Partial<PolicySpec>, endpoint = one!) =>
    phases.filter((phase) => isOfPhase({ tier: "default", types: ["Ingress"], ...spec }, endpoint, phase));
  assertEquals(of({}), ["normal"]);
  assertEquals(of({ applyOnForward: true }), ["forward", "normal"]);
  assertEquals(of({ applyOnForward: true, preDNAT: true }), ["preDnat"]);
  assertEquals(of({ applyOnForward: true, doNotTrack: true }), ["untracked"]);
  assertEquals(of({ applyOnForward: true, doNotTrack: true }, all), []);
  const isForPods = (spec: Partial<PolicySpec>) =>
    isOfPhase({ tier: "default", types: ["Ingress"], ...spec }, pod, "workload");
  assertEquals([{}, { applyOnForward: true }, { preDNAT: true }, { doNotTrack: true }].map(isForPods), [
    true,
    true,
    false,
    false,
  ]);
});
