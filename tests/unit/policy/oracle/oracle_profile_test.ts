/**
 * Profiles and services in rules: what is asked after all tiers (sections 1.8 and 3.2 of the policy reference), and what a service stands for in a rule
 * (1.4, 3.3).
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { endpointSlice, judge, profile, told } from "#tests/unit/policy/oracle_objects.ts";
import { namespace, NO_OBJECTS, policy, workload } from "#tests/unit/policy/policy_builders.ts";

const ALLOW: JsonObject = { action: "Allow" };
const DENY: JsonObject = { action: "Deny" };
const PASS: JsonObject = { action: "Pass" };
const LOG: JsonObject = { action: "Log" };

/** `n1/web` with some profiles, asked from outside at port 80. */
function ingress(profiles: readonly string[], defined: Readonly<Record<string, JsonObject>>) {
  const objects: PolicyObjects = {
    ...NO_OBJECTS,
    namespaces: [namespace("n1")],
    workloadEndpoints: [workload("n1", "web", ["10.0.0.1"], { labels: { app: "web" }, profiles })],
    profiles: Object.entries(defined).map(([name, spec]) => profile(name, spec)),
  };
  return judge(objects, "1.1.1.1 n1/web:80/tcp").ingress!;
}

const PROFILES: readonly (readonly [string, readonly string[], Readonly<Record<string, JsonObject>>, string])[] = [
  ["a rule that allows decides", ["p"], { p: { ingress: [ALLOW] } }, "allow by profile"],
  ["3.2 a rule that denies is final", ["p", "kns.n1"], { p: { ingress: [DENY] } }, "deny by profile"],
  [
    "the first that matches",
    ["p"],
    { p: { ingress: [{ ...DENY, protocol: "UDP" }, LOG, ALLOW, DENY] } },
    "allow by profile",
  ],
  ["rules of the other direction are not asked", ["p"], { p: { egress: [ALLOW] } }, "deny by no-profile-match"],
  [
    "no match leads to the next profile",
    ["p", "kns.n1"],
    { p: { ingress: [{ ...DENY, protocol: "UDP" }] } },
    "allow by profile",
  ],
  ["3.2 [div] pass leads to the next profile", ["p", "kns.n1"], { p: { ingress: [PASS, DENY] } }, "allow by profile"],
  ["3.2 pass in the last profile denies", ["p"], { p: { ingress: [PASS] } }, "deny by no-profile-match"],
  ["3.2 a missing profile denies", ["gone", "kns.n1"], {}, "deny by profile"],
  ["a profile without rules decides nothing", ["p"], { p: {} }, "deny by no-profile-match"],
  ["selectors of its rules are not of a namespace", ["p"], {
    p: { ingress: [{ ...ALLOW, destination: { selector: "app == 'web'" } }] },
  }, "allow by profile"],
  ["a rule that cannot be read: Deny closes", ["p", "kns.n1"], {
    p: { ingress: [{ ...DENY, source: { nets: ["x"] } }] },
  }, "deny by profile"],
  ["a rule that cannot be read: Allow does not open", ["p"], {
    p: { ingress: [{ ...ALLOW, source: { nets: ["x"] } }] },
  }, "deny by no-profile-match"],
  [
    "a service has no namespace there",
    ["p"],
    { p: { ingress: [{ ...DENY, source: { services: { name: "api" } } }] } },
    "deny by profile",
  ],
];

for (const [name, profiles, defined, expected] of PROFILES) {
  Deno.test(`evaluate(), profiles: ${name}`, () => assertEquals(told(ingress(profiles, defined)), expected));
}

Deno.test("evaluate(), profiles: traces each with its rule and what it logged", () => {
  const half = ingress(["a", "b", "kns.n1"], { a: { ingress: [LOG, PASS] }, b: { ingress: [LOG] } });
  assertEquals(half.profiles, [
    { profile: "a", outcome: "pass", rule: 1, logged: [0] },
    { profile: "b", outcome: "no-match", rule: null, logged: [0] },
    { profile: "kns.n1", outcome: "allow", rule: 0, logged: [] },
  ]);
});

Deno.test("evaluate(), profiles: 1.8 labels to apply are inherited after the endpoint's own, first profile first", () => {
  const profiles = [
    profile("a", { ingress: [ALLOW], labelsToApply: { app: "other", zone: "1" } }),
    profile("b", { labelsToApply: { zone: "2", rack: "7" } }),
  ];
  const selected = (selector: string) => {
    const objects: PolicyObjects = {
      ...NO_OBJECTS,
      workloadEndpoints: [workload("n1", "web", ["10.0.0.1"], { labels: { app: "web" }, profiles: ["a", "b"] })],
      profiles,
      policies: [policy("", "p", { selector, ingress: [DENY] })],
    };
    return judge(objects, "1.1.1.1 n1/web:80/tcp").verdict === "deny";
  };
  assertEquals(["app == 'web'", "zone == '1'", "rack == '7'"].map(selected), [true, true, true]);
  assertEquals(["app == 'other'", "zone == '2'", "!has(rack)"].map(selected), [false, false, false]);
});

const SERVICES: PolicyObjects = {
  ...NO_OBJECTS,
  namespaces: [namespace("n1"), namespace("n2")],
  workloadEndpoints: [
    workload("n1", "web", ["10.0.0.1"]),
    workload("n1", "api", ["10.0.0.2"]),
    workload("n2", "api", ["10.0.0.3"]),
  ],
  endpointSlices: [
    endpointSlice("n1", "api", ["10.0.0.2", "8.8.8.8"], [{ port: 8080 }, { protocol: "UDP", port: 53 }, {
      name: "none",
    }]),
    endpointSlice("n2", "api", ["10.0.0.3"], [{ port: 8080 }]),
  ],
};

/** A flow of `n1/web` under one rule that allows, and whether it does. */
const SERVICE_CASES:
  readonly (readonly [string, "ingress" | "egress", JsonObject, readonly string[], readonly string[]])[] = [
    [
      "as a destination: addresses and ports of its endpoints, not the service's own",
      "egress",
      { destination: { services: { name: "api" } } },
      ["n1/web 10.0.0.2:8080/tcp", "n1/web 10.0.0.2:53/udp", "n1/web 8.8.8.8:8080/tcp"],
      ["n1/web 10.0.0.2:80/tcp", "n1/web 10.0.0.2:53/tcp", "n1/web 10.0.0.3:8080/tcp", "n1/web 10.0.0.2:icmp"],
    ],
    [
      "of another namespace",
      "egress",
      { destination: { services: { name: "api", namespace: "n2" } } },
      ["n1/web 10.0.0.3:8080/tcp"],
      ["n1/web 10.0.0.2:8080/tcp"],
    ],
    [
      "[bug upstream] an empty namespace is the policy's own",
      "egress",
      { destination: { services: { name: "api", namespace: "" } } },
      ["n1/web 10.0.0.2:8080/tcp"],
      ["n1/web 10.0.0.3:8080/tcp"],
    ],
    [
      "as a source: addresses of its endpoints, whatever the port",
      "ingress",
      { source: { services: { name: "api" } } },
      ["10.0.0.2 n1/web:80/tcp", "8.8.8.8 n1/web:80/tcp", "8.8.8.8 n1/web:icmp"],
      ["10.0.0.3 n1/web:80/tcp", "1.1.1.1 n1/web:80/tcp"],
    ],
    [
      "together with a protocol",
      "egress",
      { protocol: "UDP", destination: { services: { name: "api" } } },
      ["n1/web 10.0.0.2:53/udp"],
      ["n1/web 10.0.0.2:8080/tcp"],
    ],
    [
      "that does not exist: nobody",
      "egress",
      { destination: { services: { name: "gone" } } },
      [],
      ["n1/web 10.0.0.2:8080/tcp"],
    ],
  ];

for (const [name, direction, rule, yes, no] of SERVICE_CASES) {
  Deno.test(`evaluate(), services: 3.3 ${name}`, () => {
    const verdictOf = (action: string, text: string) => {
      const policies = [policy("n1", "p", { [direction]: [{ ...rule, action }, { action: "Pass" }] })];
      return told(judge({ ...SERVICES, policies }, text)[direction]);
    };
    for (const text of yes) assertEquals(verdictOf("Deny", text), "deny by p[0] in default", text);
    for (const text of no) assertEquals(verdictOf("Deny", text), "allow by profile", text);
    for (const text of yes) assertEquals(verdictOf("Allow", text), "allow by p[0] in default", text);
  });
}

/** Where a service cannot be read: the rule fails closed. */
const MISPLACED: readonly (readonly [string, string, "ingress" | "egress", JsonObject])[] = [
  ["a source of egress", "n1", "egress", { source: { services: { name: "api" } } }],
  ["a destination of ingress", "n1", "ingress", { destination: { services: { name: "api" } } }],
  ["a global policy without a namespace", "", "egress", { destination: { services: { name: "api" } } }],
  ["no name", "n1", "egress", { destination: { services: { namespace: "n1" } } }],
  ["beside a selector", "n1", "egress", { destination: { services: { name: "api" }, selector: "all()" } }],
  ["beside networks", "n1", "ingress", { source: { services: { name: "api" }, notNets: ["192.0.2.0/24"] } }],
  ["as a destination beside ports", "n1", "egress", {
    protocol: "TCP",
    destination: { services: { name: "api" }, ports: [80] },
  }],
];

for (const [name, place, direction, rule] of MISPLACED) {
  Deno.test(`evaluate(), services: 1.4 ${name} cannot be read`, () => {
    const verdictOf = (action: string) => {
      const policies = [
        policy(place, "p", { selector: "all()", [direction]: [{ ...rule, action }, { action: "Pass" }] }),
      ];
      return told(judge({ ...SERVICES, policies }, "n1/web n1/web:80/tcp")[direction]);
    };
    assertEquals(["Allow", "Pass", "Deny"].map(verdictOf), [
      "allow by profile",
      "allow by profile",
      "deny by p[0] in default",
    ]);
  });
}

Deno.test("evaluate(), services: 1.4 a global policy names the namespace", () => {
  const rule = { ...DENY, destination: { services: { name: "api", namespace: "n2" } } };
  const policies = [policy("", "p", { egress: [rule, PASS] })];
  assertEquals(told(judge({ ...SERVICES, policies }, "n1/web 10.0.0.3:8080/tcp").egress), "deny by p[0] in default");
  assertEquals(told(judge({ ...SERVICES, policies }, "n1/web 10.0.0.2:8080/tcp").egress), "allow by profile");
});

Deno.test("evaluate(), profiles: 1.8 a profile that users named like a namespace's means nothing", () => {
  const object = profile("kns.gone", { ingress: [{ action: "Allow" }], egress: [{ action: "Allow" }] });
  const workloadEndpoints = [workload("n1", "stray", ["10.0.0.9"], { profiles: ["kns.gone"] })];
  const objects = { ...NO_OBJECTS, profiles: [object], workloadEndpoints };
  assertEquals(told(judge(objects, "192.0.2.1 n1/stray:80/tcp").ingress), "deny by profile");
});
