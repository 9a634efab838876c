/**
 * The tutorial's table, step by step, by the oracle and by lowering with the interpreter, on the policies of `examples/tutorial` as they are.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { parse } from "yaml";
import type { JsonObject } from "#/base/json.ts";
import { resolveFlow } from "#/policy/oracle/flow.ts";
import type { EndText } from "#/policy/oracle/flow_text.ts";
import { evaluate } from "#/policy/oracle/oracle.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { policyWorld } from "#/policy/oracle/world.ts";
import type { KubeObject } from "#/resources/object.ts";
import {
  interpret,
  lowerWorld,
  namespace,
  NO_OBJECTS,
  policy,
  serviceAccount,
  workload,
} from "#tests/unit/policy/policy_builders.ts";

/** A policy file with the defaults of admission. */
function tutorialPolicy(file: string): KubeObject {
  const path = fromFileUrl(new URL(`../../../../examples/tutorial/${file}`, import.meta.url));
  const object = parse(Deno.readTextFileSync(path)) as KubeObject;
  return policy(object.metadata.namespace ?? "", object.metadata.name, object.spec as JsonObject);
}

const FILES = ["10-default-deny.yaml", "20-allow-busybox-egress.yaml", "30-allow-nginx-ingress.yaml"];
const OUTSIDE: EndText = { kind: "address", address: "172.20.0.254" };
const NGINX: EndText = { kind: "workload", namespace: "quickstart", name: "nginx" };
const ACCESS: EndText = { kind: "workload", namespace: "quickstart", name: "access" };

function objectsAfter(files: readonly string[]): PolicyObjects {
  return {
    ...NO_OBJECTS,
    policies: files.map(tutorialPolicy),
    namespaces: [namespace("quickstart"), namespace("kube-system")],
    serviceAccounts: [serviceAccount("quickstart", "default")],
    workloadEndpoints: [
      workload("quickstart", "nginx", ["192.168.1.1"], { labels: { app: "nginx" } }),
      workload("quickstart", "access", ["192.168.2.1"], { labels: { run: "access" } }),
      workload("kube-system", "coredns", ["192.168.3.1"], { labels: { "k8s-app": "dns" } }),
    ],
  };
}

/** Whether HTTP from `access` works, by both engines, which must agree. */
function works(files: readonly string[], from: EndText, to: EndText): boolean {
  const objects = objectsAfter(files);
  const world = policyWorld(objects);
  const lowered = lowerWorld(world, objects);
  const flow = resolveFlow(world, { source: from, destination: to, protocol: 6, port: 80 });
  assert(flow.kind === "resolved");
  const verdict = evaluate(world, flow);
  if (flow.source !== undefined) {
    assertEquals(interpret(lowered, flow.source, "egress", flow).action, verdict.egress?.verdict);
  }
  if (flow.destination !== undefined) {
    assertEquals(interpret(lowered, flow.destination, "ingress", flow).action, verdict.ingress?.verdict);
  }
  return verdict.verdict === "allow";
}

const STEPS: readonly { step: number; nginx: boolean; outside: boolean }[] = [
  { step: 0, nginx: true, outside: true },
  { step: 1, nginx: false, outside: false },
  { step: 2, nginx: false, outside: true },
  { step: 3, nginx: true, outside: true },
];

for (const { step, nginx, outside } of STEPS) {
  Deno.test(`evaluate() and the interpreter give the tutorial's table at step ${step}`, () => {
    const files = FILES.slice(0, step);
    assertEquals(works(files, ACCESS, NGINX), nginx);
    assertEquals(works(files, ACCESS, OUTSIDE), outside);
    assertEquals(works(files, OUTSIDE, { ...NGINX, name: "access" }), step === 0);
    assertEquals(works(files, { ...NGINX, namespace: "kube-system", name: "coredns" }, OUTSIDE), true);
  });
}

Deno.test("evaluate() names what decided at each step of the tutorial", () => {
  const halves = [1, 2, 3].map((step) => {
    const world = policyWorld(objectsAfter(FILES.slice(0, step)));
    const flow = resolveFlow(world, { source: ACCESS, destination: NGINX, protocol: 6, port: 80 });
    assert(flow.kind === "resolved");
    const { egress, ingress } = evaluate(world, flow);
    return [egress, ingress].map((half) => ({
      by: half?.policy?.name ?? half?.default,
      rule: half?.rule,
      isolatedBy: half?.isolatedBy.map((ref) => ref.name),
    }));
  });
  const isolated = { by: "end-of-tier", rule: null, isolatedBy: ["default-deny"] };
  assertEquals(halves, [
    [isolated, isolated],
    [{ by: "allow-busybox-egress", rule: 0, isolatedBy: [] }, isolated],
    [{ by: "allow-busybox-egress", rule: 0, isolatedBy: [] }, { by: "allow-nginx-ingress", rule: 0, isolatedBy: [] }],
  ]);
});
