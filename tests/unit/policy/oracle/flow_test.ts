/**
 * From flows as people name them to packets.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { EPHEMERAL_PORT, type Flow, type ResolvedFlow, resolveFlow } from "#/policy/oracle/flow.ts";
import { type EndText, parseEnd } from "#/policy/oracle/flow_text.ts";
import { policyWorld } from "#/policy/oracle/world.ts";
import { NO_OBJECTS, shownEnds, workload } from "#tests/unit/policy/policy_builders.ts";

const WORLD = policyWorld({
  ...NO_OBJECTS,
  workloadEndpoints: [
    workload("shop", "web", ["10.0.0.1", "fd00::1"]),
    workload("shop", "six", ["fd00::2"]),
    workload("shop", "starting", []),
  ],
});

function end(text: string): EndText {
  const parsed = parseEnd(text);
  assert(parsed.kind !== "invalid");
  return parsed;
}

function resolve(source: string, destination: string, more: Partial<Flow> = { port: 80 }) {
  return resolveFlow(WORLD, { source: end(source), destination: end(destination), protocol: 6, ...more });
}

function resolved(...args: Parameters<typeof resolve>): ResolvedFlow {
  const flow = resolve(...args);
  assert(flow.kind === "resolved", flow.kind === "unresolved" ? flow.message : "");
  return flow;
}

Deno.test("resolveFlow() takes addresses of a common family", () => {
  assertEquals(shownEnds(resolved("shop/web", "1.1.1.1").packet), "10.0.0.1 -> 1.1.1.1");
  assertEquals(shownEnds(resolved("shop/web", "shop/six").packet), "fd00::1 -> fd00::2");
  assertEquals(shownEnds(resolved("::1", "shop/web").packet), "::1 -> fd00::1");
});

Deno.test("resolveFlow() takes the family of ICMP and ICMPv6 where both ends have it", () => {
  const between = (protocol: number) => shownEnds(resolved("shop/web", "shop/web", { protocol }).packet);
  assertEquals([1, 58, 89].map(between), ["10.0.0.1 -> 10.0.0.1", "fd00::1 -> fd00::1", "10.0.0.1 -> 10.0.0.1"]);
  assertEquals(shownEnds(resolved("shop/web", "1.1.1.1", { protocol: 58 }).packet), "10.0.0.1 -> 1.1.1.1");
});

Deno.test("resolveFlow() finds the workload behind an address, and nobody outside", () => {
  const flow = resolved("10.0.0.1", "1.1.1.1");
  assertEquals([flow.source?.pod, flow.destination], ["web", undefined]);
});

Deno.test("resolveFlow() fills in what the flow leaves out", () => {
  const tcp = resolved("shop/web", "1.1.1.1").packet;
  assertEquals([tcp.sourcePort, tcp.destinationPort, tcp.icmp], [EPHEMERAL_PORT, 80, undefined]);
  assertEquals(resolved("shop/web", "1.1.1.1", { port: 80, sourcePort: 5 }).packet.sourcePort, 5);
  const ping = resolved("shop/web", "1.1.1.1", { protocol: 1 }).packet;
  assertEquals([ping.sourcePort, ping.destinationPort, ping.icmp], [undefined, undefined, { type: 8, code: 0 }]);
  assertEquals(resolved("shop/web", "::1", { protocol: 58 }).packet.icmp, { type: 128, code: 0 });
  assertEquals(resolved("shop/web", "::1", { protocol: 58, icmp: { type: 1, code: 4 } }).packet.icmp, {
    type: 1,
    code: 4,
  });
  assertEquals(resolved("shop/web", "::1", { protocol: 89 }).packet.icmp, undefined);
});

const UNRESOLVED: readonly [string, Parameters<typeof resolve>, string, string][] = [
  ["an unknown workload", ["shop/gone", "1.1.1.1"], "NotFound", 'Workload endpoint "shop/gone" not found'],
  ["an unknown destination", ["1.1.1.1", "shop/gone"], "NotFound", 'Workload endpoint "shop/gone" not found'],
  [
    "a workload without address",
    ["shop/starting", "1.1.1.1"],
    "NotFound",
    'Workload endpoint "shop/starting" has no address',
  ],
  ["two families", ["1.1.1.1", "shop/six"], "Invalid", "The two ends must have addresses of one family"],
  ["no port", ["shop/web", "1.1.1.1", {}], "Invalid", "A flow of protocol 6 must have a destination port"],
  [
    "a port too many",
    ["shop/web", "1.1.1.1", { protocol: 1, port: 8 }],
    "Invalid",
    "A flow of protocol 1 must not have a destination port: 8",
  ],
];

for (const [name, args, reason, message] of UNRESOLVED) {
  Deno.test(`resolveFlow() refuses ${name}`, () => {
    assertEquals(resolve(...args), { kind: "unresolved", reason, message } as ReturnType<typeof resolve>);
  });
}

Deno.test("resolveFlow() refuses a text that is no address", () => {
  const flow = resolveFlow(WORLD, {
    source: { kind: "address", address: "x" },
    destination: end("1.1.1.1"),
    protocol: 1,
  });
  assertEquals(flow.kind === "unresolved" && flow.message, 'An address must be IPv4 or IPv6: "x"');
});
