/**
 * Every code of lint: found where it should be, and not beside it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { lint } from "#/policy/lint/lint.ts";
import { LINT_CODES, type LintCode } from "#/policy/lint/lint_finding.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import type { KubeObject } from "#/resources/object.ts";
import { namespace, NO_OBJECTS, policy, tier, workload } from "#tests/unit/policy/policy_builders.ts";

/** Two workloads of the namespace "shop". */
const SHOP: PolicyObjects = {
  ...NO_OBJECTS,
  namespaces: [namespace("shop", { env: "prod" })],
  workloadEndpoints: [
    workload("shop", "web", ["10.0.0.1"], { labels: { app: "web" } }),
    workload("shop", "db", ["10.0.0.2"], {
      labels: { app: "db" },
      ports: [{ name: "pg", protocol: "TCP", port: 5432 }],
    }),
  ],
};

/** Both directions, everything, so that nobody is uncovered. */
const COVER = policy("", "cover", {
  order: 9000,
  types: ["Ingress", "Egress"],
  ingress: [{ action: "Allow" }],
  egress: [{ action: "Allow" }],
});

/** What lint finds, in short: `code name direction/index`. */
function found(objects: PolicyObjects): readonly string[] {
  return lint(objects, compileObjects(objects)).map(({ code, name, rule }) =>
    [code, name, ...(rule === undefined ? [] : [`${rule.direction}/${rule.index}`])].join(" ")
  );
}

function withPolicies(...policies: readonly KubeObject[]): PolicyObjects {
  return { ...SHOP, policies: [COVER, ...policies] };
}

const allow = (rule: JsonObject): JsonObject => ({ action: "Allow", ...rule });
const deny = (rule: JsonObject): JsonObject => ({ action: "Deny", ...rule });
const tcp = (...ports: readonly (number | string)[]): JsonObject => ({
  protocol: "TCP",
  destination: { ports: [...ports] },
});
/** For the workload "web", so that another one is left to {@link COVER}. */
const ingress = (...rules: readonly JsonObject[]): JsonObject => ({
  order: 1,
  selector: "app == 'web'",
  types: ["Ingress"],
  ingress: [...rules],
});

const forDb = (...rules: readonly JsonObject[]): JsonObject => ({ ...ingress(...rules), selector: "app == 'db'" });

const CASES: readonly {
  readonly name: string;
  readonly objects: PolicyObjects;
  readonly expected: readonly string[];
}[] = [
  { name: "a sound cluster", objects: withPolicies(), expected: [] },
  {
    name: "a rule that one earlier rule covers",
    objects: withPolicies(policy("shop", "p", ingress(allow(tcp("80:90")), deny(tcp(85)), allow({})))),
    expected: ["shadowed-rule p ingress/1"],
  },
  {
    name: "a rule that two earlier rules cover together",
    objects: withPolicies(
      policy("shop", "p", ingress(allow(tcp("1:100")), allow(tcp("101:65535")), deny({ protocol: "TCP" }), allow({}))),
    ),
    expected: ["shadowed-rule p ingress/2"],
  },
  {
    name: "a rule for a network inside another's",
    objects: withPolicies(
      policy(
        "shop",
        "p",
        ingress(deny({ source: { nets: ["10.0.0.0/8"] } }), allow({ source: { nets: ["10.1.0.0/16"] } }), allow({})),
      ),
    ),
    expected: ["shadowed-rule p ingress/1"],
  },
  {
    name: "a Log rule covers nothing, and what a network leaves out is not covered",
    objects: withPolicies(
      policy(
        "shop",
        "p",
        ingress(
          { action: "Log" },
          deny({ source: { nets: ["10.0.0.0/8"], notNets: ["10.1.0.0/16"] } }),
          allow({ source: { nets: ["10.1.0.0/16"] } }),
          allow({}),
        ),
      ),
    ),
    expected: [],
  },
  {
    name: "the same selector and named port again",
    objects: withPolicies(
      policy(
        "shop",
        "p",
        forDb(
          allow({ protocol: "TCP", source: { selector: "app == 'web'" }, destination: { ports: ["pg"] } }),
          deny({ protocol: "TCP", source: { selector: "app == 'web'" }, destination: { ports: ["pg"] } }),
          deny({ protocol: "TCP", destination: { ports: ["pg"] } }),
        ),
      ),
    ),
    expected: ["shadowed-rule p ingress/1"],
  },
  {
    name: "a policy in a tier that nobody made",
    objects: withPolicies(policy("", "p", { ...ingress(deny({ protocol: "TCP" })), tier: "early" })),
    expected: ["missing-tier p", "unreachable-rule p ingress/0"],
  },
  {
    name: "a rule for another family than the endpoints'",
    objects: withPolicies(policy("shop", "p", ingress(allow({ ipVersion: 6 }), allow({})))),
    expected: ["unreachable-rule p ingress/0"],
  },
  {
    name: "selectors and ports that nobody answers to",
    objects: withPolicies(
      policy(
        "shop",
        "p",
        ingress(
          allow({ source: { selector: "app == 'gone'" } }),
          allow({ protocol: "TCP", destination: { ports: ["http"] } }),
          allow({ protocol: "TCP", destination: { ports: ["http", 80] } }),
          allow({}),
        ),
      ),
    ),
    expected: ["peer-matches-nothing p ingress/0", "peer-matches-nothing p ingress/1"],
  },
  {
    name: "a subject that nobody answers to",
    objects: withPolicies(
      policy("shop", "p", { ...ingress(allow({ source: { selector: "app == 'db'" } })), selector: "app == 'gone'" }),
    ),
    expected: ["subject-matches-nothing p"],
  },
  {
    name: "an endpoint without a policy for one direction",
    objects: { ...SHOP, policies: [policy("shop", "p", { ...ingress(allow({})), selector: "app == 'web'" })] },
    expected: ["uncovered-endpoint db", "uncovered-endpoint web"],
  },
  {
    name: "rules of a direction that the types leave out",
    objects: withPolicies(policy("shop", "p", { ...ingress(allow({})), egress: [{ action: "Deny" }] })),
    expected: ["inert-rules p"],
  },
  {
    name: "a policy that only logs and cuts off",
    objects: {
      ...SHOP,
      policies: [
        policy("shop", "p", { types: ["Ingress", "Egress"], ingress: [{ action: "Log" }], egress: [allow({})] }),
      ],
    },
    expected: ["log-only-isolates p"],
  },
  {
    name: "a policy that only logs, with another behind it",
    objects: withPolicies(policy("shop", "p", ingress({ action: "Log" }))),
    expected: [],
  },
  {
    name: "two policies of one order that differ",
    objects: withPolicies(
      policy("shop", "a", ingress(allow(tcp("80:90")))),
      policy("shop", "b", ingress(allow(tcp(80)), deny(tcp(90, 91)))),
    ),
    expected: ["conflicting-order b", "unreachable-rule b ingress/0"],
  },
  {
    name: "two policies of one order that agree where they meet",
    objects: withPolicies(policy("shop", "a", ingress(allow(tcp(80)))), policy("shop", "b", ingress(deny(tcp(81))))),
    expected: [],
  },
  {
    name: "parts that cannot be read",
    objects: withPolicies(
      policy("shop", "p", ingress(allow({ source: { selector: "app = 'x'" } }), allow({}))),
      policy("shop", "q", { ...ingress(allow(tcp(80))), selector: "app = 'x'", order: 2 }),
    ),
    expected: ["unreadable p ingress/0", "unreadable q"],
  },
  {
    name: "conditions on HTTP requests, which allow the whole connection",
    objects: withPolicies(
      policy("shop", "p", ingress(allow(tcp(80)), { ...allow(tcp(81)), http: { methods: ["GET"] } })),
    ),
    expected: ["http-not-enforced p ingress/1"],
  },
  {
    name: "previews that change nothing",
    objects: withPolicies(
      policy("shop", "p", ingress(allow({}))),
      policy("shop", "p", { ...ingress(allow({})), stagedAction: "Set" }, "StagedNetworkPolicy"),
      policy("shop", "gone", { ...ingress(), stagedAction: "Delete" }, "StagedNetworkPolicy"),
      policy("shop", "new", ingress(deny({})), "StagedNetworkPolicy"),
    ),
    expected: ["staged-leftover gone", "staged-leftover p"],
  },
  {
    name: "a network set that no rule selects",
    objects: {
      ...withPolicies(policy("shop", "p", ingress(allow({ source: { selector: "role == 'partner'" } }), allow({})))),
      networkSets: ["partner", "rival"].map((role) => ({
        apiVersion: "projectcalico.org/v3",
        kind: "NetworkSet",
        metadata: { name: role, namespace: "shop", labels: { role } },
        spec: { nets: ["192.0.2.0/24"] },
      })),
    },
    expected: ["unused-network-set rival"],
  },
  {
    name: "no endpoints at all",
    objects: { ...NO_OBJECTS, policies: [policy("shop", "p", ingress(allow({ source: { selector: "a == 'b'" } })))] },
    expected: [],
  },
];

Deno.test("lint() finds what it should and nothing else", async (test) => {
  for (const { name, objects, expected } of CASES) {
    await test.step(name, () => assertEquals(found(objects), expected));
  }
});

Deno.test("lint() tells rules that nothing reaches, with the tiers before them", () => {
  const objects = {
    ...SHOP,
    tiers: [...SHOP.tiers, tier("early", 1, "Pass")],
    policies: [
      COVER,
      policy("", "first", { ...ingress(deny({ protocol: "TCP" })), tier: "early" }),
      policy("shop", "second", ingress(allow(tcp(80)), allow({ protocol: "UDP" }))),
    ],
  };
  assertEquals(found(objects), ["unreachable-rule second ingress/0"]);
});

Deno.test("lint() names the connections on which policies of one order differ", () => {
  const objects = withPolicies(
    policy("shop", "a", ingress(allow(tcp("80:90")))),
    policy("shop", "b", ingress(allow(tcp(80)), deny(tcp(90, 91)))),
  );
  const [finding] = lint(objects, compileObjects(objects)).filter(({ code }) => code === "conflicting-order");
  assertEquals(finding?.name, "b");
  assert(finding?.message.endsWith("decides otherwise on ingress: TCP 90"), finding?.message);
});

Deno.test("LINT_CODES is sorted and explains every code", () => {
  const codes = Object.keys(LINT_CODES) as LintCode[];
  assertEquals(codes, [...codes].sort());
  for (const code of codes) assert(LINT_CODES[code].explanation.endsWith("."), code);
});
