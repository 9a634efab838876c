/**
 * The few words that random clusters are made of: addresses, networks, ports, selectors. So few that rules and flows meet; `policy_coverage.ts` counts
 * whether they do.
 *
 * @module
 */
import fc from "fast-check";
import type { JsonObject } from "#/base/json.ts";

/** Present in so many of 100 cases. Spelled out, because `fc.option` counts its frequency the other way round than one reads it. */
export function sometimes<T>(percent: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof(
    { weight: percent, arbitrary },
    { weight: 100 - percent, arbitrary: fc.constant(undefined) },
  );
}

/** One of the values, each as likely as it is often listed. */
export function oneOf<T>(...values: readonly T[]): fc.Arbitrary<T> {
  return fc.constantFrom<T[]>(...values);
}

/** Mostly the first; one time in `rarity` the second. */
export function rarely<T>(rarity: number, usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: rarity - 1, arbitrary: usual }, { weight: 1, arbitrary: odd });
}

/** As JSON, which is what objects hold: absent members are left out. */
export function asJson<T extends JsonObject | JsonObject[]>(value: unknown): T {
  return JSON.parse(JSON.stringify(value));
}

/** Labels without those that have no value. */
export function labelled(labels: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return JSON.parse(JSON.stringify(labels));
}

/** Namespaces with workloads and policies. */
export const NAMESPACES = ["n1", "n2"] as const;

/** Addresses at the edges of {@link NETS_4}: first, last, and one outside on either side. Workloads have those that end in 1 to 4, hosts 6 and 7. */
export const ADDRESSES_4: readonly string[] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((last) => `10.0.0.${last}`),
  "1.1.0.255",
  "1.1.1.0",
  "1.1.1.255",
  "1.1.2.0",
];
export const ADDRESSES_6: readonly string[] = [
  "fd00::",
  ...[1, 2, 3, 4, 5, 6, 7].map((last) => `fd00::${last}`),
  "2001:db8::1",
];

export const NETS_4: readonly string[] = [
  "10.0.0.0/30",
  "10.0.0.2/31",
  "10.0.0.1/32",
  "10.0.0.6/31",
  "1.1.1.0/24",
  "0.0.0.0/0",
];
export const NETS_6: readonly string[] = ["fd00::/126", "fd00::2/127", "fd00::6/127", "::/0"];

const someOf = (nets: readonly string[]) => fc.subarray([...nets], { minLength: 1, maxLength: 2 });

/** Networks of one family, seldom of both. */
export const nets: fc.Arbitrary<string[]> = fc.oneof(
  { weight: 5, arbitrary: someOf(NETS_4) },
  { weight: 3, arbitrary: someOf(NETS_6) },
  { weight: 1, arbitrary: fc.constant<string[]>(["10.0.0.0/30", "fd00::/126"]) },
);

/** The same without whole families. */
export const narrowNets: fc.Arbitrary<string[]> = nets.map((list) => list.filter((net) => !net.endsWith("/0")))
  .filter((list) => list.length > 0);

/** Selectors over endpoints. */
export const selector: fc.Arbitrary<string> = oneOf(
  "app == 'x'",
  "app == 'y'",
  "app != 'x'",
  "has(zone)",
  "!has(zone)",
  "app in {'x', 'y'} && !has(zone)",
  "app starts with 'x' || zone == 'z'",
  "all()",
  "pcns.env == 'a'",
);

/** Selectors over namespaces. */
export const namespaceSelector: fc.Arbitrary<string> = oneOf(
  "env == 'a'",
  "env != 'a'",
  "all()",
  "has(team)",
  "!has(team)",
  "projectcalico.org/name == 'n2'",
);

/** Ports that endpoints name. Two numbers of one name, and two protocols. */
export const endpointPorts: fc.Arbitrary<JsonObject[]> = fc.subarray<JsonObject>([
  { name: "http", protocol: "TCP", port: 8080 },
  { name: "http", protocol: "TCP", port: 80 },
  { name: "dns", protocol: "UDP", port: 53 },
  { name: "dns", protocol: "TCP", port: 53 },
]);

/** Names of policies, in an order that is not that of their joined texts. */
export const policyName: fc.Arbitrary<string> = oneOf("a", "a", "a-b", "a.b", "a0", "b");
