/**
 * The truth tables, enforced: the nine pods on a lab of three nodes, every case's policies made through the API, every connection of the table tried with
 * real packets from real namespaces.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Json } from "#/base/json.ts";
import { apiVersionOf, type KubeObject } from "#/resources/object.ts";
import { KINDS } from "#/resources/registry.ts";
import { KUBERNETES_CASES } from "#tests/conformance/truth_tables/cases_kubernetes.ts";
import { TIER_CASES } from "#tests/conformance/truth_tables/cases_tiers.ts";
import { NAMESPACE_OBJECTS, POD_OBJECTS } from "#tests/conformance/truth_tables/cluster.ts";
import {
  differences,
  isAllowed,
  POD_NAMES,
  type PodName,
  PORTS,
  PROBES,
  type TruthCase,
} from "#tests/conformance/truth_tables/table.ts";
import { type Lab, withLab } from "#tests/support/lab.ts";
import type { PeerProbe } from "#tests/support/pod_peer.ts";
import { Pod } from "#tests/support/pods.ts";
import { eventually } from "#tests/support/program.ts";
import { kernelTest } from "#tests/support/requires.ts";

const NODES = 3;
/** Longest wait for a packet that must come, and how long one that must not is waited for: it would take less than a millisecond. */
const ALLOWED_MS_MAX = 5_000;
const DENIED_MS = 200;
const PODS_RUN_MS_MAX = 60_000;

function pathOf(object: KubeObject): string {
  const kind = KINDS.find((known) => apiVersionOf(known) === object.apiVersion && known.kind === object.kind);
  assert(kind !== undefined, `${object.apiVersion} ${object.kind}`);
  const { namespace } = object.metadata;
  const root = kind.group === "" ? "/api/v1" : `/apis/${object.apiVersion}`;
  return `${root}${namespace === undefined ? "" : `/namespaces/${namespace}`}/${kind.plural}`;
}

/** The pods, running, each with a program in its namespace that serves every port. */
async function startPods(lab: Lab, stack: AsyncDisposableStack): Promise<ReadonlyMap<PodName, Pod>> {
  for (const object of NAMESPACE_OBJECTS) await lab.send("POST", pathOf(object), object as unknown as Json);
  for (const [at, object] of POD_OBJECTS.entries()) {
    const placed = { ...object, spec: { ...object.spec, nodeName: `node${at % NODES + 1}` } };
    await lab.send("POST", pathOf(object), placed as unknown as Json);
  }
  await eventually("all pods to run", PODS_RUN_MS_MAX, async () => {
    const { pods } = await lab.info();
    return pods.length === POD_NAMES.length && pods.every(({ address }) => address !== "");
  });
  const pods = new Map<PodName, Pod>();
  for (const { namespace, name, netns, address } of (await lab.info()).pods) {
    const pod = stack.use(new Pod(`${namespace}/${name}`, netns, [address]));
    pods.set(`${namespace}/${name}` as PodName, pod);
    assertEquals(await pod.ask({ do: "listen", addresses: [address], ports: PORTS }), "listening");
  }
  return pods;
}

/** First source port of the UDP probes. No two cases share one: nodes let through what belongs to a flow that they once let through. */
const SOURCE_PORT_MIN = 10_000;

/** What real packets see, by index of the probes. */
async function seenBy(pods: ReadonlyMap<PodName, Pod>, one: TruthCase, round: number): Promise<boolean[]> {
  const seen = PROBES.map(() => false);
  await Promise.all(POD_NAMES.map(async (from) => {
    const indexes = PROBES.flatMap((probe, at) => probe.from === from ? [at] : []);
    const probes = indexes.map((at, nth): PeerProbe => {
      const { to, port, protocol } = PROBES[at]!;
      const ms = isAllowed(one, PROBES[at]!) ? ALLOWED_MS_MAX : DENIED_MS;
      const address = pods.get(to)!.address();
      return protocol === "TCP"
        ? { way: "tcp", address, port, ms }
        : { way: "udp", address, port, ms, sourcePort: SOURCE_PORT_MIN + round * indexes.length + nth };
    });
    const answer = await pods.get(from)!.ask({ do: "probe", probes });
    for (const [at, index] of indexes.entries()) seen[index] = answer?.[at] === ".";
  }));
  return seen;
}

kernelTest(
  "truth tables, enforced: real packets go where each table says",
  ["root", "nftables", "bird", "nsenter"],
  (t) =>
    withLab(NODES, async (lab) => {
      await using stack = new AsyncDisposableStack();
      const pods = await startPods(lab, stack);
      for (const [round, one] of [...KUBERNETES_CASES, ...TIER_CASES].entries()) {
        await t.step(one.name, async () => {
          for (const object of one.objects) await lab.send("POST", pathOf(object), object as unknown as Json);
          await lab.level();
          try {
            assertEquals(differences(one, await seenBy(pods, one, round)), []);
          } finally {
            for (const object of [...one.objects].reverse()) {
              await lab.send("DELETE", `${pathOf(object)}/${object.metadata.name}`);
            }
          }
        });
      }
    }),
);
