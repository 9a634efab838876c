/**
 * Reach equals brute force: on random clusters, a connection is in the set of a pair exactly when the oracle lets it through from some source port; and the
 * difference of two reaches equals the difference of their sets.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { JsonObject } from "#/base/json.ts";
import { formatIp, type Ip, parseIp } from "#/base/ip.ts";
import { protocolHasPorts } from "#/base/protocol.ts";
import type { CompiledEndpoint, CompiledPolicies } from "#/policy/compiled.ts";
import { allowsConnection, type Connection, type Connections } from "#/policy/reach/connection_set.ts";
import { resolveFlow } from "#/policy/oracle/flow.ts";
import type { EndText } from "#/policy/oracle/flow_text.ts";
import { evaluate } from "#/policy/oracle/oracle.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { reach, type ReachEntry } from "#/policy/reach/reach.ts";
import { diffReach } from "#/policy/reach/reach_diff.ts";
import { parseReachEnd } from "#/policy/reach/reach_end.ts";
import { type PolicyWorld, policyWorld, type WorldEndpoint } from "#/policy/oracle/world.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import type { KubeObject } from "#/resources/object.ts";
import { policyCase } from "./policy_worlds.ts";

/** Random clusters tried, and connections for each: a number that shares no divisor with the number of pairs. */
const CASES = 250;
const CONNECTIONS_PER_CASE = 37;
/** At least so many connections must have been allowed, and denied. */
const DECISIONS_MIN = 500;
/** Printed on failure; set to repeat a run. */
const SEED = Number(Deno.env.get("TORTIE_TEST_SEED") ?? Date.now() % 2 ** 31);

/** Addresses at the edges of what policies name, none of them a workload's. */
const OUTSIDE = [
  "0.0.0.0",
  "10.0.0.0",
  "10.0.0.5",
  "1.1.0.255",
  "1.1.1.0",
  "1.1.1.255",
  "1.1.2.0",
  "255.255.255.255",
  "fd00::",
  "fd00::5",
  "2001:db8::1",
];
/** Both sides of every border that the generated rules draw. */
const PORT_EDGES = [1, 22, 52, 53, 54, 79, 80, 81, 90, 91, 8080, 8081, 65_535];
/** Those, and ports that host endpoints know answers by. */
const SOURCE_PORTS = [...PORT_EDGES, 67, 68, 179];

const connection: fc.Arbitrary<Connection> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ protocol: fc.constantFrom(6, 6, 17, 132), port: fc.constantFrom(...PORT_EDGES) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      protocol: fc.constantFrom(1, 58),
      icmp: fc.record({ type: fc.constantFrom(0, 3, 8, 128, 255), code: fc.constantFrom(0, 1, 2, 255) }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ protocol: fc.constantFrom(0, 2, 89, 136, 255) }) },
);

/** Connections to try, one for each pair in turn. */
const connections = fc.array(connection, { minLength: CONNECTIONS_PER_CASE, maxLength: CONNECTIONS_PER_CASE });

/** A pair, and the connection that is tried on it. */
interface Trial {
  readonly pair: readonly [TrialEnd, TrialEnd];
  readonly connection: Connection;
}

/** An end of a trial. */
interface TrialEnd {
  readonly name: string;
  readonly endpoint: WorldEndpoint | undefined;
  readonly addresses: readonly Ip[];
}

/** Every pair of ends but two addresses, each with a connection to try. */
function trialsOf(world: PolicyWorld, tried: readonly Connection[]): readonly Trial[] {
  const workloads = world.endpoints.map((endpoint) => ({ name: endpoint.id, endpoint, addresses: endpoint.addresses }));
  const outside = OUTSIDE.map((text) => ({ name: text, endpoint: undefined, addresses: [parseIp(text)!] }));
  const pairs = [...workloads, ...outside].flatMap((from) =>
    [...workloads, ...(from.endpoint === undefined ? [] : outside)].filter((to) => to.name !== from.name)
      .map((to) => [from, to] as const)
  );
  return pairs.map((pair, index) => ({ pair, connection: tried[index % tried.length]! }));
}

function addressEnd(ip: Ip): EndText {
  return { kind: "address", address: formatIp(ip) };
}

/** A protocol that no generated rule names. */
const UNNAMED_PROTOCOL = 253;

/**
 * Whether the oracle lets the connection through from some source port, between some addresses of one family. Between ends of both families ICMP is
 * IPv4's and ICMPv6 is IPv6's, where that family lets other protocols through.
 */
function isAllowed(world: PolicyWorld, pair: readonly [TrialEnd, TrialEnd], asked: Connection): boolean {
  const own = asked.protocol === 1 ? 4 : asked.protocol === 58 ? 6 : undefined;
  const hasOwn = own !== undefined && pair.every(({ addresses }) => addresses.some(({ version }) => version === own));
  const isOwnOnly = hasOwn && isAllowedBy(world, pair, { protocol: UNNAMED_PROTOCOL }, [own]);
  return isAllowedBy(world, pair, asked, isOwnOnly ? [own] : [4, 6]);
}

function isAllowedBy(
  world: PolicyWorld,
  [source, target]: readonly [TrialEnd, TrialEnd],
  asked: Connection,
  versions: readonly number[],
): boolean {
  const sourcePorts = protocolHasPorts(asked.protocol) ? SOURCE_PORTS : [undefined];
  return source.addresses.filter(({ version }) => versions.includes(version)).some((from) =>
    target.addresses.filter((to) => to.version === from.version).some((to) =>
      sourcePorts.some((sourcePort) => {
        const flow = resolveFlow(world, {
          ...asked,
          source: addressEnd(from),
          destination: addressEnd(to),
          sourcePort,
        });
        assert(flow.kind === "resolved", "trials must be of one family");
        return evaluate(world, flow).verdict === "allow";
      })
    )
  );
}

/** Whether an end of an entry is the end of a trial: its name, or a range that holds its address. */
function isEnd(text: string, end: TrialEnd): boolean {
  if (end.endpoint !== undefined) return text === end.name;
  const range = /[0-9a-f:.]+[/-][0-9a-f:.]+$/.test(text) ? parseReachEnd(text) : undefined;
  const [ip] = end.addresses;
  return range?.kind === "addresses" && range.first.version === ip!.version && range.first.value <= ip!.value &&
    ip!.value <= range.last.value;
}

function connectionsOf(entries: readonly ReachEntry[], [from, to]: readonly [TrialEnd, TrialEnd]): Connections {
  const found = entries.filter((entry) => isEnd(entry.from, from) && isEnd(entry.to, to));
  assert(found.length <= 1, `one entry for a pair: ${JSON.stringify(found)}`);
  return found[0]?.connections ?? [];
}

const nameOf = (endpoint: CompiledEndpoint) => endpoint.id;

Deno.test("reach() equals the oracle, connection by connection", () => {
  const decided = { allow: 0, deny: 0 };
  fc.assert(
    fc.property(policyCase, connections, ({ objects }, tried) => {
      const world = policyWorld(objects);
      const entries = reach(compileObjects(objects), { nameOf });
      for (const { pair, connection: asked } of trialsOf(world, tried)) {
        const expected = isAllowed(world, pair, asked);
        const seen = allowsConnection(connectionsOf(entries, pair), asked);
        assertEquals(seen, expected, `${pair[0].name} -> ${pair[1].name} ${JSON.stringify(asked)}`);
        decided[expected ? "allow" : "deny"] += 1;
      }
    }),
    { numRuns: CASES, seed: SEED },
  );
  const least = Math.min(decided.allow, decided.deny);
  assert(least >= DECISIONS_MIN, `${JSON.stringify(decided)} (TORTIE_TEST_SEED=${SEED})`);
});

/** The two clusters share workloads, whose addresses must not wander between the inside and the outside. */
function changed(objects: PolicyObjects, policies: PolicyObjects): PolicyObjects {
  return { ...objects, policies: policies.policies, tiers: policies.tiers, networkSets: policies.networkSets ?? [] };
}

/** The same cluster on two nodes with host endpoints, and global policies of which some concern forwarded, untracked or pre-DNAT traffic. */
function withHosts(objects: PolicyObjects, draws: readonly number[]): PolicyObjects {
  const phases: readonly JsonObject[] = [{}, { applyOnForward: true }, { doNotTrack: true }, { preDNAT: true }];
  const draw = (index: number) => draws[index % draws.length]!;
  const host = (name: string, node: string, interfaceName: string, address: string): KubeObject => ({
    apiVersion: "projectcalico.org/v3",
    kind: "HostEndpoint",
    metadata: { name, labels: draw(name.length) % 2 === 0 ? { app: "x" } : { app: "y", zone: "z" } },
    spec: { node, interfaceName, expectedIPs: [address], profiles: ["projectcalico-default-allow"] },
  });
  return {
    ...objects,
    policies: objects.policies.map((policy, index) =>
      policy.kind === "GlobalNetworkPolicy"
        ? { ...policy, spec: { ...policy.spec, ...phases[draw(index) % phases.length] } }
        : policy
    ),
    workloadEndpoints: objects.workloadEndpoints.map((endpoint, index) => ({
      ...endpoint,
      spec: { ...endpoint.spec, node: ["node1", "node2", "node3"][draw(index + 7) % 3]! },
    })),
    hostEndpoints: [host("h1", "node1", "*", "10.0.0.5"), host("other", "node2", "eth0", "1.1.1.0")],
  };
}

Deno.test("reach() equals the oracle with host endpoints on the way", () => {
  const decided = { allow: 0, deny: 0 };
  const draws = fc.array(fc.nat(100), { minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(policyCase, draws, connections, ({ objects }, drawn, tried) => {
      const hosted = withHosts(objects, drawn);
      const world = policyWorld(hosted);
      const entries = reach(compileObjects(hosted), { nameOf });
      for (const { pair, connection: asked } of trialsOf(world, tried)) {
        const expected = isAllowed(world, pair, asked);
        const seen = allowsConnection(connectionsOf(entries, pair), asked);
        assertEquals(seen, expected, `${pair[0].name} -> ${pair[1].name} ${JSON.stringify(asked)}`);
        decided[expected ? "allow" : "deny"] += 1;
      }
    }),
    { numRuns: CASES, seed: SEED },
  );
  assert(Math.min(decided.allow, decided.deny) >= DECISIONS_MIN, JSON.stringify(decided));
});

Deno.test("diffReach() is the difference of the two reaches", () => {
  const seen = { gained: 0, lost: 0, same: 0 };
  fc.assert(
    fc.property(policyCase, policyCase, connections, (one, other, tried) => {
      const objects = [one.objects, changed(one.objects, other.objects)];
      const [before, after] = objects.map((each) => compileObjects(each)) as [CompiledPolicies, CompiledPolicies];
      const worlds = objects.map(policyWorld);
      const reaches = [before, after].map((compiled) => reach(compiled, { nameOf }));
      const changes = diffReach(before, after, { nameOf });
      for (const { pair, connection: asked } of trialsOf(worlds[0]!, tried)) {
        const [old, now] = reaches.map((entries) => allowsConnection(connectionsOf(entries, pair), asked));
        const told = (member: "gained" | "lost") =>
          allowsConnection(
            connectionsOf(changes.map((change) => ({ ...change, connections: change[member] })), pair),
            asked,
          );
        assertEquals([told("gained"), told("lost")], [!old && now, old && !now]);
        seen[old === now ? "same" : now ? "gained" : "lost"] += 1;
      }
    }),
    { numRuns: CASES, seed: SEED },
  );
  assert(Math.min(seen.gained, seen.lost, seen.same) >= DECISIONS_MIN / 2, JSON.stringify(seen));
});

Deno.test("diffReach() of a state with itself is empty, and reach() is in one canonical form", () => {
  fc.assert(
    fc.property(policyCase, ({ objects }) => {
      const compiled = compileObjects(objects);
      assertEquals(diffReach(compiled, compileObjects(objects)), []);
      const entries = reach(compiled, { nameOf });
      const reversed = { ...objects, policies: [...objects.policies].reverse() };
      assertEquals(reach(compileObjects(reversed), { nameOf }), entries);
      for (const { from, to, connections } of entries) {
        assert(from !== to && connections.length > 0, `${from} -> ${to}`);
        for (const text of [from, to]) {
          const range = parseReachEnd(text);
          if (range.kind === "addresses") assert(formatIp(range.first) !== "", text);
        }
      }
      assertMerged(entries);
    }),
    { numRuns: CASES / 2, seed: SEED },
  );
});

/** No two ranges that touch have the same other end and the same connections. */
function assertMerged(entries: readonly ReachEntry[]): void {
  const ends = new Map<string, ReachEntry>();
  const spans = entries.map((entry) => {
    const [from, to] = [parseReachEnd(entry.from), parseReachEnd(entry.to)];
    const range = from.kind === "addresses" ? from : to.kind === "addresses" ? to : undefined;
    const other = `${from.kind} ${from.kind === "addresses" ? entry.to : entry.from}`;
    return { entry, range, other };
  });
  for (const { entry, range, other } of spans) {
    if (range !== undefined) ends.set(`${other} ${range.last.version} ${range.last.value + 1n}`, entry);
  }
  for (const { entry, range, other } of spans) {
    if (range === undefined) continue;
    const before = ends.get(`${other} ${range.first.version} ${range.first.value}`);
    assert(before?.connections !== entry.connections, `${JSON.stringify(before)} touches ${JSON.stringify(entry)}`);
  }
}
