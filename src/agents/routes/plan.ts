/**
 * The routes a node must have, and the steps from those it has. Pure: between observe and apply on the arrow. Routes to pods and blackholes of the node's own
 * blocks are ours (protocol 80); routes to other nodes' blocks are BIRD's (protocol 12) and never touched here.
 *
 * @module
 */
import { type Route, ROUTE_PROTOCOLS, type RouteSpec, type RouteStep } from "#/agents/kernel/kernel.ts";
import { formatCidr, ipAsCidr } from "#/base/cidr.ts";
import { parseIp } from "#/base/ip.ts";
import type { NodeState } from "#/projections/node_state.ts";

/** Steps, and one line for each difference. */
export interface RoutePlan {
  readonly steps: readonly RouteStep[];
  readonly differences: readonly string[];
}

/** Metric of our routes; Calico's normal priority, so that BIRD's and ours can be told apart by rank too. */
const PRIORITY = 1024;

/**
 * Every route of ours that the state asks for. An endpoint whose interface is not there (yet, or any more) has no route.
 *
 * @param links the interfaces that exist, by name
 */
export function desiredRoutes(state: NodeState, links: { has(name: string): boolean }): RouteSpec[] {
  const routes: RouteSpec[] = [];
  for (const item of state.values()) {
    if (item.kind === "endpoint" && links.has(item.interfaceName)) {
      for (const address of item.addresses) {
        const ip = parseIp(address);
        if (ip === undefined) continue;
        routes.push({
          destination: formatCidr(ipAsCidr(ip)),
          linkName: item.interfaceName,
          scope: ip.version === 4 ? "link" : "global",
          protocol: ROUTE_PROTOCOLS.tortie,
          priority: PRIORITY,
        });
      }
    } else if (item.kind === "route" && item.type === "local" && !isHostRoute(item.cidr)) {
      routes.push({
        destination: item.cidr,
        type: "blackhole",
        protocol: ROUTE_PROTOCOLS.tortie,
        priority: PRIORITY,
      });
    }
  }
  return routes;
}

function isHostRoute(cidr: string): boolean {
  return cidr.endsWith("/32") && !cidr.includes(":") || cidr.endsWith("/128");
}

/** What tells one of our routes from another: where it goes and how. */
function routeKey(route: { destination: string; type?: string; linkName?: string; priority?: number }): string {
  const type = route.type ?? "unicast";
  return `${type === "unicast" ? "" : `${type} `}${route.destination}${
    type === "unicast" ? ` dev ${route.linkName ?? "?"}` : ""
  } metric ${route.priority ?? 0}`;
}

/**
 * Steps from the routes of ours that the kernel has to those it should have: removals of what is in the way first, additions after.
 *
 * @param actual routes of protocol 80, main table
 */
export function planRoutes(desired: readonly RouteSpec[], actual: readonly Route[]): RoutePlan {
  const wanted = new Map(desired.map((route) => [routeKey(route), route]));
  const present = new Map(actual.map((route) => [routeKey(route), route]));
  const foreign = [...present].filter(([key]) => !wanted.has(key));
  const missing = [...wanted].filter(([key]) => !present.has(key));
  return {
    steps: [
      ...foreign.map(([, route]): RouteStep => ({ kind: "delete", route: specOf(route) })),
      ...missing.map(([, route]): RouteStep => ({ kind: "set", route })),
    ],
    differences: [
      ...foreign.map(([key]) => `foreign route ${key}`),
      ...missing.map(([key]) => `missing route ${key}`),
    ],
  };
}

function specOf(route: Route): RouteSpec {
  const types = ["unicast", "blackhole", "unreachable", "prohibit", "throw"] as const;
  const type = types.find((name) => name === route.type);
  return {
    destination: route.destination,
    protocol: route.protocol,
    priority: route.priority,
    table: route.table,
    ...(route.scope === "other" ? {} : { scope: route.scope }),
    ...(type === undefined ? {} : { type }),
    ...(route.linkName === undefined ? {} : { linkName: route.linkName }),
    ...(route.gateway === undefined ? {} : { gateway: route.gateway }),
  };
}
