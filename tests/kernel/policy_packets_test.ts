/**
 * Packets between real pods: what policy allows passes, and nothing else does.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { NftablesTable } from "#/agents/nftables/driver.ts";
import type { RuleIr } from "#/policy/ir.ts";
import type { NodeItem, NodeState, SetItem } from "#/projections/node_state.ts";
import { POOL, PROFILE, rule } from "#tests/unit/agents/nftables/items.ts";
import {
  chain,
  endpointItem,
  type Node,
  PACKET_NEEDS,
  policyItem,
  side,
  stateWith,
  withPods,
} from "#tests/support/pods.ts";
import { kernelTest } from "#tests/support/requires.ts";

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMPV6 = 58;

function set(id: string, members: readonly string[], type: SetItem["type"] = "net"): SetItem {
  return { kind: "set", id, type, members };
}

function port(...ranges: readonly (number | readonly [number, number])[]): RuleIr["destination"] {
  return side({
    ports: ranges.map((one) => typeof one === "number" ? { min: one, max: one } : { min: one[0], max: one[1] }),
  });
}

/** A state in which pod b's ingress is judged by a policy, and a and c are open. */
function guarding({ pods }: Node, ingress: readonly RuleIr[], more: readonly NodeItem[] = []): NodeState {
  return stateWith(
    PROFILE,
    policyItem("p", { ingress }),
    ...more,
    endpointItem(pods.a),
    endpointItem(pods.b, { ingress: chain(["p"]) }),
    endpointItem(pods.c),
  );
}

/** What each ingress policy of pod b lets through. */
const CASES: readonly {
  readonly name: string;
  readonly rules: readonly RuleIr[];
  readonly sets?: readonly SetItem[];
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
}[] = [
  {
    name: "no rule",
    rules: [],
    allowed: ["b>a tcp 8080", "b>a udp 8080", "b>a icmp", "b>a tcp 8080 v6", "a>c tcp 8080"],
    denied: ["a>b tcp 8080", "a>b udp 8080", "a>b icmp", "a>b tcp 8080 v6", "a>b udp 8080 v6", "a>b icmp v6"],
  },
  {
    name: "one port, from a set that holds pod a",
    rules: [rule("1/i/0", "allow", { protocol: TCP, source: side({ sets: ["s:a"] }), destination: port(8080) })],
    sets: [set("s:a", ["10.0.0.1"])],
    allowed: ["a>b tcp 8080"],
    denied: ["a>b tcp 8081", "a>b udp 8080", "c>b tcp 8080", "a>b tcp 8080 v6", "a>b icmp"],
  },
  {
    name: "the same from a set that holds pod c and IPv6 of pod a",
    rules: [rule("1/i/0", "allow", { protocol: TCP, source: side({ sets: ["s:a"] }), destination: port(8080) })],
    sets: [set("s:a", ["10.0.0.3", "fd00::1"])],
    allowed: ["c>b tcp 8080", "a>b tcp 8080 v6"],
    denied: ["a>b tcp 8080", "c>b tcp 8080 v6"],
  },
  {
    name: "everybody but a set of networks",
    rules: [rule("1/i/0", "allow", { source: side({ notSets: ["s:not"] }) })],
    sets: [set("s:not", ["10.0.0.0/31", "fd00::2/127"])],
    allowed: ["c>b tcp 8080", "c>b udp 8081", "c>b icmp", "a>b tcp 8080 v6"],
    denied: ["a>b tcp 8080", "c>b tcp 8080 v6"],
  },
  {
    name: "networks written in the rule, but not all of one",
    rules: [
      rule("1/i/0", "allow", { source: side({ nets: ["10.0.0.0/30", "fd00::/126"], notNets: ["10.0.0.1/32"] }) }),
    ],
    allowed: ["c>b tcp 8080", "a>b tcp 8080 v6"],
    denied: ["a>b tcp 8080", "a>b icmp"],
  },
  {
    name: "a range of ports, another protocol, and not some ports",
    rules: [
      rule("1/i/0", "allow", { protocol: TCP, destination: port([8081, 9000]) }),
      rule("1/i/1", "allow", { protocol: UDP, destination: side({ notPorts: [{ min: 8081, max: 9089 }] }) }),
    ],
    allowed: ["a>b tcp 8081", "a>b udp 8080", "a>b udp 9090", "c>b tcp 8081 v6"],
    denied: ["a>b tcp 8080", "a>b tcp 9090", "a>b udp 8081"],
  },
  {
    name: "neither one port of the sender nor one of the receiver",
    rules: [
      rule("1/i/0", "allow", {
        protocol: TCP,
        source: side({ notPorts: [{ min: 80, max: 80 }] }),
        destination: side({ notPorts: [{ min: 8080, max: 8080 }] }),
      }),
    ],
    allowed: ["a>b tcp 8081", "c>b tcp 8081 v6"],
    denied: ["a>b tcp 8080", "c>b tcp 8080 v6"],
  },
  {
    name: "a named port, which means another number at another pod",
    rules: [rule("1/i/0", "allow", { protocol: TCP, destination: side({ ports: [], portSets: ["n:web"] }) })],
    sets: [set("n:web", ["10.0.0.1,tcp:8080", "10.0.0.2,tcp:8081", "fd00::2,tcp:9090"], "ipPort")],
    allowed: ["a>b tcp 8081", "a>b tcp 9090 v6"],
    denied: ["a>b tcp 8080", "a>b udp 8081", "a>b tcp 8081 v6"],
  },
  {
    name: "all but a named port, of any protocol",
    rules: [rule("1/i/0", "allow", { destination: side({ notPortSets: ["n:web"] }) })],
    sets: [set("n:web", ["10.0.0.2,tcp:8081"], "ipPort")],
    allowed: ["a>b tcp 8080", "a>b udp 8081", "a>b icmp", "a>b tcp 8081 v6"],
    denied: ["a>b tcp 8081"],
  },
  {
    name: "ICMP echo only",
    rules: [
      rule("1/i/0", "allow", { protocol: ICMP, ipVersion: 4, icmp: { type: 8, code: "any" } }),
      rule("1/i/1", "allow", { protocol: ICMPV6, ipVersion: 6, icmp: { type: 128, code: 0 } }),
    ],
    allowed: ["a>b icmp", "a>b icmp v6"],
    denied: ["a>b tcp 8080", "a>b udp 8080 v6"],
  },
  {
    name: "everything but ICMP echo",
    rules: [rule("1/i/0", "allow", { notIcmp: { type: 8, code: 0 } })],
    allowed: ["a>b tcp 8080", "a>b udp 8080", "a>b icmp v6"],
    denied: ["a>b icmp"],
  },
  {
    name: "a deny before an allow, and a log that decides nothing",
    rules: [
      rule("1/i/0", "log"),
      rule("1/i/1", "deny", { source: side({ sets: ["s:a"] }) }),
      rule("1/i/2", "allow"),
    ],
    sets: [set("s:a", ["10.0.0.1"])],
    allowed: ["c>b tcp 8080", "a>b tcp 8080 v6"],
    denied: ["a>b tcp 8080"],
  },
  {
    name: "a pass, which leaves the rest to the profile",
    rules: [rule("1/i/0", "pass", { protocol: TCP }), rule("1/i/1", "deny")],
    allowed: ["a>b tcp 8080", "a>b tcp 9090 v6"],
    denied: ["a>b udp 8080", "a>b icmp"],
  },
  {
    name: "an unreadable allow and an unreadable deny",
    rules: [
      rule("1/i/0", "allow", { unreadable: "selector" }),
      rule("1/i/1", "allow", { protocol: TCP }),
      rule("1/i/2", "deny", { unreadable: "selector" }),
      rule("1/i/3", "allow"),
    ],
    allowed: ["a>b tcp 8080"],
    denied: ["a>b udp 8080"],
  },
];

kernelTest(
  "policy on ingress lets through what it allows and nothing else",
  PACKET_NEEDS,
  (t) =>
    withPods(async (node) => {
      for (const { name, rules, sets, allowed, denied } of CASES) {
        await t.step(name, async () => {
          await node.apply(guarding(node, rules, sets));
          await node.expect(allowed, denied);
        });
      }
    }),
);

kernelTest("policy on egress holds also where the receiver allows", PACKET_NEEDS, () =>
  withPods(async (node) => {
    const { a, b, c } = node.pods;
    const egress = [rule("1/e/0", "allow", { protocol: TCP, destination: port(8080) })];
    await node.apply(stateWith(
      PROFILE,
      policyItem("p", { egress }),
      endpointItem(a, { egress: chain(["p"]) }),
      endpointItem(b),
      endpointItem(c),
    ));
    await node.expect(["a>b tcp 8080", "b>a tcp 9090", "c>b udp 8080"], ["a>b tcp 8081", "a>c udp 8080", "a>b icmp"]);
  }));

kernelTest(
  "tiers judge one after the other, and policies of one in order",
  PACKET_NEEDS,
  () =>
    withPods(async (node) => {
      const { a, b, c } = node.pods;
      const state = (defaultAction: "deny" | "pass") => {
        const ingress = chain(["pass-8080", "allow-8081"], ["allow-tcp", "never"]);
        const [first, second] = ingress.tiers;
        return stateWith(
          PROFILE,
          policyItem("pass-8080", { ingress: [rule("1/i/0", "pass", { protocol: TCP, destination: port(8080) })] }),
          policyItem("allow-8081", {
            ingress: [
              rule("2/i/0", "allow", {
                protocol: TCP,
                destination: port(8080, 8081),
                source: side({ nets: ["10.0.0.1/32"] }),
              }),
            ],
          }),
          policyItem("allow-tcp", {
            ingress: [rule("3/i/0", "allow", { protocol: TCP, source: side({ nets: ["10.0.0.3/32"] }) })],
          }),
          policyItem("never", { ingress: [] }),
          endpointItem(a),
          endpointItem(b, { ingress: { ...ingress, tiers: [{ ...first!, defaultAction }, second!] } }),
          endpointItem(c),
        );
      };
      await node.apply(state("deny"));
      await node.expect(["c>b tcp 8080", "a>b tcp 8081"], [
        "a>b tcp 8080",
        "c>b tcp 8081",
        "c>b tcp 9090",
        "a>b udp 8080",
      ]);
      await node.apply(state("pass"));
      await node.expect(["c>b tcp 8080", "c>b tcp 9090", "a>b tcp 8081"], [
        "a>b tcp 8080",
        "a>b tcp 9090",
        "c>b udp 8080",
      ]);
    }),
);

kernelTest(
  "profiles are asked in order, a missing one denies, and none denies too",
  PACKET_NEEDS,
  () =>
    withPods(async (node) => {
      const { a, b, c } = node.pods;
      const profile = (name: string, ingress: readonly RuleIr[]): NodeItem => {
        const policy = { ref: { kind: "Profile", namespace: "", name }, tier: "", ingress, egress: [] } as const;
        return { kind: "profile", id: `Profile//${name}`, policy };
      };
      const items = [
        PROFILE,
        profile("first", [rule("1/i/0", "pass", { protocol: TCP }), rule("1/i/1", "deny", { protocol: UDP })]),
        endpointItem(a),
        endpointItem(c),
      ];
      const at = (...names: readonly string[]) =>
        stateWith(
          ...items,
          endpointItem(b, {
            ingress: {
              tiers: [],
              profiles: names.map((name) => `Profile//${name}`),
            },
          }),
        );
      await node.apply(at("first", "kns.shop"));
      await node.expect(["a>b tcp 8080", "a>b icmp"], ["a>b udp 8080"]);
      await node.apply(at("first", "none", "kns.shop"));
      await node.expect([], ["a>b tcp 8080", "a>b udp 8080"]);
      await node.apply(at());
      await node.expect([], ["a>b tcp 8080"]);
    }),
);

kernelTest(
  "a new interface is closed in both directions until its endpoint is there",
  PACKET_NEEDS,
  () =>
    withPods(async (node) => {
      const { a, b, c } = node.pods;
      const { kernel } = node.netns;
      const way = [4, 6].map((version) => ({
        kind: "set" as const,
        route: { destination: version === 4 ? "10.0.0.2/32" : "fd00::2/128", linkName: "calib", protocol: 4 },
      }));
      assertEquals((await kernel.routes.apply(way)).map(({ kind }) => kind), ["done", "done"]);
      await node.apply(stateWith(PROFILE, endpointItem(a), endpointItem(c)));
      await node.expect(["a>c tcp 8080"], [
        "a>b tcp 8080",
        "b>a tcp 8080",
        "b>a udp 8080",
        "b>a icmp",
        "a>b tcp 8080 v6",
        "b>a udp 8080 v6",
        "b>outside tcp 8080",
        "outside>b tcp 8080",
      ]);
      await node.apply(stateWith(PROFILE, endpointItem(a), endpointItem(b), endpointItem(c)));
      await node.expect(["a>b tcp 8080", "b>a tcp 8080", "b>a udp 8080 v6"], []);
      await node.apply(stateWith(PROFILE, endpointItem(a), endpointItem(c)));
      await kernel.routes.apply(way);
      await node.expect([], ["a>b tcp 8080", "b>a udp 8080"]);
    }),
);

kernelTest(
  "an established connection survives a new deny, an agent's restart and a table made anew",
  PACKET_NEEDS,
  () =>
    withPods(async (node) => {
      const { a } = node.pods;
      await node.apply(guarding(node, [rule("1/i/0", "allow")]));
      const address = node.pods.b.address();
      assertEquals(await a.ask({ do: "tcp", address, port: 8080, ms: 5_000, keep: "old" }), "10.0.0.1");
      await node.apply(guarding(node, [rule("2/i/0", "deny")]));
      await node.expect([], ["a>b tcp 8080"]);
      assertEquals(await a.ask({ do: "talk", keep: "old", ms: 5_000 }), "10.0.0.1");
      const restarted = new NftablesTable(node.netns.kernel.nft);
      await node.apply(guarding(node, [rule("3/i/0", "deny")]), restarted);
      assertEquals(await a.ask({ do: "talk", keep: "old", ms: 5_000 }), "10.0.0.1");
      await node.netns.kernel.nft.run("delete table inet tortie");
      await node.apply(guarding(node, [rule("3/i/0", "deny")]), restarted);
      assertEquals(await a.ask({ do: "talk", keep: "old", ms: 5_000 }), "10.0.0.1");
      await node.expect([], ["a>b tcp 8080"]);
    }),
);

kernelTest("packets with a source that is not the pod's are dropped", PACKET_NEEDS, (t) =>
  withPods(async (node) => {
    const { a, b, c } = node.pods;
    await node.apply(stateWith(PROFILE, endpointItem(a), endpointItem(b), endpointItem(c)));
    const inside = node.netns.open(a.netns);
    const cases = [
      { name: "an address of nobody", source: "10.0.0.9", version: 4 },
      { name: "another pod's", source: "10.0.0.3", version: 4 },
      { name: "the node's", source: "172.18.0.2", version: 4 },
      { name: "an IPv6 address of nobody", source: "fd00::9", version: 6 },
      { name: "another pod's IPv6 address", source: "fd00::3", version: 6 },
    ] as const;
    for (const { name, source, version } of cases) {
      await t.step(name, async () => {
        await inside.addresses.add("eth0", `${source}/${version === 4 ? 32 : 128}`);
        const address = b.address(version);
        assertEquals(await a.ask({ do: "udp", address, port: 8080, ms: 100, source }), undefined);
        assertEquals(
          await a.ask({ do: "udp", address, port: 8080, ms: 5_000, source: a.address(version) }),
          a.address(version),
        );
        // Packets do not overtake each other here, so that what was sent before has come or is lost.
        const seen = (await b.ask({ do: "sources" }))?.split(" ") ?? [];
        assertEquals([seen.includes(source), seen.includes(a.address(version))], [false, true]);
      });
    }
  }));

kernelTest(
  "pods of a pool with natOutgoing leave with the node's address, and not towards pools",
  PACKET_NEEDS,
  () =>
    withPods(async (node) => {
      const { a, b, c } = node.pods;
      const pool = { ...POOL, cidr: "10.0.0.0/24" } as NodeItem;
      const items = [PROFILE, endpointItem(a), endpointItem(b), endpointItem(c)];
      const talk = (ms: number) => a.ask({ do: "tcp", address: "172.18.0.3", port: 8080, ms });
      await node.apply(stateWith(...items));
      assertEquals(await talk(150), undefined, "Expected no way back from outside to a pod's own address");
      await node.apply(stateWith(...items, pool));
      assertEquals(await talk(5_000), "172.18.0.2");
      assertEquals(await a.ask({ do: "tcp", address: b.address(), port: 8080, ms: 5_000 }), "10.0.0.1");
      await node.apply(stateWith(...items, { ...pool, natOutgoing: false } as NodeItem));
      assertEquals(await talk(150), undefined);
      const wide = { ...POOL, id: "other", cidr: "172.18.0.0/24", natOutgoing: false } as NodeItem;
      await node.apply(stateWith(...items, pool, wide));
      assertEquals(await talk(150), undefined);
    }),
);

kernelTest(
  "pods do not reach the node itself unless they answer it; the node reaches its pods",
  PACKET_NEEDS,
  () =>
    withPods(async (node) => {
      const { a, b, c } = node.pods;
      await node.apply(
        stateWith(
          PROFILE,
          policyItem("p", { ingress: [] }),
          endpointItem(a),
          endpointItem(b, { ingress: chain(["p"]) }),
          endpointItem(c),
        ),
      );
      const { exec } = node.netns;
      const ping = async (to: string, wait: string, netns?: string) =>
        (await exec(["ping", "-c", "1", "-W", wait, to], netns === undefined ? {} : { netns })).code === 0;
      assertEquals(await ping("172.18.0.2", "0.2", a.netns), false);
      assertEquals([await ping(a.address(), "5"), await ping(b.address(), "5"), await ping(a.address(6), "5")], [
        true,
        true,
        true,
      ]);
    }),
);
