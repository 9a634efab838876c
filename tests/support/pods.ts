/**
 * Real pods on one real node for packet tests: namespaces joined as CNI joins them, each with a {@link Pod} that can be told to talk to others.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { NftablesTable } from "#/agents/nftables/driver.ts";
import { RouteTable } from "#/agents/routes/driver.ts";
import { ANY_SIDE, type ChainIr, type PolicyIr, policyKey, type RuleIr } from "#/policy/ir.ts";
import type { EndpointItem, NodeItem, NodeState } from "#/projections/node_state.ts";
import { stateOf } from "#tests/unit/agents/nftables/items.ts";
import { type TestNetns, withNetns } from "./netns.ts";
import type { PeerAnswer, PeerCommand } from "./pod_peer.ts";

/** What a test of packets needs of the machine. */
export const PACKET_NEEDS = ["root", "nftables", "ping", "nsenter"] as const;

/** Longest wait for a packet that must come. */
const ALLOWED_MS_MAX = 5_000;
/** How long a packet that must not come is waited for: it would take less than a millisecond. */
const DENIED_MS = 150;

/** Ports on which every pod listens, TCP and UDP. */
export const PORTS = [8080, 8081, 9090] as const;

/** A namespace with a program in it that talks. */
export class Pod implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #text = "";

  /** @param addresses where it listens once {@link ask}ed to */
  constructor(readonly name: string, readonly netns: string, readonly addresses: readonly string[]) {
    this.#child = new Deno.Command("nsenter", {
      args: [
        `--net=${netns}`,
        "--",
        Deno.execPath(),
        "run",
        "-A",
        "--unstable-net",
        "--no-config",
        new URL("./pod_peer.ts", import.meta.url).pathname,
      ],
      env: { DENO_NO_UPDATE_CHECK: "1" },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The pod's address of a family. */
  address(version: 4 | 6 = 4): string {
    const address = this.addresses.find((one) => one.includes(":") === (version === 6));
    assert(address !== undefined, `Expected pod ${this.name} to have an IPv${version} address`);
    return address;
  }

  /** Tells the program something; what it saw. One at a time. */
  async ask(command: PeerCommand): Promise<string | undefined> {
    await this.#input.write(new TextEncoder().encode(`${JSON.stringify(command)}\n`));
    while (!this.#text.includes("\n")) {
      const { value, done } = await this.#lines.read();
      assert(!done, `Expected the program of pod ${this.name} to answer`);
      this.#text += value;
    }
    const [line = "", ...rest] = this.#text.split("\n");
    this.#text = rest.join("\n");
    return (JSON.parse(line) as PeerAnswer).seen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close();
    await this.#lines.cancel();
    await this.#child.status;
  }
}

/** A way to talk: `tcp 8080`, `udp 8080`, `icmp`, each with ` v6`. */
export type Talk = string;

/** The node, its drivers and its pods. */
export interface Node {
  readonly netns: TestNetns;
  readonly pods: { readonly a: Pod; readonly b: Pod; readonly c: Pod };
  /** A machine beside the node, 172.18.0.3, that knows no way to pods; the node is 172.18.0.2. */
  readonly outside: Pod;
  readonly table: NftablesTable;
  /** Makes the node what a state says. */
  apply(state: NodeState, table?: NftablesTable): Promise<void>;
  /** Fails unless exactly these can talk, `a>b tcp 8080`, of those that are named. */
  expect(allowed: readonly string[], denied: readonly string[]): Promise<void>;
}

/** Runs a test's body on a node with three pods and a machine outside. Pods are closed until a state is applied. */
export function withPods(body: (node: Node) => Promise<void>): Promise<void> {
  return withNetns(async (netns) => {
    const { kernel } = netns;
    await using stack = new AsyncDisposableStack();
    await kernel.sysctls.write("net.ipv4.ip_forward", "1");
    await kernel.sysctls.write("net.ipv6.conf.all.forwarding", "1");
    const outsidePath = await netns.make("outside");
    await kernel.links.create({ type: "veth", name: "eth0", up: true, peer: { name: "eth0", netns: outsidePath } });
    await kernel.addresses.add("eth0", "172.18.0.2/24");
    const outsideKernel = netns.open(outsidePath);
    await outsideKernel.addresses.add("eth0", "172.18.0.3/24");
    await outsideKernel.links.change("eth0", { up: true });
    const outside = stack.use(new Pod("outside", outsidePath, ["172.18.0.3"]));
    const make = async (name: string, index: number): Promise<Pod> => {
      const addresses = [`10.0.0.${index}`, `fd00::${index}`];
      const path = await netns.make(name);
      await kernel.pods.create({ hostLink: `cali${name}`, netns: path, podLink: "eth0", addresses, mtu: 1500 });
      return stack.use(new Pod(name, path, addresses));
    };
    const pods = { a: await make("a", 1), b: await make("b", 2), c: await make("c", 3) };
    for (const pod of [...Object.values(pods), outside]) {
      assertEquals(await pod.ask({ do: "listen", addresses: pod.addresses, ports: PORTS }), "listening");
    }
    const routes = new RouteTable(kernel);
    const table = new NftablesTable(kernel.nft);
    await body({
      netns,
      pods,
      outside,
      table,
      apply: async (state, by = table) => {
        await by.apply(state);
        const { errors } = await routes.apply(state);
        assertEquals(errors, []);
      },
      expect: (allowed, denied) => expectTalk(netns, { ...pods, outside }, allowed, denied),
    });
  });
}

async function expectTalk(
  netns: TestNetns,
  pods: Readonly<Record<string, Pod>>,
  allowed: readonly string[],
  denied: readonly string[],
): Promise<void> {
  const seen: string[] = [];
  for (const [list, ms] of [[allowed, ALLOWED_MS_MAX], [denied, DENIED_MS]] as const) {
    for (const each of list) if (await talk(netns, pods, each, ms)) seen.push(each);
  }
  assertEquals(seen, [...allowed]);
}

async function talk(netns: TestNetns, pods: Readonly<Record<string, Pod>>, each: string, ms: number): Promise<boolean> {
  const [, from = "", to = "", way, port, version] = /^(\w+)>(\w+) (tcp|udp|icmp)(?: (\d+))?( v6)?$/.exec(each) ?? [];
  const [source, target] = [pods[from], pods[to]];
  assert(source !== undefined && target !== undefined, `Expected "a>b tcp 8080" or the like: got "${each}"`);
  const address = target.address(version === undefined ? 4 : 6);
  if (way === "icmp") {
    const ping = ["ping", "-c", "1", "-W", String(ms / 1000), address];
    return (await netns.exec(ping, { netns: source.netns })).code === 0;
  }
  return await source.ask({ do: way === "tcp" ? "tcp" : "udp", address, port: Number(port), ms }) !== undefined;
}

/** A policy with its key, as an item. */
export function policyItem(
  name: string,
  rules: { readonly ingress?: readonly RuleIr[]; readonly egress?: readonly RuleIr[] },
): NodeItem {
  const policy: PolicyIr = {
    ref: { kind: "NetworkPolicy", namespace: "shop", name },
    tier: "default",
    ingress: rules.ingress,
    egress: rules.egress,
  };
  return { kind: "policy", id: policyKey(policy.ref), policy };
}

/** The key of a policy of {@link policyItem}. */
export function keyOf(name: string): string {
  return `NetworkPolicy/shop/${name}`;
}

/** A chain of tiers that deny at their end, each given by the names of its policies; after them the profile of namespace `shop`. */
export function chain(...tiers: readonly (readonly string[])[]): ChainIr {
  return {
    tiers: tiers.map((names, at) => ({ tier: `t${at}`, defaultAction: "deny", policies: names.map(keyOf) })),
    profiles: ["Profile//kns.shop"],
  };
}

/** The endpoint of a pod, open to its profile unless chains are given. */
export function endpointItem(
  pod: Pod,
  chains: { readonly ingress?: ChainIr; readonly egress?: ChainIr } = {},
): EndpointItem {
  return {
    kind: "endpoint",
    id: `shop/node1-k8s-${pod.name}-eth0`,
    workload: `shop/${pod.name}`,
    interfaceName: `cali${pod.name}`,
    mac: undefined,
    addresses: pod.addresses,
    containerId: pod.name,
    ingress: chains.ingress ?? chain(),
    egress: chains.egress ?? chain(),
  };
}

/** A node state of items, with everything that chains may name but a test does not care for. */
export function stateWith(...items: readonly NodeItem[]): NodeState {
  return stateOf(items);
}

/** A side of a rule with the given members. */
export function side(members: Partial<RuleIr["source"]>): RuleIr["source"] {
  return { ...ANY_SIDE, ...members };
}
