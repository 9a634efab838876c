/**
 * From a policy's POST to its effect in the kernel, in a lab of three nodes: a prober sends a datagram every half millisecond from a Pod on one node to a Pod
 * on another, and an allow policy comes and goes. Measured from the start of the request to the first datagram that passes (or the first that does not).
 *
 *     deno run -A benches/policy_effect.ts [--quick]
 *
 * @module
 */
import { BENCH_NAMESPACE, type BenchLab, runPod, waitUntilLevel, withBenchLab } from "./support/bench_lab.ts";
import { quantile } from "./support/compare.ts";
import { type BenchOptions, type BenchRow, duration, runBench } from "./support/rows.ts";
import { preciseNow, UdpProbe } from "./support/udp_probe.ts";

const TOGGLES = 100;
const QUICK_TOGGLES = 3;
const POLICIES = `/apis/projectcalico.org/v3/namespaces/${BENCH_NAMESPACE}/networkpolicies`;

function ingressPolicy(name: string, order: number, ingress: { readonly action: string }[]) {
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "NetworkPolicy",
    metadata: { name, namespace: BENCH_NAMESPACE },
    spec: { order, selector: "app == 'server'", types: ["Ingress"], ingress },
  };
}

const ALLOW = ingressPolicy("allow", 1, [{ action: "Allow" }]);
const DENY = ingressPolicy("deny", 2, [{ action: "Deny" }]);

/** What was measured, in milliseconds each. */
interface Times {
  readonly postAnswered: number[];
  readonly postEffective: number[];
  readonly deleteEffective: number[];
}

/** Makes the allow policy and takes it away again. */
async function toggle({ api }: BenchLab, probe: UdpProbe, times: Times): Promise<void> {
  const posted = preciseNow();
  await api.call("POST", POLICIES, ALLOW);
  times.postAnswered.push(preciseNow() - posted);
  times.postEffective.push(await probe.settled(true, posted) - posted);
  const deleted = preciseNow();
  await api.call("DELETE", `${POLICIES}/${ALLOW.metadata.name}`);
  times.deleteEffective.push(await probe.settled(false, deleted) - deleted);
}

function row(bench: string, times: readonly number[], target?: string): BenchRow {
  const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
  return {
    bench: `${bench}, n = ${times.length}`,
    ours: `p50 ${duration(p50)}, p99 ${duration(p99)}`,
    ...target === undefined ? {} : { target: { text: target } },
    values: { p50Ms: p50, p99Ms: p99 },
  };
}

async function policyEffect({ quick }: BenchOptions): Promise<BenchRow[]> {
  return await withBenchLab(async (lab) => {
    const server = await runPod(lab, { name: "server", node: "node1", labels: { app: "server" } });
    const client = await runPod(lab, { name: "client", node: "node2", labels: { app: "client" } });
    await using probe = new UdpProbe({ fromNetns: client.netns, toNetns: server.netns, address: server.address });
    const times: Times = { postAnswered: [], postEffective: [], deleteEffective: [] };
    // Both answers are right before anything is timed: open without a policy, closed by one, opened by an earlier one.
    await probe.settled(true, preciseNow());
    await lab.api.call("POST", POLICIES, DENY);
    await probe.settled(false, preciseNow());
    await toggle(lab, probe, { postAnswered: [], postEffective: [], deleteEffective: [] });
    await waitUntilLevel(lab);
    for (let count = 0; count < (quick ? QUICK_TOGGLES : TOGGLES); count++) await toggle(lab, probe, times);
    return [
      row(
        "policy POST to first packet allowed",
        times.postEffective,
        "P4: p50 <= 5 ms, p99 <= 20 ms, in a full cluster",
      ),
      row("policy DELETE to first packet denied", times.deleteEffective),
      row("policy POST to its answer", times.postAnswered),
    ];
  });
}

if (import.meta.main) await runBench(policyEffect);
