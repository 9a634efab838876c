/**
 * Which chains a flow passes between every pair of ends, and what the interpreter makes of them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { parseIp } from "#/base/ip.ts";
import { judgeFlow } from "#/policy/flow_judge.ts";
import { endAt, pathOf } from "#/policy/path.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import { v3 } from "#tests/support/network_objects.ts";
import { namespace, NO_OBJECTS, policy, workload } from "./policy_builders.ts";

function host(name: string, node: string, interfaceName: string, ...addresses: string[]) {
  return v3("HostEndpoint", name, {
    node,
    interfaceName,
    expectedIPs: addresses,
    profiles: ["projectcalico-default-allow"],
  });
}

const POD1 = "10.0.0.1";
const POD1B = "10.0.0.2";
const POD2 = "10.0.0.3";
const LOST = "10.0.0.4";
const HOST1 = "172.30.0.1";
const HOST2 = "172.30.0.2";
const AWAY = "8.8.8.8";

const COMPILED = compileObjects({
  ...NO_OBJECTS,
  namespaces: [namespace("n")],
  workloadEndpoints: [
    workload("n", "a", [POD1, "fd00::1"], { node: "node1" }),
    workload("n", "b", [POD1B], { node: "node1" }),
    workload("n", "c", [POD2], { node: "node2" }),
    workload("n", "lost", [LOST], { node: "" }),
  ],
  hostEndpoints: [
    host("h1-eth0", "node1", "eth0", HOST1),
    host("h1-all", "node1", "*", "172.30.0.9", "fd00::9"),
    host("h1-b", "node1", "eth1", HOST1),
    host("h2", "node2", "eth0", HOST2),
  ],
  policies: [policy("", "no-dns", {
    selector: "!has(projectcalico.org/namespace)",
    applyOnForward: true,
    types: ["Egress"],
    egress: [{ action: "Deny", protocol: "UDP", destination: { ports: [53] } }, { action: "Allow" }],
  })],
});

function shownPath(from: string, to: string): string {
  const { steps, end } = pathOf(COMPILED, endAt(COMPILED, parseIp(from)!), endAt(COMPILED, parseIp(to)!));
  const shown = steps.map((step) =>
    `${step[0]?.endpoint.replace(/node1-k8s-(\w+)-eth0/, "$1")}:${
      step.map(({ direction, phase }) => `${phase ?? ""}${direction === "egress" ? ">" : "<"}`).join("")
    }`
  );
  return [...shown, ...(end === "deny" ? ["dropped"] : [])].join(" ");
}

const PATHS: readonly (readonly [from: string, to: string, path: string])[] = [
  [POD1, POD1B, "n/a:> n/b:<"],
  [POD1, POD2, "n/a:> h1-all:forward> h2:untracked<preDnat<forward< n/c:<"],
  [POD1, AWAY, "n/a:> h1-all:forward>"],
  [AWAY, POD2, "h2:untracked<preDnat<forward< n/c:<"],
  [POD1, HOST1, "n/a:> dropped"],
  [POD1, HOST2, "n/a:> h1-all:forward> h2:untracked<preDnat<normal<"],
  [HOST1, POD1, ""],
  [HOST1, POD2, "h1-b:untracked>normal> h2:untracked<preDnat<forward< n/c:<"],
  [HOST1, HOST2, "h1-b:untracked>normal> h2:untracked<preDnat<normal<"],
  [HOST1, AWAY, "h1-b:untracked>normal>"],
  [AWAY, HOST1, "h1-b:untracked<preDnat<normal<"],
  [AWAY, AWAY, ""],
  [LOST, LOST, "n/lost:> n/lost:<"],
  [LOST, POD2, "n/lost:> h2:untracked<preDnat<forward< n/c:<"],
  [LOST, HOST1, "n/lost:> h1-b:untracked<preDnat<normal<"],
];

for (const [from, to, path] of PATHS) {
  Deno.test(`pathOf() leads from ${from} to ${to} by "${path}"`, () => assertEquals(shownPath(from, to), path));
}

function judged(from: string, to: string, protocol: number, port: number) {
  return judgeFlow(COMPILED, {
    source: parseIp(from)!,
    destination: parseIp(to)!,
    protocol,
    sourcePort: 40_000,
    destinationPort: port,
    icmp: undefined,
  });
}

Deno.test("judgeFlow() asks every step of both halves and names the rules", () => {
  const allowed = judged(POD1, AWAY, 6, 80);
  assertEquals([allowed.verdict, allowed.egress?.ruleIds.length, allowed.ingress], ["allow", 2, undefined]);
  const denied = judged(POD1, POD2, 17, 53);
  assertEquals([denied.verdict, denied.egress?.verdict, denied.ingress?.verdict], ["deny", "deny", "allow"]);
  assertEquals(denied.egress?.steps.map(({ endpoint, verdict, phase }) => [endpoint, verdict, phase]), [
    ["n/node1-k8s-a-eth0", "allow", undefined],
    ["h1-all", "deny", "forward"],
  ]);
  assertEquals(denied.egress?.ruleIds.at(-1)?.split("/").slice(1), ["e", "0"]);
});

Deno.test("judgeFlow() drops what a pod sends to its own host and polices nothing the host sends to its pods", () => {
  const dropped = judged(POD1, HOST1, 6, 80);
  assertEquals([dropped.verdict, dropped.egress?.verdict, dropped.endpointToHost], ["deny", "allow", true]);
  assertEquals(judged(HOST1, POD1, 6, 80), {
    verdict: "allow",
    egress: undefined,
    ingress: undefined,
    endpointToHost: false,
  });
});

Deno.test("judgeFlow(): 3.7 what IPv6 cannot do without between a pod and its host is not policed", () => {
  const judgeType = (type: number, source = "fd00::1", destination = "fd00::9") =>
    judgeFlow(COMPILED, {
      source: parseIp(source)!,
      destination: parseIp(destination)!,
      protocol: 58,
      sourcePort: undefined,
      destinationPort: undefined,
      icmp: { type, code: 0 },
    }).verdict;
  assertEquals([130, 133, 134, 135, 136, 137, 128].map((type) => judgeType(type)), [
    "allow",
    "allow",
    "deny",
    "allow",
    "allow",
    "deny",
    "deny",
  ]);
  assertEquals(judgeType(135, POD1, HOST1), "deny", "IPv4 needs none of it");
});

Deno.test("judgeFlow() lets failsafe ports by in the normal phase", () => {
  const dns = judged(HOST1, AWAY, 17, 53);
  assertEquals([dns.verdict, dns.egress?.steps[0]?.policy], ["allow", "Failsafe//normal"]);
  assertEquals(judged(HOST1, AWAY, 6, 53).verdict, "allow");
});
