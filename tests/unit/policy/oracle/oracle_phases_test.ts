/**
 * What the phases of a host endpoint decide, case by case, each with the section of the policy reference that says so (3.4 to 3.7). Which endpoints a
 * packet meets is in `oracle_host_test.ts`.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import type { KubeObject } from "#/resources/object.ts";
import { hostEndpoint, judge, profile, told } from "#tests/unit/policy/oracle_objects.ts";
import { namespace, NO_OBJECTS, policy, tier, workload } from "#tests/unit/policy/policy_builders.ts";

const OPEN = { profiles: ["projectcalico-default-allow"] };
/** Two nodes with an endpoint each, pods on both, and a pod on a node without. */
const OBJECTS: PolicyObjects = {
  ...NO_OBJECTS,
  namespaces: [namespace("n1")],
  workloadEndpoints: [
    workload("n1", "a", ["10.0.1.1", "fd00:1::1"], { node: "node1" }),
    workload("n1", "b", ["10.0.1.2"], { node: "node1" }),
    workload("n1", "c", ["10.0.2.1"], { node: "node2" }),
    workload("n1", "bare", ["10.0.3.1"], { node: "node3" }),
    workload("n1", "nowhere", ["10.0.4.1"], { node: "" }),
  ],
  hostEndpoints: [
    hostEndpoint("h1", "node1", { interfaceName: "eth0", expectedIPs: ["192.168.0.1", "fd00::1"], ...OPEN }, {
      role: "one",
    }),
    hostEndpoint("h2", "node2", { interfaceName: "*", expectedIPs: ["192.168.0.2"], ...OPEN }, { role: "two" }),
  ],
};
const ALLOW: JsonObject = { action: "Allow" };
const DENY: JsonObject = { action: "Deny" };
const PASS: JsonObject = { action: "Pass" };

/** A global policy for both host endpoints. */
function host(name: string, spec: JsonObject): KubeObject {
  return policy("", name, { selector: "has(role)", ...spec });
}
const untracked = { doNotTrack: true, applyOnForward: true };
const preDnat = { preDNAT: true, applyOnForward: true };
const forward = { applyOnForward: true };

/** Every half and crossing of a flow, in words. */
function ways(policies: readonly KubeObject[], text: string, more: Partial<PolicyObjects> = {}): string[] {
  const { verdict, egress, ingress, forward: crossed } = judge({ ...OBJECTS, ...more, policies }, text);
  return [
    verdict,
    ...[egress, ingress].filter((half) => half?.endpoint.kind === "HostEndpoint").map(told),
    ...crossed.map((one) => `${one.endpoint.name} ${one.direction}: ${told(one)}`),
  ];
}

const IN = "8.8.8.8 192.168.0.1:80/tcp";
const OUT = "192.168.0.1 8.8.8.8:80/tcp";
const TO_POD = "8.8.8.8 n1/a:80/tcp";
const FROM_POD = "n1/a 8.8.8.8:80/tcp";
const GOES_ON = "allow by continue";

/** Policies, a flow, and what every host endpoint on its way says. */
const PHASES: readonly (readonly [string, readonly KubeObject[], string, readonly string[]])[] = [
  ["3.2 no policy: profiles decide", [], IN, ["allow", "allow by profile, normal"]],
  ["3.5 a normal policy judges the host's own processes", [host("p", { ingress: [DENY] })], IN, [
    "deny",
    "deny by p[0] in default, normal",
  ]],
  ["3.5 and no forwarded traffic", [host("p", { ingress: [DENY], egress: [DENY] })], TO_POD, [
    "allow",
    `h1 ingress: ${GOES_ON}`,
  ]],
  ["3.2 normal: the end of the tier denies", [host("p", {})], IN, ["deny", "deny by end-of-tier in default, normal"]],
  ["3.2 normal egress", [host("p", { egress: [DENY] })], OUT, ["deny", "deny by p[0] in default, normal"]],
  ["3.2 pass in the normal phase leads to profiles", [host("p", { ingress: [PASS] })], IN, [
    "allow",
    "allow by profile, normal",
  ]],
  ["3.5 a policy that applies on forward is a normal one as well", [host("p", { ingress: [DENY], ...forward })], IN, [
    "deny",
    "deny by p[0] in default, normal",
  ]],
  ["3.5 forward ingress", [host("p", { ingress: [DENY], ...forward })], TO_POD, [
    "deny",
    "h1 ingress: deny by p[0] in default, forward",
  ]],
  ["3.5 forward egress", [host("p", { egress: [DENY], ...forward })], FROM_POD, [
    "deny",
    "h1 egress: deny by p[0] in default, forward",
  ]],
  ["3.5 forward: the end of the tier denies", [host("p", { ...forward })], TO_POD, [
    "deny",
    "h1 ingress: deny by end-of-tier in default, forward",
  ]],
  [
    "3.5 [trap] forward with policies for the other direction only: goes on",
    [host("p", { ingress: [DENY], types: ["Ingress"], ...forward })],
    FROM_POD,
    ["allow", `h1 egress: ${GOES_ON}`],
  ],
  [
    "3.5 forward: after a pass in the last tier it goes on, without profiles",
    [host("p", { ingress: [PASS], ...forward })],
    TO_POD,
    [
      "allow",
      `h1 ingress: ${GOES_ON}`,
    ],
  ],
  [
    "3.5 untracked ingress denies before all",
    [host("p", { ingress: [DENY], ...untracked }), host("q", { ingress: [ALLOW] })],
    IN,
    [
      "deny",
      "deny by p[0] in default, untracked",
    ],
  ],
  [
    "3.5 an allow before tracking skips the endpoint's later phases",
    [
      host("p", { ingress: [ALLOW], ...untracked }),
      host("q", { ingress: [DENY], ...preDnat }),
      host("r", { ingress: [DENY], ...forward }),
    ],
    TO_POD,
    ["allow", "h1 ingress: allow by p[0] in default, untracked"],
  ],
  ["3.5 and for the host itself", [host("p", { ingress: [ALLOW], ...untracked }), host("q", { ingress: [DENY] })], IN, [
    "allow",
    "allow by p[0] in default, untracked",
  ]],
  [
    "3.5 the end of a tier never denies before tracking",
    [host("p", { ...untracked }), host("q", { ingress: [DENY] })],
    IN,
    [
      "deny",
      "deny by q[0] in default, normal",
    ],
  ],
  ["3.5 untracked egress", [host("p", { egress: [DENY], types: ["Egress"], ...untracked })], OUT, [
    "deny",
    "deny by p[0] in default, untracked",
  ]],
  [
    "3.5 an allow on the way out before tracking skips the normal phase",
    [
      host("p", { egress: [ALLOW], types: ["Egress"], ...untracked }),
      host("q", { egress: [DENY] }),
    ],
    OUT,
    ["allow", "allow by p[0] in default, untracked"],
  ],
  [
    "3.5 an untracked policy is of that phase only",
    [host("p", { ingress: [{ ...DENY, protocol: "UDP" }], ...untracked })],
    IN,
    [
      "allow",
      "allow by profile, normal",
    ],
  ],
  ["3.5 pre-DNAT denies", [host("p", { ingress: [DENY], ...preDnat })], TO_POD, [
    "deny",
    "h1 ingress: deny by p[0] in default, preDnat",
  ]],
  [
    "3.5 an allow before DNAT skips forward",
    [host("p", { ingress: [ALLOW], ...preDnat }), host("q", { ingress: [DENY], ...forward })],
    TO_POD,
    [
      "allow",
      "h1 ingress: allow by p[0] in default, preDnat",
    ],
  ],
  [
    "3.5 an allow before DNAT skips the normal phase",
    [host("p", { ingress: [ALLOW], ...preDnat }), host("q", { ingress: [DENY] })],
    IN,
    [
      "allow",
      "allow by p[0] in default, preDnat",
    ],
  ],
  ["3.5 the end of a tier never denies before DNAT", [host("p", { ...preDnat })], TO_POD, [
    "allow",
    `h1 ingress: ${GOES_ON}`,
  ]],
  ["3.5 before DNAT there is ingress only", [host("p", { egress: [DENY], types: ["Egress"], ...preDnat })], FROM_POD, [
    "allow",
    `h1 egress: ${GOES_ON}`,
  ]],
  [
    "3.5 an untracked policy with both flags is untracked",
    [host("p", { ingress: [DENY], doNotTrack: true, preDNAT: true })],
    IN,
    [
      "deny",
      "deny by p[0] in default, untracked",
    ],
  ],
  [
    "3.5 untracked policies are ignored at an endpoint for all interfaces",
    [host("p", { ingress: [DENY], ...untracked })],
    "8.8.8.8 192.168.0.2:80/tcp",
    [
      "allow",
      "allow by profile, normal",
    ],
  ],
  ["3.5 pre-DNAT policies are not", [host("p", { ingress: [DENY], ...preDnat })], "8.8.8.8 192.168.0.2:80/tcp", [
    "deny",
    "deny by p[0] in default, preDnat",
  ]],
  [
    "3.4 an early allow at one node means nothing at the other",
    [
      host("p", { selector: "role == 'two'", ingress: [ALLOW], ...preDnat }),
      host("q", { selector: "role == 'one'", egress: [DENY], ...forward }),
    ],
    "n1/a n1/c:80/tcp",
    [
      "deny",
      "h1 egress: deny by q[0] in default, forward",
      "h2 ingress: allow by p[0] in default, preDnat",
    ],
  ],
  [
    "3.4 a pod's packet to its own host is dropped, whatever the host's policies",
    [host("p", { ingress: [ALLOW] })],
    "n1/a 192.168.0.1:80/tcp",
    [
      "deny",
      "deny by endpoint-to-host",
    ],
  ],
  ["3.4 not even to a failsafe port", [], "n1/a 192.168.0.1:22/tcp", ["deny", "deny by endpoint-to-host"]],
  ["3.7 failsafe ports inbound come before policy", [host("p", { ingress: [DENY] })], "8.8.8.8 192.168.0.1:22/tcp", [
    "allow",
    "allow by failsafe, normal",
  ]],
  ["3.7 failsafe ports outbound", [host("p", { egress: [DENY] })], "192.168.0.1 8.8.8.8:53/udp", [
    "allow",
    "allow by failsafe, normal",
  ]],
  ["3.7 each direction has its own", [host("p", { egress: [DENY] })], "192.168.0.1 8.8.8.8:22/tcp", [
    "deny",
    "deny by p[0] in default, normal",
  ]],
  [
    "3.7 failsafe ports go by the early phases",
    [
      host("p", { ingress: [DENY], ...untracked }),
      host("q", { ingress: [DENY], ...preDnat }),
    ],
    "8.8.8.8 192.168.0.1:22/tcp",
    ["allow", "allow by failsafe, normal"],
  ],
  ["3.5 forwarded traffic has none", [host("p", { ingress: [DENY], ...forward })], "8.8.8.8 n1/a:22/tcp", [
    "deny",
    "h1 ingress: deny by p[0] in default, forward",
  ]],
  [
    "3.5 forwarded traffic goes by the early phases on them",
    [host("p", { ingress: [DENY], ...preDnat })],
    "8.8.8.8 n1/a:22/tcp",
    [
      "allow",
      `h1 ingress: ${GOES_ON}`,
    ],
  ],
  [
    "3.5 before tracking, answers go by their source port",
    [host("p", { ingress: [DENY], ...untracked })],
    "8.8.8.8:53 192.168.0.1:40000/udp",
    [
      "allow",
      "allow by profile, normal",
    ],
  ],
  ["3.5 and only there", [host("p", { ingress: [DENY] })], "8.8.8.8:53 192.168.0.1:40000/udp", [
    "deny",
    "deny by p[0] in default, normal",
  ]],
  [
    "3.5 a policy for workloads is none for hosts",
    [policy("", "p", { namespaceSelector: "all()", selector: "all()", ingress: [DENY] })],
    IN,
    [
      "allow",
      "allow by profile, normal",
    ],
  ],
  ["1.9 a global policy without selectors is for hosts too", [policy("", "p", { ingress: [DENY] })], IN, [
    "deny",
    "deny by p[0] in default, normal",
  ]],
  [
    "a subject that cannot be read never covers a host",
    [policy("", "p", { selector: "role = 'one'", ingress: [DENY] })],
    IN,
    [
      "allow",
      "allow by profile, normal",
    ],
  ],
];

for (const [name, policies, text, expected] of PHASES) {
  Deno.test(`evaluate(), hosts: ${name}`, () => assertEquals(ways(policies, text), expected));
}

Deno.test("evaluate(), hosts: 3.2 without profile and policy everything but failsafe ports is dropped", () => {
  const hostEndpoints = [hostEndpoint("h1", "node1", { expectedIPs: ["192.168.0.1"] })];
  assertEquals(ways([], IN, { hostEndpoints }), ["deny", "deny by no-profile-match, normal"]);
  assertEquals(ways([], OUT, { hostEndpoints }), ["deny", "deny by no-profile-match, normal"]);
  assertEquals(ways([], "8.8.8.8 192.168.0.1:6443/tcp", { hostEndpoints }), ["allow", "allow by failsafe, normal"]);
  assertEquals(ways([], TO_POD, { hostEndpoints }), ["allow", `h1 ingress: ${GOES_ON}`]);
});

Deno.test("evaluate(), hosts: profiles give them rules and labels", () => {
  const hostEndpoints = [hostEndpoint("h1", "node1", { expectedIPs: ["192.168.0.1"], profiles: ["gone", "rack"] })];
  const profiles = [profile("rack", { ingress: [ALLOW], labelsToApply: { rack: "7" } })];
  assertEquals(ways([], IN, { hostEndpoints, profiles }), ["deny", "deny by profile, normal"], "a missing one denies");
  const policies = [policy("", "p", { selector: "rack == '7'", ingress: [DENY] })];
  assertEquals(ways(policies, IN, { hostEndpoints, profiles }), ["deny", "deny by p[0] in default, normal"]);
});

Deno.test("evaluate(), hosts: 3.5 tiers of the early phases pass at their end, of the later ones as they say", () => {
  const tiers = [...NO_OBJECTS.tiers, tier("early", 1, "Deny")];
  const policies = [host("p", { tier: "early", ...preDnat }), host("q", { ingress: [DENY], ...preDnat })];
  assertEquals(ways(policies, IN, { tiers }), ["deny", "deny by q[0] in default, preDnat"]);
  const later = [host("p", { tier: "early", ...forward }), host("q", { ingress: [ALLOW], ...forward })];
  assertEquals(ways(later, TO_POD, { tiers }), ["deny", "h1 ingress: deny by end-of-tier in early, forward"]);
});

Deno.test("evaluate(), hosts: traces every phase that was asked", () => {
  const policies = [
    host("p", { ingress: [{ action: "Log" }], ...untracked }),
    host("q", { ingress: [PASS], ...preDnat }),
    host("r", { ingress: [ALLOW] }),
  ];
  const { ingress } = judge({ ...OBJECTS, policies }, IN);
  assertEquals(
    ingress?.tiers.map(({ phase, outcome, by, policies: asked }) => [phase, outcome, by, asked[0]?.logged]),
    [["untracked", "pass", "end-of-tier", [0]], ["preDnat", "pass", "rule", []], ["normal", "allow", "rule", []]],
  );
});

/** Peers: the far end is a host endpoint, known by its `expectedIPs`. */
const PEERS: readonly (readonly [string, JsonObject, boolean])[] = [
  ["a global selector", { selector: "role == 'two'" }, true],
  ["another label", { selector: "role == 'one'" }, false],
  ["what has no namespace", { namespaceSelector: "global()" }, true],
  ["what has no namespace, and a label", { namespaceSelector: "global()", selector: "role == 'two'" }, true],
  ["what has a namespace", { namespaceSelector: "all()" }, false],
  ["a negated selector", { notSelector: "role == 'two'" }, false],
];

for (const [name, entity, isMet] of PEERS) {
  Deno.test(`evaluate(), hosts as peers: 1.9 ${name}`, () => {
    const policies = [policy("", "p", { selector: "role == 'one'", ingress: [{ ...ALLOW, source: entity }] })];
    const { ingress } = judge({ ...OBJECTS, policies }, "192.168.0.2 192.168.0.1:80/tcp");
    assertEquals(told(ingress), isMet ? "allow by p[0] in default, normal" : "deny by end-of-tier in default, normal");
  });
}

Deno.test("evaluate(), hosts as peers: 1.6 their named ports, and only by expected addresses", () => {
  const hostEndpoints = [
    hostEndpoint("h2", "node2", {
      interfaceName: "eth0",
      expectedIPs: ["192.168.0.2"],
      ports: [{ name: "api", protocol: "TCP", port: 6443 }],
      ...OPEN,
    }, { role: "two" }),
    hostEndpoint("h3", "node3", { interfaceName: "eth0", ports: [{ name: "api", protocol: "TCP", port: 6443 }] }),
  ];
  const rule = { ...ALLOW, protocol: "TCP", destination: { ports: ["api"] } };
  const objects = { ...OBJECTS, hostEndpoints, policies: [policy("n1", "p", { egress: [rule] })] };
  const egress = (to: string) => told(judge(objects, `n1/a ${to}`).egress);
  assertEquals(egress("192.168.0.2:6443/tcp"), "allow by p[0] in default");
  assertEquals(egress("192.168.0.2:80/tcp"), "deny by end-of-tier in default");
  assertEquals(egress("192.168.0.3:6443/tcp"), "deny by end-of-tier in default");
});
