/**
 * What a change of policy opens and closes, case by case.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { formatConnections } from "#/policy/reach/connection_set.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { diffReach } from "#/policy/reach/reach_diff.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import { namespace, NO_OBJECTS, policy, workload } from "#tests/unit/policy/policy_builders.ts";

const CLUSTER: PolicyObjects = {
  ...NO_OBJECTS,
  namespaces: [namespace("shop")],
  workloadEndpoints: [
    workload("shop", "web", ["10.0.0.1"], { labels: { app: "web" } }),
    workload("shop", "db", ["10.0.0.2"], { labels: { app: "db" } }),
  ],
};

/** One policy for `db`. */
function withRules(...ingress: readonly JsonObject[]): PolicyObjects {
  return { ...CLUSTER, policies: [policy("shop", "p", { selector: "app == 'db'", ingress: [...ingress] })] };
}

function changes(before: PolicyObjects, after: PolicyObjects): readonly string[] {
  return diffReach(compileObjects(before), compileObjects(after)).map(({ from, to, gained, lost, sourcePorts }) => {
    const moved = sourcePorts.length === 0 ? "" : ` ~ ${formatConnections(sourcePorts)}`;
    return `${from} -> ${to}: + ${formatConnections(gained)} - ${formatConnections(lost)}${moved}`;
  });
}

const tcp = (ports: (number | string)[], more: JsonObject = {}): JsonObject => ({
  action: "Allow",
  protocol: "TCP",
  destination: { ports },
  ...more,
});
const fromWeb = { source: { selector: "app == 'web'" } };

Deno.test("diffReach() tells gained and lost connections", () => {
  const before = withRules(tcp([80, 81], fromWeb));
  const after = withRules(tcp([81, 82], fromWeb));
  assertEquals(changes(before, after), ["shop/web -> shop/db: + TCP 82 - TCP 80"]);
  assertEquals(changes(after, before), ["shop/web -> shop/db: + TCP 80 - TCP 82"]);
});

Deno.test("diffReach() says nothing where another text means the same", () => {
  const before = withRules(tcp(["80:90"], fromWeb));
  const after = withRules(tcp(["80:85"], fromWeb), tcp(["84:90"], fromWeb), { action: "Deny" });
  assertEquals(changes(before, after), []);
});

Deno.test("diffReach() cuts the outside where either side does", () => {
  const nets = (...list: string[]) => ({ source: { nets: list } });
  const changed = changes(
    withRules(tcp([80], nets("192.0.2.0/24"))),
    withRules(tcp([80], nets("192.0.2.0/25", "198.51.100.0/24"))),
  );
  assertEquals(changed, [
    "192.0.2.128/25 -> shop/db: + none - TCP 80",
    "198.51.100.0/24 -> shop/db: + TCP 80 - none",
  ]);
});

Deno.test("diffReach() tells that only source ports changed", () => {
  const changed = changes(
    withRules(tcp([80], fromWeb)),
    withRules(tcp([80], { source: { ...fromWeb.source, ports: [53] } })),
  );
  assertEquals(changed, ["shop/web -> shop/db: + none - none ~ TCP 80"]);
});

Deno.test("diffReach() of a workload that comes: its pairs, and not the address that it takes", () => {
  const { workloadEndpoints } = CLUSTER;
  const changed = changes({ ...CLUSTER, workloadEndpoints: workloadEndpoints.slice(0, 1) }, CLUSTER);
  assertEquals(changed, [
    "shop/db -> shop/web: + All - none",
    "shop/db -> 0.0.0.0-10.0.0.0: + All - none",
    "shop/db -> 10.0.0.3-255.255.255.255: + All - none",
    "shop/web -> shop/db: + All - none",
    "0.0.0.0-10.0.0.0 -> shop/db: + All - none",
    "10.0.0.3-255.255.255.255 -> shop/db: + All - none",
  ]);
});
