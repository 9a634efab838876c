/**
 * The shape of the answer that users are given.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { isJsonObject, type Json } from "#/base/json.ts";
import { explain, type ExplainBasis } from "#/policy/oracle/explain.ts";
import { resolveFlow } from "#/policy/oracle/flow.ts";
import { evaluate, evaluatePending } from "#/policy/oracle/oracle.ts";
import { policyWorld } from "#/policy/oracle/world.ts";
import type { KubeObject } from "#/resources/object.ts";
import { namespace, NO_OBJECTS, policy, workload } from "#tests/unit/policy/policy_builders.ts";

const BASIS: ExplainBasis = { position: 42, occurredAt: "2030-01-01T00:00:00.000Z", exact: true };

const OUT = { kind: "NetworkPolicy", namespace: "n1", name: "out" };
const DENIES = { kind: "GlobalNetworkPolicy", namespace: "", name: "default-deny" };
const UNKNOWN = { kind: "NetworkPolicy", namespace: "n1", name: "unknown" };

/** From `n1/a` to `n1/b`: allowed out by a rule, denied in by the end of the tier. */
function answerOf(policies: readonly KubeObject[]): Json {
  const world = policyWorld({
    ...NO_OBJECTS,
    namespaces: [namespace("n1")],
    workloadEndpoints: [workload("n1", "a", ["10.0.0.1"]), workload("n1", "b", ["10.0.0.2"])],
    policies,
  });
  const flow = resolveFlow(world, {
    source: { kind: "workload", namespace: "n1", name: "a" },
    destination: { kind: "workload", namespace: "n1", name: "b" },
    protocol: 6,
    port: 80,
  });
  assert(flow.kind === "resolved");
  const origins = new Map([
    ["out", { position: 7, author: "ann" }],
    ["default-deny", { position: 9, author: "bob" }],
    ["kns.n1", { position: 2, author: "eve" }],
  ]);
  const verdict = { ...evaluate(world, flow), pending: evaluatePending(world, flow) };
  return JSON.parse(JSON.stringify(explain(verdict, BASIS, (ref) => origins.get(ref.name))));
}

Deno.test("explain() tells each half with the event and author behind what decided, and the way there", () => {
  const answer = answerOf([
    policy("n1", "out", { egress: [{ action: "Log" }, { action: "Allow" }] }),
    policy("", "default-deny", {}),
    policy("n1", "unknown", {}),
  ]);
  const noMatch = { outcome: "no-match", rule: null, logged: [] };
  assertEquals<Json>(answer, {
    verdict: "deny",
    basis: BASIS,
    egress: {
      endpoint: { kind: "WorkloadEndpoint", name: "n1/node1-k8s-a-eth0" },
      verdict: "allow",
      phase: null,
      tier: "default",
      policy: OUT,
      rule: 1,
      default: null,
      isolatedBy: [],
      event: 7,
      author: "ann",
      trace: {
        tiers: [{
          tier: "default",
          phase: null,
          outcome: "allow",
          by: "rule",
          policies: [{ policy: OUT, outcome: "allow", rule: 1, logged: [0], event: 7, author: "ann" }],
        }],
        profiles: [],
      },
    },
    ingress: {
      endpoint: { kind: "WorkloadEndpoint", name: "n1/node1-k8s-b-eth0" },
      verdict: "deny",
      phase: null,
      tier: "default",
      policy: null,
      rule: null,
      default: "end-of-tier",
      isolatedBy: [{ ...DENIES, event: 9, author: "bob" }, { ...UNKNOWN, event: null, author: null }],
      event: null,
      author: null,
      trace: {
        tiers: [{
          tier: "default",
          phase: null,
          outcome: "deny",
          by: "end-of-tier",
          policies: [
            { policy: DENIES, ...noMatch, event: 9, author: "bob" },
            { policy: UNKNOWN, ...noMatch, event: null, author: null },
          ],
        }],
        profiles: [],
      },
    },
    forward: [],
    pending: null,
  });
});

Deno.test("explain() tells profiles with the event of what they stand for, and staged policies as pending", () => {
  const answer = answerOf([policy("n1", "preview", { ingress: [{ action: "Deny" }] }, "StagedNetworkPolicy")]);
  assert(isJsonObject(answer) && isJsonObject(answer.ingress) && isJsonObject(answer.pending));
  assertEquals<unknown>([answer.verdict, answer.ingress.default], ["allow", "profile"]);
  assertEquals<Json | undefined>(answer.ingress.trace, {
    tiers: [],
    profiles: [{ profile: "kns.n1", outcome: "allow", rule: 0, logged: [], event: 2, author: "eve" }],
  });
  const { ingress } = answer.pending;
  assert(isJsonObject(ingress));
  assertEquals<unknown>([answer.pending.verdict, ingress.policy, ingress.rule], [
    "deny",
    { kind: "StagedNetworkPolicy", namespace: "n1", name: "preview" },
    0,
  ]);
});

Deno.test("explain() leaves a half null where the end is not judged", () => {
  const answer = explain({ verdict: "allow", egress: null, ingress: null, forward: [] }, BASIS, () => undefined);
  assertEquals(answer, { verdict: "allow", basis: BASIS, egress: null, ingress: null, forward: [], pending: null });
});
