/**
 * The routes a node must have, and the steps from those it has. Pure: between observe and apply on the arrow. Routes to pods and blackholes of the node's own
 * blocks are ours (protocol 80); routes to other nodes' blocks are BIRD's (protocol 12) and never touched here.
 *
 * @module
 */
import { type Route, ROUTE_PROTOCOLS, type RouteSpec, type RouteStep } from "#/agents/kernel/kernel.ts";
import { sameRoute } from "#/agents/kernel/route_match.ts";
import { formatCidr, ipAsCidr } from "#/base/cidr.ts";
import { parseIp } from "#/base/ip.ts";
import type { EndpointItem, NodeState } from "#/projections/node_state.ts";

/** One step, and the difference that it makes good: `missing route 10.0.0.1/32 dev cali1 metric 1024`. */
export interface RouteChange {
  readonly step: RouteStep;
  readonly difference: string;
}

/** Metric of our routes; Calico's normal priority, so that BIRD's and ours can be told apart by rank too. */
const PRIORITY = 1024;

/** Types of route that a step can name, those of ours among them. */
const TYPES = ["unicast", "blackhole", "unreachable", "prohibit", "throw"] as const;

/**
 * Every route of ours that the state asks for, one for each destination. An endpoint whose interface is not there (yet, or any more) has no route. Of two
 * endpoints with the same address the one with the lower id has it.
 *
 * @param links the interfaces that exist, by name
 */
export function desiredRoutes(state: NodeState, links: { has(name: string): boolean }): RouteSpec[] {
  const items = [...state.values()];
  const endpoints = items.filter((item) => item.kind === "endpoint").filter((item) => links.has(item.interfaceName))
    .sort((a, b) => a.id < b.id ? -1 : 1);
  const blocks = items.filter((item) => item.kind === "route").filter(({ type, cidr }) =>
    type === "local" && !isHostRoute(cidr)
  );
  const routes = [
    ...endpoints.flatMap(endpointRoutes),
    ...blocks.map(({ cidr }): RouteSpec => ({
      destination: cidr,
      type: "blackhole",
      protocol: ROUTE_PROTOCOLS.tortie,
      priority: PRIORITY,
    })),
  ];
  return [...new Map(routes.toReversed().map((route) => [route.destination, route])).values()].toReversed();
}

function endpointRoutes({ addresses, interfaceName }: EndpointItem): RouteSpec[] {
  return addresses.flatMap((address): RouteSpec[] => {
    const ip = parseIp(address);
    if (ip === undefined) return [];
    const destination = formatCidr(ipAsCidr(ip));
    const scope = ip.version === 4 ? "link" : "global";
    return [{ destination, linkName: interfaceName, scope, protocol: ROUTE_PROTOCOLS.tortie, priority: PRIORITY }];
  });
}

function isHostRoute(cidr: string): boolean {
  return cidr.endsWith("/32") && !cidr.includes(":") || cidr.endsWith("/128");
}

/**
 * Steps from the routes of ours that the kernel has to those it should have: removals of what is in the way first, additions after.
 *
 * @param actual routes of protocol 80, main table
 */
export function planRoutes(desired: readonly RouteSpec[], actual: readonly Route[]): RouteChange[] {
  const ours = actual.filter(isOfOurMake);
  const wanted = Map.groupBy(desired, ({ destination }) => destination);
  const present = Map.groupBy(ours, ({ destination }) => destination);
  const isWanted = (route: Route) => (wanted.get(route.destination) ?? []).some((spec) => sameRoute(spec, route));
  const isPresent = (spec: RouteSpec) => (present.get(spec.destination) ?? []).some((route) => sameRoute(spec, route));
  return [
    ...ours.filter((route) => !isWanted(route)).map((route): RouteChange => ({
      step: { kind: "delete", route: specOf(route) },
      difference: `foreign route ${routeText(route)}`,
    })),
    ...desired.filter((spec) => !isPresent(spec)).map((route): RouteChange => ({
      step: { kind: "set", route },
      difference: `missing route ${routeText(route)}`,
    })),
  ];
}

/** Not of types that no agent makes, and not through an interface that went away while we looked. */
function isOfOurMake(route: Route): boolean {
  return TYPES.some((type) => type === route.type) && (route.type !== "unicast" || route.linkName !== undefined);
}

/** A route as people write it, of what tells ours from others. */
function routeText(route: RouteSpec | Route): string {
  const type = route.type ?? "unicast";
  const way = [
    ...route.gateway === undefined ? [] : [`via ${route.gateway}`],
    ...type === "unicast" ? [`dev ${route.linkName ?? "?"}`] : [],
  ];
  return [...type === "unicast" ? [] : [type], route.destination, ...way, `metric ${route.priority ?? 0}`].join(" ");
}

function specOf(route: Route): RouteSpec {
  const type = TYPES.find((name) => name === route.type);
  return {
    destination: route.destination,
    protocol: route.protocol,
    priority: route.priority,
    table: route.table,
    ...(route.scope === "other" ? {} : { scope: route.scope }),
    ...(type === undefined ? {} : { type }),
    ...(type !== "unicast" || route.linkName === undefined ? {} : { linkName: route.linkName }),
    ...(route.gateway === undefined ? {} : { gateway: route.gateway }),
  };
}
