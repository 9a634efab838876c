/**
 * A cluster of labels for the selector bench: endpoints with six labels of their own and five of their namespace, and selectors as policies have them.
 * Namespaces and values have Zipf-like sizes, so that some selectors match many and most match few.
 *
 * @module
 */
import type { Selector } from "#/base/selector.ts";
import { parseSelector } from "#/base/selector_parser.ts";
import type { Labels } from "#/projections/label_index.ts";
import { type Seeded, seeded } from "./seeded.ts";

/** An endpoint and the namespace profile that it inherits labels from. */
export interface LabelledEndpoint {
  readonly id: string;
  readonly parent: string;
  readonly labels: Labels;
}

/** Everything that is matched. */
export interface LabelWorld {
  readonly parents: ReadonlyMap<string, Labels>;
  readonly endpoints: readonly LabelledEndpoint[];
  readonly selectors: readonly { readonly id: string; readonly selector: Selector }[];
}

/** How large a world is. */
export interface LabelWorldSize {
  readonly namespaces: number;
  readonly endpoints: number;
  readonly selectors: number;
}

const APPS = 200;
const TIERS = ["web", "api", "db", "cache", "batch"];
const ENVIRONMENTS = ["prod", "staging", "dev"];
const TEAMS = 20;

/** Makes a world; the same for the same sizes. */
export function labelWorld(size: LabelWorldSize): LabelWorld {
  const random = seeded(1);
  const parents = Array.from(
    { length: size.namespaces },
    (_, at) => [`kns.ns${at}`, namespaceLabels(random, at)] as const,
  );
  return {
    parents: new Map(parents),
    endpoints: Array.from({ length: size.endpoints }, (_, at) => ({
      id: `e${at}`,
      parent: `kns.ns${skewed(random, size.namespaces)}`,
      labels: endpointLabels(random, at),
    })),
    selectors: Array.from({ length: size.selectors }, (_, at) => ({
      id: `s:${at}`,
      selector: parsed(selectorText(random, size.namespaces)),
    })),
  };
}

/** Labels of a Pod: the application it is of, where it stands and what it is. */
export function endpointLabels(random: Seeded, at: number): Labels {
  return {
    app: `app-${skewed(random, APPS)}`,
    tier: random.pick(TIERS),
    version: `v${random.below(5)}`,
    "pod-template-hash": random.below(1 << 30).toString(36),
    "app.kubernetes.io/instance": `i${at % 50}`,
    ...random.chance(30) ? { canary: "true" } : { stable: "true" },
  };
}

function namespaceLabels(random: Seeded, at: number): Labels {
  return {
    "projectcalico.org/name": `ns${at}`,
    "pcns.env": random.pick(ENVIRONMENTS),
    "pcns.team": `team-${skewed(random, TEAMS)}`,
    "pcns.zone": `z${random.below(3)}`,
    "pcns.cost-center": `c${random.below(40)}`,
  };
}

/** Small numbers more often than large ones. */
function skewed(random: Seeded, end: number): number {
  return Math.min(random.below(end), random.below(end));
}

/** Most policies select an application in a namespace; the rest are a mix of everything the language has. */
function selectorText(random: Seeded, namespaces: number): string {
  const namespace = `projectcalico.org/name == 'ns${skewed(random, namespaces)}'`;
  const app = `app == 'app-${skewed(random, APPS)}'`;
  if (random.chance(55)) return `${namespace} && ${app}`;
  const mixed = [
    () => namespace,
    () => app,
    () => `app in {'app-${random.below(APPS)}', 'app-${random.below(APPS)}'} && pcns.env == 'prod'`,
    () => `has(canary) && pcns.team == 'team-${random.below(TEAMS)}'`,
    () => `!has(canary) && ${app}`,
    () => `tier not in {'web', 'api'} && ${namespace}`,
    () => `app starts with 'app-1${random.below(10)}' && tier == 'db'`,
    () => `app contains '${random.below(90) + 10}'`,
    () => `version != 'v${random.below(5)}' && ${app}`,
    () => `(${app} || tier == '${random.pick(TIERS)}') && ${namespace}`,
    () => `pcns.env == '${random.pick(ENVIRONMENTS)}' && tier == '${random.pick(TIERS)}'`,
  ];
  return random.pick(mixed)();
}

function parsed(text: string): Selector {
  const result = parseSelector(text);
  if (result.kind === "invalid") throw new Error(`Selector of the bench must be readable: ${result.message}`);
  return result.selector;
}
