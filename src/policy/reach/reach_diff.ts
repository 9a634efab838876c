/**
 * What a change of policy opens and closes: two reaches compared exactly, pair by pair. Answers `tortie plan`.
 *
 * @module
 */
import type { CompiledPolicies } from "#/policy/compiled.ts";
import type { Connections } from "#/policy/reach/connection_set.ts";
import { portHeaders, type ReachOptions } from "#/policy/reach/reach.ts";
import { allowedBetweenParties, partiesOf, tellPairs } from "#/policy/reach/reach_parties.ts";
import {
  anySourcePort,
  connectionsOf,
  differenceOf,
  type HeaderSets,
  intersectionOf,
  unionOf,
} from "#/policy/reach/reach_sets.ts";
import { reachWorlds } from "#/policy/reach/reach_world.ts";

/** How the connections from one end to another change. Something does. */
export interface ReachChange {
  readonly from: string;
  readonly to: string;
  /** Allowed after and not before. */
  readonly gained: Connections;
  /** Allowed before and not after. */
  readonly lost: Connections;
  /** Allowed before and after, but from other source ports. */
  readonly sourcePorts: Connections;
}

/**
 * Compares before with after, pair by pair. Address ranges are cut where either side has a cut and merged again where the change is the same; an address
 * that an endpoint has on one side only is no outside address on either. An end that is there on one side only has nothing on the other.
 *
 * @example
 * ```ts
 * import { diffReach } from "#/policy/reach/reach_diff.ts";
 * const nothing = { endpoints: [], hostEndpoints: [], policies: new Map(), sets: new Map() };
 * if (diffReach(nothing, nothing).length !== 0) throw new Error();
 * ```
 */
export function diffReach(
  before: CompiledPolicies,
  after: CompiledPolicies,
  options: ReachOptions = {},
): readonly ReachChange[] {
  const worlds = reachWorlds([before, after], options);
  const { sets } = worlds[0]!;
  const asked = portHeaders(sets, options.port);
  const changes = new Map<string, Change>();
  const told = tellPairs(partiesOf(worlds, options), options, (from, to, isWithin) => {
    const [old, now] = worlds.map((world, index) =>
      intersectionOf(sets, allowedBetweenParties(world, index, from, to, isWithin), asked)
    );
    return old === now ? undefined : changeIn(sets, changes, old!, now!);
  });
  return [...told].map(({ from, to, answer }) => ({ from, to, ...answer }));
}

type Change = Omit<ReachChange, "from" | "to">;

/** The change from one set of headers to another, one object for each. */
function changeIn(sets: HeaderSets, changes: Map<string, Change>, old: number, now: number): Change {
  const [oldAny, nowAny] = [anySourcePort(sets, old), anySourcePort(sets, now)];
  const gained = differenceOf(sets, nowAny, oldAny);
  const lost = differenceOf(sets, oldAny, nowAny);
  const moved = unionOf(sets, differenceOf(sets, now, old), differenceOf(sets, old, now));
  const kept = intersectionOf(sets, oldAny, nowAny);
  const sourcePorts = intersectionOf(sets, anySourcePort(sets, moved), kept);
  const key = `${gained} ${lost} ${sourcePorts}`;
  const known = changes.get(key);
  if (known !== undefined) return known;
  const change = {
    gained: connectionsOf(sets, gained),
    lost: connectionsOf(sets, lost),
    sourcePorts: connectionsOf(sets, sourcePorts),
  };
  changes.set(key, change);
  return change;
}
