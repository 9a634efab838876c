/**
 * The shape of the answer that users are given.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { explain, type ExplainBasis } from "#/policy/explain.ts";
import { resolveFlow } from "#/policy/flow.ts";
import { evaluate } from "#/policy/oracle.ts";
import { policyWorld } from "#/policy/world.ts";
import { namespace, NO_OBJECTS, policy, workload } from "./policy_builders.ts";

const BASIS: ExplainBasis = { position: 42, occurredAt: "2030-01-01T00:00:00.000Z", exact: true };

Deno.test("explain() tells each half with the event and author behind what decided", () => {
  const world = policyWorld({
    ...NO_OBJECTS,
    namespaces: [namespace("n1")],
    workloadEndpoints: [workload("n1", "a", ["10.0.0.1"]), workload("n1", "b", ["10.0.0.2"])],
    policies: [
      policy("n1", "out", { egress: [{ action: "Log" }, { action: "Allow" }] }),
      policy("", "default-deny", {}),
      policy("n1", "unknown", {}),
    ],
  });
  const flow = resolveFlow(world, {
    source: { kind: "workload", namespace: "n1", name: "a" },
    destination: { kind: "workload", namespace: "n1", name: "b" },
    protocol: 6,
    port: 80,
  });
  assert(flow.kind === "resolved");
  const origins = new Map([["out", { position: 7, author: "ann" }], ["default-deny", { position: 9, author: "bob" }]]);
  const answer = explain(evaluate(world, flow), BASIS, (ref) => origins.get(ref.name));
  assertEquals(JSON.parse(JSON.stringify(answer)), {
    verdict: "deny",
    basis: BASIS,
    egress: {
      verdict: "allow",
      tier: "default",
      policy: { kind: "NetworkPolicy", namespace: "n1", name: "out" },
      rule: 1,
      default: null,
      isolatedBy: [],
      event: 7,
      author: "ann",
    },
    ingress: {
      verdict: "deny",
      tier: "default",
      policy: null,
      rule: null,
      default: "end-of-tier",
      isolatedBy: [
        { kind: "GlobalNetworkPolicy", namespace: "", name: "default-deny", event: 9, author: "bob" },
        { kind: "NetworkPolicy", namespace: "n1", name: "unknown", event: null, author: null },
      ],
      event: null,
      author: null,
    },
  });
});

Deno.test("explain() leaves a half null where the end is no workload", () => {
  const answer = explain({ verdict: "allow", egress: null, ingress: null }, BASIS, () => undefined);
  assertEquals(answer, { verdict: "allow", basis: BASIS, egress: null, ingress: null });
});
