/**
 * Policy in the lab as a truth table: each state of the policies says which connections must work; `explain` must say the same, and so must real
 * packets between real pods. Afterwards every state is asked about again as the past that it has become.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { isJsonObject } from "#/base/json.ts";
import type { KubeObject } from "#/resources/object.ts";
import { type Lab, type LabInfo, withLab } from "#tests/support/lab.ts";
import { eventually, run } from "#tests/support/program.ts";
import { kernelTest } from "#tests/support/requires.ts";

/** Seconds after which a packet without an answer counts as denied. */
const ANSWER_S = "1";
/** How often a connection that must work is tried. */
const TRIES_MAX = 3;

/** Pods of the table: `a` alone on its node, `c` in a namespace of its own. */
const PODS = [
  { name: "a", namespace: "shop", node: "node1", labels: "app=a" },
  { name: "b", namespace: "shop", node: "node2", labels: "app=b" },
  { name: "c", namespace: "till", node: "node2", labels: "app=b" },
] as const;

/** Ways to try a connection, by the name that `explain` has for them. */
const PROBES: Readonly<Record<string, (address: string) => readonly string[]>> = {
  "80/tcp": (address) => ["wget", "-q", "-O", "-", `http://${address}:80/`],
  "8080/tcp": (address) => ["wget", "-q", "-O", "-", `http://${address}:8080/`],
  "icmp": (address) => ["ping", "-c", "1", "-W", ANSWER_S, address],
};

/** A connection: `a>b:80/tcp`. `outside` is the server that is no workload. */
type Connection = string;

interface State {
  readonly name: string;
  /** Policies that come with this state; those of earlier states stay. */
  readonly adds?: readonly KubeObject[];
  /** Paths of objects that go. */
  readonly deletes?: readonly string[];
  /** Connections that must fail; all others must work. */
  readonly denied: readonly Connection[];
}

const v3 = (kind: string, name: string, spec: KubeObject["spec"], namespace?: string): KubeObject => ({
  apiVersion: "projectcalico.org/v3",
  kind,
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  spec,
});

/** Every way into a pod, from both others. */
function allInto(pod: string): Connection[] {
  return PODS.filter(({ name }) => name !== pod)
    .flatMap(({ name }) => Object.keys(PROBES).map((probe) => `${name}>${pod}:${probe}`));
}

const intoShop = [...allInto("a"), ...allInto("b")];

const STATES: readonly State[] = [
  { name: "without policy everything works", denied: [] },
  {
    name: "a policy without rules isolates its namespace inwards only",
    adds: [v3("NetworkPolicy", "isolated", { selector: "all()", types: ["Ingress"], order: 100 }, "shop")],
    denied: intoShop,
  },
  {
    name: "an earlier global policy opens one port to one label, and isolates what it selects elsewhere",
    adds: [v3("GlobalNetworkPolicy", "web", {
      selector: "app == 'b'",
      order: 10,
      types: ["Ingress"],
      ingress: [{ action: "Allow", protocol: "TCP", source: { selector: "app == 'a'" }, destination: { ports: [80] } }],
    })],
    denied: [...intoShop, ...allInto("c")].filter((one) => !["a>b:80/tcp", "a>c:80/tcp"].includes(one)),
  },
  {
    name: "a deny before it takes one namespace out again",
    adds: [v3("GlobalNetworkPolicy", "not-till", {
      selector: "projectcalico.org/namespace == 'till'",
      order: 5,
      types: ["Ingress"],
      ingress: [
        { action: "Allow", protocol: "ICMP", source: { namespaceSelector: "projectcalico.org/name == 'shop'" } },
        { action: "Deny" },
      ],
    })],
    denied: [...intoShop, ...allInto("c")].filter((one) => !["a>b:80/tcp", "a>c:icmp", "b>c:icmp"].includes(one)),
  },
  {
    name: "a tier before the default one passes some on and denies the rest outwards",
    adds: [
      v3("Tier", "early", { order: 1 }),
      v3("GlobalNetworkPolicy", "early.outwards", {
        tier: "early",
        selector: "app == 'a'",
        types: ["Egress"],
        egress: [
          { action: "Pass", protocol: "TCP", destination: { selector: "app == 'b'" } },
          { action: "Deny", destination: { notNets: ["10.99.0.0/16"] } },
        ],
      }),
    ],
    denied: [
      ...[...intoShop, ...allInto("c")].filter((one) => !["a>b:80/tcp", "b>c:icmp"].includes(one)),
      "a>outside:80/tcp",
      "a>outside:icmp",
    ],
  },
  {
    name: "with all policies gone everything works again",
    deletes: [
      "/apis/projectcalico.org/v3/globalnetworkpolicies/early.outwards",
      "/apis/projectcalico.org/v3/tiers/early",
      "/apis/projectcalico.org/v3/globalnetworkpolicies/not-till",
      "/apis/projectcalico.org/v3/globalnetworkpolicies/web",
      "/apis/projectcalico.org/v3/namespaces/shop/networkpolicies/isolated",
    ],
    denied: [],
  },
];

/** All connections of the table. */
function connections(): Connection[] {
  const between = PODS.flatMap(({ name }) => allInto(name));
  return [...between, ...PODS.flatMap(({ name }) => [`${name}>outside:80/tcp`, `${name}>outside:icmp`])].sort();
}

function partsOf(connection: Connection): { readonly from: string; readonly to: string; readonly probe: string } {
  const [, from = "", to = "", probe = ""] = /^(\w+)>(\w+):(.+)$/.exec(connection)!;
  return { from, to, probe };
}

/** What must be: one line for each connection. */
function expected(state: State): string[] {
  return connections().map((one) => `${one} ${state.denied.includes(one) ? "fails" : "works"}`);
}

/** What the server says of each connection, now or at a position. */
function explained(info: LabInfo, at?: number): Promise<string[]> {
  const named = (name: string) => {
    const pod = PODS.find((one) => one.name === name);
    return pod === undefined ? info.external.address : `${pod.namespace}/${pod.name}`;
  };
  return Promise.all(
    connections().map(async (one) => {
      const { from, to, probe } = partsOf(one);
      const query = new URLSearchParams({ from: named(from), to: `${named(to)}:${probe}` });
      if (at !== undefined) query.set("at", String(at));
      const response = await fetch(`${info.api}/tortie/v1/explain?${query}`);
      const answer: unknown = await response.json();
      const verdict = isJsonObject(answer) ? answer.verdict : undefined;
      return `${one} ${verdict === "allow" ? "works" : verdict === "deny" ? "fails" : JSON.stringify(answer)}`;
    }),
  );
}

/** What real packets do. One that must be answered is tried again before it counts as lost: the machine may be busy. */
function seen(info: LabInfo, state: State): Promise<string[]> {
  const podOf = (name: string) => info.pods.find((pod) => pod.name === name);
  return Promise.all(
    connections().map(async (one) => {
      const { from, to, probe } = partsOf(one);
      const words = PROBES[probe]!(podOf(to)?.address ?? info.external.address).map((word) =>
        // An HTTP client of its own would wait for minutes.
        word === "wget" ? ["timeout", ANSWER_S, "busybox", "wget"] : [word]
      ).flat();
      for (let left = state.denied.includes(one) ? 1 : TRIES_MAX; left > 0; left--) {
        const { code } = await run(["nsenter", `--net=${podOf(from)!.netns}`, "busybox", ...words]);
        if (code === 0) return `${one} works`;
      }
      return `${one} fails`;
    }),
  );
}

/** A second real HTTP server in each pod, on a port that no Pod names. */
async function serveSecondPorts(lab: Lab, stack: AsyncDisposableStack): Promise<void> {
  for (const { netns } of (await lab.info()).pods) {
    const child = new Deno.Command("nsenter", {
      args: [`--net=${netns}`, "busybox", "httpd", "-f", "-p", "8080", "-h", `${lab.folder}/www/external`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    stack.defer(async () => {
      child.kill("SIGKILL");
      await child.status;
    });
    await eventually("the second server to listen", 5_000, async () => {
      const { stdout } = await run(["nsenter", `--net=${netns}`, "busybox", "netstat", "-ltn"]);
      return stdout.includes(":8080 ");
    });
  }
}

kernelTest(
  "policies in the lab: what is expected, explained and seen is the same, connection by connection",
  ["root", "nftables", "bird", "busybox", "nsenter"],
  (t) =>
    withLab(2, async (lab) => {
      await using stack = new AsyncDisposableStack();
      for (const name of ["shop", "till"]) {
        await lab.send("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
      }
      for (const { name, namespace, node, labels } of PODS) {
        await lab.must("run", name, "-n", namespace, "--node", node, "--labels", labels, "--http", "80");
      }
      await serveSecondPorts(lab, stack);
      const info = await lab.info();
      const positions: number[] = [];
      for (const state of STATES) {
        await t.step(state.name, async () => {
          for (const object of state.adds ?? []) await lab.apply(object);
          for (const path of state.deletes ?? []) await lab.send("DELETE", path);
          positions.push(await lab.level());
          assertEquals(await explained(info), expected(state), "explained");
          assertEquals(await seen(info, state), expected(state), "seen");
        });
      }
      await t.step("explain still tells every state that is past", async () => {
        for (const [at, state] of STATES.entries()) {
          assertEquals(await explained(info, positions[at]), expected(state), state.name);
        }
      });
      await t.step("no engine ever disagreed with another", async () => {
        const response = await fetch(`${info.api}/metrics`);
        assertMatch(await response.text(), /^tortie_policy_disagreements_total 0$/m);
      });
    }),
);
