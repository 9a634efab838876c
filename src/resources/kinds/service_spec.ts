/**
 * What Services say, as types: `spec` after admission. Read by the rules of the kind and by whoever works out a Service's endpoints.
 *
 * Source: k8s.io/api/core/v1.
 *
 * @module
 */
import type { KubeObject } from "#/resources/object.ts";

/** `clusterIP` of a Service without an address: its name stands for its pods. */
export const HEADLESS = "None";

/** A family of addresses, as Services and EndpointSlices write it. */
export type FamilyName = "IPv4" | "IPv6";

/** A protocol that has ports. */
export type ServiceProtocol = "TCP" | "UDP" | "SCTP";

/** A port of a Service. */
export interface ServicePort {
  readonly name?: string;
  /** TCP when absent. */
  readonly protocol?: ServiceProtocol;
  readonly port: number;
  /** Number or name; `port` when absent. */
  readonly targetPort?: number | string;
  readonly nodePort?: number;
  readonly appProtocol?: string;
}

/** `spec` of a Service. */
export interface ServiceSpec {
  /** ClusterIP when absent. */
  readonly type?: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
  /** Absent or empty: nobody works out the endpoints. */
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly ServicePort[];
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly ipFamilies?: readonly FamilyName[];
  readonly ipFamilyPolicy?: "SingleStack" | "PreferDualStack" | "RequireDualStack";
  readonly externalName?: string;
  readonly externalIPs?: readonly string[];
  readonly loadBalancerSourceRanges?: readonly string[];
  readonly loadBalancerClass?: string;
  readonly allocateLoadBalancerNodePorts?: boolean;
  readonly healthCheckNodePort?: number;
  readonly publishNotReadyAddresses?: boolean;
  readonly sessionAffinity?: "None" | "ClientIP";
  readonly sessionAffinityConfig?: { readonly clientIP?: { readonly timeoutSeconds?: number } };
  readonly internalTrafficPolicy?: "Cluster" | "Local";
  readonly externalTrafficPolicy?: "Cluster" | "Local";
}

/** What is read of a Service's `status`. */
export interface ServiceStatus {
  readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] };
}

/** The spec of an admitted Service. */
export function serviceSpecOf(object: KubeObject): ServiceSpec {
  return (object.spec ?? {}) as unknown as ServiceSpec;
}
