/**
 * What reach is computed on: classes of ends, ways between them, numbered sets of headers, and the telling of pairs.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { headerSpaceOf } from "#/policy/reach/header_space.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { partiesOf, tellPairs } from "#/policy/reach/reach_parties.ts";
import { chainIn, createChainTable, headerCuts, matchSide } from "#/policy/reach/reach_rules.ts";
import {
  ALL_HEADERS,
  anySourcePort,
  connectionsOf,
  createHeaderSets,
  differenceOf,
  internHeaders,
  intersectionOf,
  NO_HEADERS,
  unionOf,
} from "#/policy/reach/reach_sets.ts";
import { hostMarks, waysBetween, waysOf } from "#/policy/reach/reach_ways.ts";
import { allowedBetween, reachWorlds } from "#/policy/reach/reach_world.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import { namespace, NO_OBJECTS, policy, workload } from "#tests/unit/policy/policy_builders.ts";

/** Many workloads of two kinds. */
const MANY: PolicyObjects = {
  ...NO_OBJECTS,
  namespaces: [namespace("shop")],
  workloadEndpoints: Array.from(
    { length: 100 },
    (_, index) =>
      workload("shop", `w${index}`, [`10.0.0.${index}`], {
        labels: { app: index % 2 === 0 ? "web" : "db", index: `${index}` },
      }),
  ),
  policies: [policy("shop", "p", {
    selector: "app == 'db'",
    ingress: [{ action: "Allow", protocol: "TCP", source: { selector: "app == 'web'" } }],
  })],
};

Deno.test("reachWorlds() works on classes, not on endpoints", () => {
  const [world] = reachWorlds([compileObjects(MANY)]);
  assertEquals(new Set(world!.endOf.values()).size, 2);
  assertEquals(world!.table.chains.length, 3, "two ways in, one way out");
  const [web, db] = [0, 1].map((index) => world!.endOf.get(`shop/node1-k8s-w${index}-eth0`)!);
  assertEquals(connectionsOf(world!.sets, allowedBetween(world!, web!, db!)), [{
    protocol: "TCP",
    ports: [[1, 65_535]],
  }]);
  assertEquals(allowedBetween(world!, db!, db!), NO_HEADERS);
  assertEquals(allowedBetween(world!, db!, web!), ALL_HEADERS);
});

Deno.test("chainIn() takes policies that say the same for one, unless told not to", () => {
  const open = policy("shop", "q", {
    selector: "app == 'db'",
    ingress: [{ action: "Allow", protocol: "TCP", source: { selector: "app == 'web'" } }],
  });
  const compiled = compileObjects({ ...MANY, policies: [...MANY.policies, open] });
  const chain = (name: string) => ({
    tiers: [{ tier: "default", defaultAction: "deny", policies: [`NetworkPolicy/shop/${name}`] }] as const,
    profiles: [],
  });
  const numbers = (merges: boolean) => {
    const table = createChainTable(compiled, merges);
    return ["p", "q"].map((name) => chainIn(table, "ingress", chain(name)));
  };
  assertEquals(numbers(true), [0, 0]);
  assertEquals(numbers(false), [0, 1]);
});

Deno.test("matchSide() has a variant for each list of ports", () => {
  const compiled = compileObjects({
    ...MANY,
    workloadEndpoints: [8080, 8080, 9090].map((port, index) =>
      workload("shop", `w${index}`, [`10.0.0.${index + 1}`], { ports: [{ name: "http", protocol: "TCP", port }] })
    ),
    policies: [
      policy("shop", "p", { ingress: [{ action: "Allow", protocol: "TCP", destination: { ports: ["http"] } }] }),
    ],
  });
  const [world] = reachWorlds([compiled]);
  const rule = [...headerCuts(world!.table).rules].find(({ destination }) => destination.portSets.length > 0);
  const match = matchSide(rule!.destination, world!.classes);
  const named = match.variants.map((variant) => variant.named.map(({ port }) => port).join()).sort();
  assertEquals(named, ["", "8080", "9090"]);
});

Deno.test("waysBetween() asks host endpoints only across nodes", () => {
  const objects: PolicyObjects = {
    ...NO_OBJECTS,
    namespaces: [namespace("shop")],
    workloadEndpoints: ["node1", "node1", "node2"].map((node, index) =>
      workload("shop", `w${index}`, [`10.0.0.${index + 1}`], { node })
    ),
    hostEndpoints: [{
      apiVersion: "projectcalico.org/v3",
      kind: "HostEndpoint",
      metadata: { name: "h1", labels: { host: "yes" } },
      spec: { node: "node1", interfaceName: "*", expectedIPs: ["192.0.2.1"] },
    }],
    policies: [policy("", "p", { selector: "has(host)", applyOnForward: true, types: ["Egress"], egress: [] })],
  };
  const compiled = compileObjects(objects);
  const table = createChainTable(compiled, true);
  const ways = waysOf(table);
  const [a, b, c] = compiled.endpoints.map((endpoint) => ways.get(endpoint)!);
  const count = (way: ReturnType<typeof waysBetween>) => way === "closed" ? way : [way.out.length, way.in.length];
  assertEquals(count(waysBetween(table, a!, b!)), [1, 1]);
  assertEquals(count(waysBetween(table, a!, c!)), [2, 1]);
  assertEquals([...hostMarks(compiled)], [["192.0.2.1", "h1"]]);
  assertEquals(waysBetween(table, a!, ways.get(compiled.hostEndpoints[0]!)!), "closed", "a pod and its own host");
});

Deno.test("numbers of sets are equal exactly for equal sets", () => {
  const space = headerSpaceOf({
    rules: [],
    sourcePorts: [{ protocol: 6, port: 53 }],
    destinationPorts: [{ protocol: 6, port: 80 }],
  });
  const table = createHeaderSets(space);
  const atom = (bit: number) => {
    const set = new Uint32Array(space.words);
    set[0] = 1 << bit;
    return internHeaders(table, set);
  };
  const [one, two] = [atom(0), atom(1)];
  const both = unionOf(table, one, two);
  assertEquals(both, unionOf(table, two, one));
  assertEquals(intersectionOf(table, both, two), two);
  assertEquals(differenceOf(table, both, two), one);
  assertEquals(unionOf(table, differenceOf(table, ALL_HEADERS, one), one), ALL_HEADERS);
  assertEquals(intersectionOf(table, one, two), NO_HEADERS);
  assertEquals(connectionsOf(table, one), connectionsOf(table, anySourcePort(table, one)));
  assert(anySourcePort(table, one) !== one, "one source port is not all");
  assertEquals(connectionsOf(table, ALL_HEADERS), "All");
  assertEquals(connectionsOf(table, NO_HEADERS), []);
});

Deno.test("tellPairs() asks once for each pair of kinds", () => {
  const worlds = reachWorlds([compileObjects(MANY)]);
  let asked = 0;
  const told = [...tellPairs(partiesOf(worlds, {}), {}, () => {
    asked += 1;
    return "yes";
  })];
  assertEquals(told.filter(({ from, to }) => from.startsWith("shop/") && to.startsWith("shop/")).length, 100 * 99);
  assert(asked <= 16, `${asked}`);
});
