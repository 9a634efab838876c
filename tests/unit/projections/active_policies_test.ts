/**
 * Which endpoints a change of policies or tiers dirties, and the chains that come of it.
 *
 * @module
 */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { lowerPolicy } from "#/policy/lowering/lower.ts";
import {
  applyMatchToPolicies,
  chainsOf,
  createActivePolicies,
  setEndpoint,
  setPolicy,
  setTier,
} from "#/projections/active_policies.ts";
import type { PlacedEndpoint } from "#/projections/endpoint_reader.ts";
import { createLabelIndex } from "#/projections/label_index.ts";
import { v3 } from "#tests/support/network_objects.ts";

const ENDPOINT: PlacedEndpoint = {
  kind: "workload",
  id: "shop/e",
  workload: "shop/e",
  node: "n1",
  interfaceName: "cali1",
  mac: undefined,
  addresses: [],
  containerId: undefined,
  profiles: ["kns.shop"],
};

function policy(name: string, spec: Record<string, string | number | readonly string[]>) {
  return lowerPolicy(v3("GlobalNetworkPolicy", name, { tier: "default", types: ["Ingress"], ...spec }), 1);
}

function newWorld() {
  const index = createLabelIndex();
  const active = createActivePolicies();
  setEndpoint(active, "web", ENDPOINT);
  index.upsertEndpoint("web", { app: "web" }, []);
  setEndpoint(active, "db", ENDPOINT);
  index.upsertEndpoint("db", { app: "db" }, []);
  const take = () => {
    const dirty = [...active.dirtyEndpoints].sort();
    active.dirtyEndpoints.clear();
    return dirty;
  };
  take();
  return {
    index,
    active,
    take,
    set: (name: string, lowered: ReturnType<typeof policy> | undefined) => setPolicy(active, index, name, lowered),
  };
}

Deno.test("setPolicy() dirties the endpoints whose chains differ, and no other", () => {
  const { set, take, active, index } = newWorld();
  set("p", policy("p", { selector: "app == 'web'" }));
  assertEquals(take(), ["web"]);
  set("p", policy("p", { selector: "app == 'web'" }));
  assertEquals(take(), [], "the same again");
  set("p", policy("p", { selector: "app == 'db'" }));
  assertEquals(take(), ["db", "web"], "old and new subject");
  set("p", policy("p", { selector: "app == 'db'", order: 5 }));
  assertEquals(take(), ["db"], "order");
  set("p", policy("p", { selector: "app == 'db'", order: 5, types: ["Egress"] }));
  assertEquals(take(), ["db"], "types");
  set("p", undefined);
  assertEquals(take(), ["db"]);
  assertEquals([active.bySubject.size, active.byTier.size, active.policies.size], [0, 0, 0]);
  assertEquals([...index.selectorsOf("db")], []);
});

Deno.test("setTier() dirties the endpoints of its policies when its place or end changes", () => {
  const { set, take, active, index } = newWorld();
  set("p", policy("p", { tier: "early", selector: "app == 'web'" }));
  take();
  setTier(active, index, "early", { name: "early", order: 1, defaultAction: "deny" });
  assertEquals(take(), ["web"]);
  setTier(active, index, "early", { name: "early", order: 1, defaultAction: "deny" });
  setTier(active, index, "other", { name: "other", order: 1, defaultAction: "deny" });
  assertEquals(take(), []);
  setTier(active, index, "early", { name: "early", order: 1, defaultAction: "pass" });
  assertEquals(take(), ["web"]);
  setTier(active, index, "early", undefined);
  assertEquals(take(), ["web"]);
});

Deno.test("chainsOf() orders tiers and policies and splits directions", () => {
  const { set, active, index } = newWorld();
  setTier(active, index, "default", { name: "default", order: 1_000_000, defaultAction: "deny" });
  setTier(active, index, "early", { name: "early", order: 10, defaultAction: "pass" });
  set("1", policy("late", {}));
  set("2", policy("first", { order: 1, types: ["Ingress", "Egress"] }));
  set("3", policy("a-b", {}));
  set("4", policy("ruled", { tier: "early", types: ["Egress"] }));
  set("5", policy("lost", { tier: "missing" }));
  set("6", policy("db", { selector: "app == 'db'" }));
  const chains = chainsOf(active, index, "web");
  assert(chains.kind === "workload");
  const { ingress, egress } = chains.compiled;
  const key = (name: string) => `GlobalNetworkPolicy//${name}`;
  assertEquals(ingress, {
    tiers: [
      { tier: "default", defaultAction: "deny", policies: ["first", "a-b", "late"].map(key) },
      { tier: "missing", defaultAction: "deny", policies: [key("lost")] },
    ],
    profiles: ["Profile//kns.shop"],
  });
  assertEquals(egress.tiers, [
    { tier: "early", defaultAction: "pass", policies: [key("ruled")] },
    { tier: "default", defaultAction: "deny", policies: [key("first")] },
  ]);
});

Deno.test("applyMatchToPolicies() heeds subjects of policies on placed endpoints alone", () => {
  const { set, take, active } = newWorld();
  set("p", policy("p", { selector: "app == 'web'" }));
  take();
  const subject = active.policies.get("p")!.subject;
  applyMatchToPolicies(active, { selector: "s:other", endpoint: "web", change: "started" });
  applyMatchToPolicies(active, { selector: subject, endpoint: "a set", change: "started" });
  assertEquals(take(), []);
  applyMatchToPolicies(active, { selector: subject, endpoint: "db", change: "started" });
  assertEquals(take(), ["db"]);
});

Deno.test("chainsOf() gives endpoints that are alike the same chains, until a policy moves or a tier changes", () => {
  const { set, active, index } = newWorld();
  const ingress = (id: string) => {
    const chains = chainsOf(active, index, id);
    assert(chains.kind === "workload");
    return chains.compiled.ingress;
  };
  set("p", policy("p", { tier: "early" }));
  assertStrictEquals(ingress("web"), ingress("db"));
  setTier(active, index, "early", { name: "early", order: 1, defaultAction: "pass" });
  assertEquals([ingress("web").tiers[0]?.defaultAction, ingress("db").tiers[0]?.defaultAction], ["pass", "pass"]);
  set("q", policy("q", { tier: "early", order: 1 }));
  const keys = ["GlobalNetworkPolicy//q", "GlobalNetworkPolicy//p"];
  assertEquals([ingress("web").tiers[0]?.policies, ingress("db").tiers[0]?.policies], [keys, keys]);
  set("q", policy("q", { tier: "early", order: 1, types: ["Egress"] }));
  assertEquals(ingress("db").tiers[0]?.policies, ["GlobalNetworkPolicy//p"]);
  setEndpoint(active, "db", { ...ENDPOINT, profiles: [] });
  assertEquals([ingress("web").profiles, ingress("db").profiles], [["Profile//kns.shop"], []]);
});
