/**
 * Names of flows in a cluster of files, and verdicts on files of flows.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { formatIp } from "#/base/ip.ts";
import type { Json } from "#/base/json.ts";
import { evalCommand } from "#/cli/eval_command.ts";
import { CommandFailure } from "#/cli/exit_code.ts";
import { type FileCluster, flowResolver, noteIgnored } from "#/cli/file_cluster.ts";
import type { Output } from "#/cli/output.ts";
import { manifestWorld } from "#/projections/manifest_world.ts";
import { manifestsOf } from "#tests/support/manifests.ts";

const FILES = `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec: {template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c}]}}}
---
apiVersion: v1
kind: Pod
metadata:
  name: db-1
  namespace: shop
  labels: {app: db}
  ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, uid: u, controller: true}]
spec: {containers: [{name: c}]}
---
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: n1-vm-tape-eth0, namespace: shop, labels: {app: tape}}
spec: {orchestrator: vm, node: n1, workload: tape, endpoint: eth0, ipNetworks: [10.0.0.7], profiles: [kns.shop]}
---
apiVersion: v1
kind: Pod
metadata: {name: proxy, namespace: shop}
spec: {hostNetwork: true, containers: [{name: c}]}
status: {podIP: 192.0.2.7}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  selector: app == 'db'
  types: [Ingress]
  ingress: [{action: Allow, protocol: TCP, destination: {ports: [5432]}}]
`;

function cluster(): FileCluster {
  const read = manifestsOf(FILES);
  return { paths: ["shop"], read, world: manifestWorld(read) };
}

/** An output that keeps what it is given. */
function recorded(): Output & { readonly printed: string[]; readonly noted: string[] } {
  const [printed, noted]: [string[], string[]] = [[], []];
  return { printed, noted, print: (text) => printed.push(text), note: (text) => noted.push(text) };
}

const NAMES: readonly { readonly name: string; readonly endpoint: string | undefined }[] = [
  { name: "db-1", endpoint: "shop/unscheduled-k8s-db--1-eth0" },
  { name: "db", endpoint: "shop/unscheduled-k8s-db--1-eth0" },
  { name: "unscheduled-k8s-db--1-eth0", endpoint: "shop/unscheduled-k8s-db--1-eth0" },
  { name: "n1-vm-tape-eth0", endpoint: "shop/n1-vm-tape-eth0" },
  { name: "tape", endpoint: "shop/n1-vm-tape-eth0" },
  { name: "nobody", endpoint: undefined },
];

for (const { name, endpoint } of NAMES) {
  Deno.test(`flowResolver() finds ${endpoint ?? "nothing"} by "${name}"`, () => {
    const flow = flowResolver(cluster()).resolve({
      source: { kind: "workload", namespace: "shop", name },
      destination: { kind: "address", address: "192.0.2.1" },
      protocol: 6,
      port: 80,
    });
    if (flow.kind === "unresolved") assertEquals([flow.reason, endpoint], ["NotFound", undefined]);
    else assertEquals(flow.source?.id, endpoint);
  });
}

function flowLine(to: string, port: number): string {
  return JSON.stringify({ from: { ip: "10.0.0.7" }, to: { pod: to }, protocol: "TCP", port });
}

Deno.test("flowResolver() takes a Pod of the host's network for its address", () => {
  const end = { kind: "workload", namespace: "shop", name: "proxy" } as const;
  const destination = { kind: "address", address: "192.0.2.1" } as const;
  const flow = flowResolver(cluster()).resolve({ source: end, destination, protocol: 6, port: 80 });
  if (flow.kind === "unresolved") throw new Error(flow.message);
  assertEquals([flow.source, formatIp(flow.packet.source)], [undefined, "192.0.2.7"]);
});

Deno.test("evalCommand() prints a verdict a line, with the halves of explain", () => {
  const output = recorded();
  const text = `${flowLine("shop/db", 5432)}\r\n\n${flowLine("shop/db", 80)}\n`;
  assertEquals(evalCommand(cluster(), { file: "flows.jsonl", text }, output), 0);
  const verdicts = output.printed.map((line) => JSON.parse(line) as Record<string, Record<string, Json> | Json>);
  assertEquals(verdicts.map(({ verdict }) => verdict), ["allow", "deny"]);
  const [allowed, denied] = verdicts.map(({ ingress }) => ingress as Record<string, Json>);
  assertEquals([allowed?.tier, allowed?.rule, allowed?.policy], [
    "default",
    0,
    { kind: "NetworkPolicy", namespace: "shop", name: "db" },
  ]);
  assertEquals([denied?.default, denied?.policy, denied?.rule], ["end-of-tier", null, null]);
  // The address is a known endpoint's: its egress is judged too.
  assertEquals((verdicts[0]?.egress as Record<string, Json>).default, "profile");
});

Deno.test("evalCommand() prints nothing when a line is bad, and tells every bad one", () => {
  const output = recorded();
  const text = [flowLine("shop/db", 5432), "{}", flowLine("shop/nobody", 80), flowLine("shop/db", 0)].join("\n");
  const error = assertThrows(
    () => evalCommand(cluster(), { file: "flows.jsonl", text }, output),
    CommandFailure,
  );
  assertEquals(error.exitCode, 2);
  assertEquals(error.message.split("\n"), [
    'flows.jsonl:2: from: must be {"pod": "NAMESPACE/NAME"} or {"ip": "ADDRESS"}: not given',
    'flows.jsonl:3: Workload endpoint "shop/nobody" not found',
    "flows.jsonl:4: port: must be a whole number from 1 to 65535: 0",
  ]);
  assertEquals(output.printed, []);
});

Deno.test("noteIgnored() has a line for every kind", () => {
  const output = recorded();
  const ignored = [{ apiVersion: "v1", kind: "ConfigMap", count: 2 }];
  noteIgnored({ objects: [], problems: [], ignored }, output);
  assertEquals(output.noted, ["Ignored 2 of kind ConfigMap (v1): policy does not rest on it"]);
});
