/**
 * The plainest matcher that keeps up with changes, behind the same port as the label index: merged labels per endpoint, every selector tried on every endpoint
 * that changed, every endpoint tried with every new selector.
 *
 * @module
 */
import { matchSelector, type Selector } from "#/base/selector.ts";
import type { Labels, MatchDelta, SelectorIndex } from "#/projections/label_index.ts";

interface Endpoint {
  readonly labels: Labels;
  readonly parents: readonly string[];
  merged: ReadonlyMap<string, string>;
  readonly matches: Set<string>;
}

interface Filed {
  readonly selector: Selector;
  readonly matches: Set<string>;
  uses: number;
}

const NONE: ReadonlySet<string> = new Set();

/** An empty one. */
export function createNaiveIndex(): SelectorIndex {
  const endpoints = new Map<string, Endpoint>();
  const children = new Map<string, Set<string>>();
  const parents = new Map<string, Labels>();
  const selectors = new Map<string, Filed>();
  const rematch = (id: string): MatchDelta[] => {
    const endpoint = endpoints.get(id)!;
    const sources = [...endpoint.parents.map((parent) => parents.get(parent) ?? {}).reverse(), endpoint.labels];
    endpoint.merged = new Map(sources.flatMap((labels) => Object.entries(labels)));
    return [...selectors].flatMap(([selector, filed]) => {
      const matches = matchSelector(filed.selector, (key) => endpoint.merged.get(key));
      if (matches === endpoint.matches.has(selector)) return [];
      if (matches) filed.matches.add(id);
      else filed.matches.delete(id);
      if (matches) endpoint.matches.add(selector);
      else endpoint.matches.delete(selector);
      return [{ selector, endpoint: id, change: matches ? "started" as const : "stopped" as const }];
    });
  };
  const setParent = (id: string, labels: Labels | undefined): MatchDelta[] => {
    if (labels === undefined) parents.delete(id);
    else parents.set(id, labels);
    return [...children.get(id) ?? NONE].flatMap(rematch);
  };
  const removeEndpoint = (id: string): MatchDelta[] => {
    const endpoint = endpoints.get(id);
    if (endpoint === undefined) return [];
    for (const parent of endpoint.parents) children.get(parent)?.delete(id);
    for (const selector of endpoint.matches) selectors.get(selector)!.matches.delete(id);
    endpoints.delete(id);
    return [...endpoint.matches].map((selector) => ({ selector, endpoint: id, change: "stopped" }));
  };
  return {
    upsertEndpoint(id, labels, itsParents) {
      const old = endpoints.get(id);
      for (const parent of old?.parents ?? []) children.get(parent)?.delete(id);
      for (const parent of itsParents) children.set(parent, (children.get(parent) ?? new Set()).add(id));
      endpoints.set(id, { labels, parents: itsParents, merged: new Map(), matches: old?.matches ?? new Set() });
      return rematch(id);
    },
    removeEndpoint,
    upsertParent: setParent,
    removeParent: (id) => setParent(id, undefined),
    addSelector(id, selector) {
      const known = selectors.get(id);
      if (known !== undefined) {
        known.uses += 1;
        return known.matches;
      }
      const matches = new Set<string>();
      for (const [endpoint, { merged, matches: its }] of endpoints) {
        if (!matchSelector(selector, (key) => merged.get(key))) continue;
        matches.add(endpoint);
        its.add(id);
      }
      selectors.set(id, { selector, matches, uses: 1 });
      return matches;
    },
    removeSelector(id) {
      const filed = selectors.get(id)!;
      filed.uses -= 1;
      if (filed.uses > 0) return;
      selectors.delete(id);
      for (const endpoint of filed.matches) endpoints.get(endpoint)?.matches.delete(id);
    },
    endpointsOf: (selector) => selectors.get(selector)?.matches ?? NONE,
    selectorsOf: (endpoint) => endpoints.get(endpoint)?.matches ?? NONE,
  };
}
