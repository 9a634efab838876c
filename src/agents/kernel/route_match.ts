/**
 * Whether the kernel's route is the one that a spec asks for. Pure; for whoever compares desired routes with observed ones.
 *
 * @module
 */
import { parseCidrOrIp } from "#/base/cidr.ts";
import type { Route, RouteSpec } from "./kernel.ts";
import { effectiveScope, MAIN_TABLE } from "./rtnetlink_route.ts";

const IPV6_PRIORITY = 1024;

/**
 * Compares all that the spec says or leaves to the kernel's defaults: destination, type, gateway, link, owner, priority, scope, source and table.
 * What IPv6 does not have (scopes) or rewrites (the link of a blackhole, which it sets to the loopback) does not count. A multipath route is
 * never the same, as a spec has one way.
 */
export function sameRoute(spec: RouteSpec, route: Route): boolean {
  const destination = parseCidrOrIp(spec.destination);
  const ipv6 = destination?.version === 6;
  const type = spec.type ?? "unicast";
  return route.nextHops.length === 0 &&
    route.destination === spec.destination &&
    route.type === type &&
    route.gateway === spec.gateway &&
    (type !== "unicast" || spec.linkName === undefined || route.linkName === spec.linkName) &&
    route.protocol === spec.protocol &&
    route.priority === (spec.priority ?? (ipv6 ? IPV6_PRIORITY : 0)) &&
    (ipv6 || route.scope === effectiveScope(spec)) &&
    route.source === spec.source &&
    route.table === (spec.table ?? MAIN_TABLE);
}
