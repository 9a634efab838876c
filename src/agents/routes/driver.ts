/**
 * Makes the node's routes what the node state says: observe, plan, apply, on the kernel port. Called by the agent's loop, once per pass.
 *
 * @module
 */
import { type Kernel, type Route, ROUTE_PROTOCOLS, type RouteSpec } from "#/agents/kernel/kernel.ts";
import { errorText } from "#/base/errors.ts";
import type { NodeState } from "#/projections/node_state.ts";
import { desiredRoutes, planRoutes } from "./plan.ts";

/** A step that failed. */
export interface RouteError {
  /** Of a route to an endpoint. */
  readonly interfaceName: string | undefined;
  /** The difference that stays, with the kernel's reason. */
  readonly message: string;
}

/** What one pass did. */
export interface RoutesOutcome {
  readonly written: readonly string[];
  /** Lines of what somebody else had changed since our last pass. */
  readonly drift: readonly string[];
  readonly errors: readonly RouteError[];
  /** Interfaces of endpoints that do not exist. */
  readonly missingInterfaces: ReadonlySet<string>;
}

/** Keeps our routes level. One per agent; not for concurrent use. */
export class RouteTable {
  /** Routes that were there after our last pass, and the interfaces by index. */
  #applied: { readonly routes: readonly RouteSpec[]; readonly links: ReadonlyMap<string, number> } | undefined;

  /** @param kernel the node's kernel */
  constructor(private readonly kernel: Pick<Kernel, "routes" | "links">) {}

  /** Makes the routes what the state says. Goes on after a step that fails: routes do not depend on each other. */
  async apply(state: NodeState): Promise<RoutesOutcome> {
    const [links, actual] = await Promise.all([
      this.kernel.links.dump(),
      this.kernel.routes.dump({ protocols: [ROUTE_PROTOCOLS.tortie] }),
    ]);
    const indexes = new Map(links.map((link) => [link.name, link.index]));
    const desired = desiredRoutes(state, indexes);
    const changes = planRoutes(desired, actual);
    const results = changes.length === 0 ? [] : await this.kernel.routes.apply(changes.map(({ step }) => step));
    const failed = new Set<RouteSpec>();
    const written: string[] = [];
    const errors: RouteError[] = [];
    for (const [at, { step, difference }] of changes.entries()) {
      const result = results[at];
      if (result?.kind !== "failed") written.push(difference);
      else {
        failed.add(step.route);
        errors.push({ interfaceName: step.route.linkName, message: `${difference}: ${errorText(result.error)}` });
      }
    }
    const drift = this.#drift(indexes, actual);
    this.#applied = { routes: desired.filter((route) => !failed.has(route)), links: indexes };
    const interfaces = [...state.values()].flatMap((item) => item.kind === "endpoint" ? [item.interfaceName] : []);
    const missingInterfaces = new Set(interfaces.filter((name) => !indexes.has(name)));
    return { written, drift, errors, missingInterfaces };
  }

  /** The kernel itself removes the routes of an interface that goes away or is made anew: of what was there, only the rest can drift. */
  #drift(links: ReadonlyMap<string, number>, actual: readonly Route[]): readonly string[] {
    if (this.#applied === undefined) return [];
    const { routes, links: before } = this.#applied;
    const stayed = routes.filter(({ linkName }) =>
      linkName === undefined || links.has(linkName) && links.get(linkName) === before.get(linkName)
    );
    return planRoutes(stayed, actual).map(({ difference }) => difference);
  }
}
