/**
 * The shape of a truth table: which of nine pods reaches which on which port, as the end-to-end tests of Kubernetes' network policies have it. A case
 * names what is denied; everything else must work. `cases_*.ts` has the cases, `truth_table_test.ts` asks every engine, the lab asks kernels.
 *
 * @module
 */
import type { JsonObject } from "#/base/json.ts";
import type { KubeObject } from "#/resources/object.ts";

/** The namespaces of the table; each has the label `ns` with its name. */
export const NAMESPACES = ["x", "y", "z"] as const;
/** The pods of each namespace; each has the label `pod` with its name. */
export const PODS = ["a", "b", "c"] as const;
/** Ports that every pod serves, over each protocol; their names are `serve-80-tcp` and the like. */
export const PORTS = [80, 81] as const;
/** Protocols served. */
export const PROTOCOLS = ["TCP", "UDP"] as const;

/** One pod of the table, `x/a`. */
export type PodName = `${typeof NAMESPACES[number]}/${typeof PODS[number]}`;

/** One question: a connection between two pods. */
export interface Probe {
  readonly from: PodName;
  readonly to: PodName;
  readonly port: typeof PORTS[number];
  readonly protocol: typeof PROTOCOLS[number];
}

/**
 * What a case denies: all connections that fit. `from` and `to` are `x/a`, `x/*` or `*`; a leading `!` turns them round. Absent members fit
 * everything.
 */
export interface Denied {
  readonly from?: string;
  readonly to?: string;
  readonly port?: Probe["port"];
  readonly protocol?: Probe["protocol"];
}

/** Policies, and what they deny. */
export interface TruthCase {
  readonly name: string;
  /** As users write them, in an order in which each finds what it names. */
  readonly objects: readonly KubeObject[];
  readonly denied: readonly Denied[];
}

/** Every pod. */
export const POD_NAMES: readonly PodName[] = NAMESPACES.flatMap((namespace) =>
  PODS.map((pod): PodName => `${namespace}/${pod}`)
);

/** Every question of a table, in a fixed order. A pod is not asked about itself: what it sends itself does not leave it. */
export const PROBES: readonly Probe[] = POD_NAMES.flatMap((from) =>
  POD_NAMES.filter((to) => to !== from).flatMap((to) =>
    PORTS.flatMap((port) => PROTOCOLS.map((protocol) => ({ from, to, port, protocol })))
  )
);

/** Whether a connection must work. */
export function isAllowed(one: TruthCase, probe: Probe): boolean {
  return !one.denied.some((denied) =>
    fits(denied.from, probe.from) && fits(denied.to, probe.to) &&
    (denied.port ?? probe.port) === probe.port && (denied.protocol ?? probe.protocol) === probe.protocol
  );
}

function fits(pattern: string | undefined, pod: PodName): boolean {
  if (pattern === undefined || pattern === "*") return true;
  if (pattern.startsWith("!")) return !fits(pattern.slice(1), pod);
  return pattern.endsWith("/*") ? pod.startsWith(pattern.slice(0, -1)) : pattern === pod;
}

/**
 * The table as people read it: a row for each sender, a column for each receiver, expected beside seen where they differ. `.` works, `X` fails.
 *
 * @param seen by index of {@link PROBES}
 */
export function differences(one: TruthCase, seen: readonly boolean[]): string[] {
  const lines: string[] = [];
  for (const port of PORTS) {
    for (const protocol of PROTOCOLS) {
      const cellsOf = (from: PodName, answer: (at: number) => boolean) =>
        POD_NAMES.map((to) => {
          const at = PROBES.findIndex((probe) =>
            probe.from === from && probe.to === to && probe.port === port && probe.protocol === protocol
          );
          return at < 0 ? "-" : answer(at) ? "." : "X";
        }).join(" ");
      const rows = POD_NAMES.map((from) => ({
        from,
        expected: cellsOf(from, (at) => isAllowed(one, PROBES[at]!)),
        actual: cellsOf(from, (at) => seen[at] === true),
      }));
      if (rows.every(({ expected, actual }) => expected === actual)) continue;
      lines.push(`${one.name}: ${port}/${protocol}, expected and seen; columns ${POD_NAMES.join(" ")}`);
      lines.push(...rows.map((row) => `  ${row.from}  ${row.expected}   ${row.actual}`));
    }
  }
  return lines;
}

/** A Kubernetes NetworkPolicy. */
export function knp(namespace: string, name: string, spec: JsonObject): KubeObject {
  return { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name, namespace }, spec };
}

/** An object of `projectcalico.org/v3`. */
export function calico(kind: string, name: string, spec: JsonObject, namespace?: string): KubeObject {
  return {
    apiVersion: "projectcalico.org/v3",
    kind,
    metadata: namespace === undefined ? { name } : { name, namespace },
    spec,
  };
}

/** An AdminNetworkPolicy, BaselineAdminNetworkPolicy or ClusterNetworkPolicy. */
export function clusterWide(kind: string, name: string, spec: JsonObject): KubeObject {
  const version = kind === "ClusterNetworkPolicy" ? "v1alpha2" : "v1alpha1";
  return { apiVersion: `policy.networking.k8s.io/${version}`, kind, metadata: { name }, spec };
}
