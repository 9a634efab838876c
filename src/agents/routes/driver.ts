/**
 * Makes the node's routes what the node state says: observe, plan, apply, on the kernel port. Called by the agent's loop, once per pass.
 *
 * @module
 */
import { type Kernel, type Route, ROUTE_PROTOCOLS, type RouteSpec } from "#/agents/kernel/kernel.ts";
import { errorText } from "#/base/errors.ts";
import type { NodeState } from "#/projections/node_state.ts";
import { desiredRoutes, planRoutes } from "./plan.ts";

/** What one pass did. */
export interface RoutesOutcome {
  readonly written: readonly string[];
  /** Lines of what somebody else had changed since our last pass. */
  readonly drift: readonly string[];
  /** Steps that failed, with the kernel's reason. */
  readonly errors: readonly string[];
  /** Interfaces of endpoints that do not exist. */
  readonly missingInterfaces: ReadonlySet<string>;
}

/** Keeps our routes level. One per agent; not for concurrent use. */
export class RouteTable {
  #applied: { readonly routes: readonly RouteSpec[]; readonly links: ReadonlyMap<string, number> } | undefined;

  /** @param kernel the node's kernel */
  constructor(private readonly kernel: Pick<Kernel, "routes" | "links">) {}

  /** Makes the routes what the state says. */
  async apply(state: NodeState): Promise<RoutesOutcome> {
    const [links, actual] = await Promise.all([
      this.kernel.links.dump(),
      this.kernel.routes.dump({ protocols: [ROUTE_PROTOCOLS.tortie] }),
    ]);
    const indexes = new Map(links.map((link) => [link.name, link.index]));
    const desired = desiredRoutes(state, indexes);
    const plan = planRoutes(desired, actual);
    const results = plan.steps.length === 0 ? [] : await this.kernel.routes.apply(plan.steps);
    const errors = results.flatMap((result, at) =>
      result.kind === "failed" ? [`${plan.differences[at]}: ${errorText(result.error)}`] : []
    );
    const drift = this.#drift(indexes, actual);
    this.#applied = { routes: desired, links: indexes };
    const wanted = [...state.values()].filter((item) => item.kind === "endpoint").map((item) => item.interfaceName);
    return {
      written: plan.differences,
      drift,
      errors,
      missingInterfaces: new Set(wanted.filter((name) => !indexes.has(name))),
    };
  }

  /** The kernel itself removes the routes of an interface that goes away or is made anew: only those of interfaces that stayed can drift. */
  #drift(links: ReadonlyMap<string, number>, actual: readonly Route[]): readonly string[] {
    const before = this.#applied;
    if (before === undefined) return [];
    const stayed = before.routes.filter(({ linkName }) =>
      linkName === undefined || links.has(linkName) && links.get(linkName) === before.links.get(linkName)
    );
    const ours = new Set(stayed.map((route) => route.linkName));
    return planRoutes(stayed, actual.filter((route) => route.linkName === undefined || ours.has(route.linkName)))
      .differences;
  }
}
