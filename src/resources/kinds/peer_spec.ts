/**
 * What the kinds around policies say, as types: network sets, host endpoints, profiles and EndpointSlices, after admission. Read by the oracle and by
 * the projections; the zod schemas are checked against them.
 *
 * @module
 */
import type { Port, Protocol, Rule } from "#/resources/kinds/policy_spec.ts";

/** `spec` of a NetworkSet or GlobalNetworkSet. */
export interface NetworkSetSpec {
  /** CIDRs or addresses; host bits are allowed and masked. */
  readonly nets?: readonly string[];
}

/** A port that an endpoint gives a name. */
export interface EndpointPortSpec {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** `spec` of a HostEndpoint. At least one of `interfaceName` and `expectedIPs` is there. */
export interface HostEndpointSpec {
  readonly node: string;
  /** An interface's name, or `*` for all that have no endpoint of their own. */
  readonly interfaceName?: string;
  readonly expectedIPs?: readonly string[];
  readonly profiles?: readonly string[];
  readonly ports?: readonly EndpointPortSpec[];
}

/** `spec` of a Profile. */
export interface ProfileSpec {
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
  /** Labels that endpoints with the profile inherit. */
  readonly labelsToApply?: Readonly<Record<string, string>>;
}

/** Label of an EndpointSlice that names its Service. */
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/** An EndpointSlice of `discovery.k8s.io/v1`: its fields stand beside `metadata`, not in a spec. */
export interface EndpointSliceFields {
  readonly addressType: "IPv4" | "IPv6" | "FQDN";
  readonly endpoints?: readonly { readonly addresses?: readonly string[] }[];
  /** A port without a number is ignored; `protocol` is TCP when absent. */
  readonly ports?: readonly { readonly name?: string; readonly protocol?: string; readonly port?: Port }[];
}
