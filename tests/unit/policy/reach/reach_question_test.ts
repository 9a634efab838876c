/**
 * Questions about reach as people ask them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { CompiledEndpoint } from "#/policy/compiled.ts";
import { parseReachQuestion, reachOptionsOf, type ReachTexts, unknownEnd } from "#/policy/reach/reach_question.ts";

const CHAIN = { tiers: [], profiles: [] };
const ENDPOINT: CompiledEndpoint = {
  ...{ id: "shop/n1-k8s-db--0-eth0", workload: "shop/db-0", node: "n1", addresses: [] },
  ...{ ingress: CHAIN, egress: CHAIN },
};

function nameBy(by: string | undefined): string | undefined {
  const question = parseReachQuestion({ by });
  if (question.kind === "invalid") throw new Error(question.message);
  const workloads = new Map([[ENDPOINT.id, "shop/db"]]);
  return reachOptionsOf(question, { workloads, synthetic: new Set() }).nameOf?.(ENDPOINT);
}

Deno.test("reachOptionsOf() names ends as asked, by workload unless told otherwise", () => {
  assertEquals(["namespace", "workload", "pod", undefined].map(nameBy), ["shop", "shop/db", "shop/db-0", "shop/db"]);
});

Deno.test("reachOptionsOf() tells connections within an end for namespaces only", () => {
  const within = (by: string) => {
    const question = parseReachQuestion({ by });
    if (question.kind === "invalid") throw new Error(question.message);
    return reachOptionsOf(question, { workloads: new Map(), synthetic: new Set() }).within;
  };
  assertEquals(["namespace", "workload", "pod"].map(within), [true, false, false]);
});

Deno.test("parseReachQuestion() takes a bare port for one of TCP", () => {
  const port = (text: string) => {
    const question = parseReachQuestion({ port: text });
    return question.kind === "question" ? question.port : question.parameter;
  };
  assertEquals(port("17"), { protocol: 6, port: 17 });
  assertEquals(port("53/udp"), { protocol: 17, port: 53 });
  assertEquals(port("icmp"), { protocol: 1, port: undefined });
  assertEquals(port("65536"), "port");
});

Deno.test("parseReachQuestion() names the parameter that is wrong", () => {
  const wrong: readonly ReachTexts[] = [{ from: "A" }, { to: "1.2.3.4-1.2.3.3" }, { by: "label" }, { port: "http" }];
  assertEquals(
    wrong.map((texts) => {
      const question = parseReachQuestion(texts);
      return question.kind === "invalid" ? question.parameter : undefined;
    }),
    ["from", "to", "by", "port"],
  );
});

Deno.test("unknownEnd() misses workloads and namespaces that are not there", () => {
  const compiled = { endpoints: [ENDPOINT], hostEndpoints: [], policies: new Map(), sets: new Map() };
  const facts = { workloads: new Map([[ENDPOINT.id, "shop/db"]]), synthetic: new Set<string>() };
  const unknown = (texts: ReachTexts) => {
    const question = parseReachQuestion(texts);
    if (question.kind === "invalid") throw new Error(question.message);
    return unknownEnd(question, compiled, { facts, namespaces: ["shop", "empty"] });
  };
  assertEquals(
    [unknown({}), unknown({ from: "shop", to: "empty" }), unknown({ to: "10.0.0.0/8" })],
    Array(3).fill(undefined),
  );
  assertEquals(["shop/db", "shop/db-0", ENDPOINT.id].map((to) => unknown({ to })), Array(3).fill(undefined));
  assertEquals(unknown({ from: "shop/web" }), 'Workload "shop/web" not found');
  assertEquals(unknown({ to: "bank" }), 'Namespace "bank" not found');
});
