/**
 * What policies say beside their rules: tier, order, selectors, types, flags for host endpoints, hints.
 *
 * @module
 */
import type { JsonObject } from "#/base/json.ts";
import { globalNetworkPolicy } from "#/resources/kinds/global_network_policy.ts";
import { networkPolicy } from "#/resources/kinds/network_policy.ts";
import { stagedGlobalNetworkPolicy } from "#/resources/kinds/staged_global_network_policy.ts";
import { stagedNetworkPolicy } from "#/resources/kinds/staged_network_policy.ts";
import { calico, items, letters } from "#tests/conformance/admission_cases/builders.ts";
import type { AdmissionRow, AdmissionTable } from "#tests/conformance/admission_cases/row.ts";

const ALLOW: JsonObject = { action: "Allow" };
const TYPES = "spec.types";

const NO_GLOBAL = "must not contain global()";

/** Fields that all four kinds have. */
const SHARED_ROWS: readonly AdmissionRow[] = [
  ["an empty spec", { spec: {} }],
  ["a tier", { "spec.tier": "platform" }],
  ["an empty tier", { "spec.tier": "" }],
  ["a tier of 63 characters", { "spec.tier": letters(63) }],
  ["a tier of 64 characters", { "spec.tier": letters(64) }, ["spec.tier", "must be a DNS label"]],
  ["a tier with a dot", { "spec.tier": "a.b" }, ["spec.tier", "must be a DNS label"]],
  ["a tier in capitals", { "spec.tier": "Platform" }, ["spec.tier", "must be a DNS label"]],
  ["a tier that is a number", { "spec.tier": 1 }, ["spec.tier", "must be a text"]],
  ["order 0", { "spec.order": 0 }],
  ["a negative order with a fraction", { "spec.order": -1.5 }],
  ["no order", { "spec.order": null }],
  ["an order as text", { "spec.order": "10" }, ["spec.order", "must be a number"]],
  ["an empty selector", { "spec.selector": "" }],
  ["a selector of 1024 characters", { "spec.selector": `a == "${letters(1017)}"` }],
  ["a selector of 1025", { "spec.selector": `a == "${letters(1018)}"` }, ["spec.selector", "at most 1024 characters"]],
  ["a selector that does not parse", { "spec.selector": "app == " }, ["spec.selector", "must be a selector"]],
  ["global() in selector", { "spec.selector": "global()" }, ["spec.selector", NO_GLOBAL]],
  ["global() deep in selector", { "spec.selector": "a == 'b' || !(c == 'd' && global())" }, [
    "spec.selector",
    NO_GLOBAL,
  ]],
  ["a serviceAccountSelector", { "spec.serviceAccountSelector": "role in {'a', 'b'}" }],
  [
    "a serviceAccountSelector of 1025 characters",
    { "spec.serviceAccountSelector": `a == "${letters(1018)}"` },
    ["spec.serviceAccountSelector", "at most 1024 characters"],
  ],
  [
    "a serviceAccountSelector that does not parse",
    { "spec.serviceAccountSelector": "role in" },
    ["spec.serviceAccountSelector", "must be a selector"],
  ],
  ["global() in serviceAccountSelector", { "spec.serviceAccountSelector": "global()" }, [
    "spec.serviceAccountSelector",
    NO_GLOBAL,
  ]],
  ["1024 ingress rules", { "spec.ingress": items(1024, () => ALLOW) }],
  ["1025 ingress rules", { "spec.ingress": items(1025, () => ALLOW) }, ["spec.ingress", "at most 1024 items"]],
  ["1024 egress rules", { "spec.egress": items(1024, () => ALLOW) }],
  ["1025 egress rules", { "spec.egress": items(1025, () => ALLOW) }, ["spec.egress", "at most 1024 items"]],
  ["rules that are no list", { "spec.ingress": ALLOW }, ["spec.ingress", "must be a list"]],
  ["a rule that is null", { "spec.ingress": [null] }, ["spec.ingress[0]", "must be an object"]],
  ["no types", { [TYPES]: undefined }],
  ["empty types", { [TYPES]: [] }],
  ["type Ingress", { [TYPES]: ["Ingress"] }],
  ["type Egress", { [TYPES]: ["Egress"] }],
  ["both types", { [TYPES]: ["Egress", "Ingress"] }],
  ["types without that of the ingress rules", { [TYPES]: ["Egress"], "spec.ingress": [ALLOW] }],
  ["types without that of the egress rules", { [TYPES]: ["Ingress"], "spec.egress": [ALLOW] }],
  ["a type twice", { [TYPES]: ["Egress", "Egress"] }, ["spec.types[1]", "only once"]],
  ["three types", { [TYPES]: ["Ingress", "Egress", "Ingress"] }, [TYPES, "at most 2 items"]],
  ["an unknown type", { [TYPES]: ["Sideways"] }, ["spec.types[0]", 'supported values: "Ingress", "Egress"']],
  ["a type in lower case", { [TYPES]: ["ingress"] }, ["spec.types[0]", "supported values"]],
  ["types as text", { [TYPES]: "Ingress" }, [TYPES, "must be a list"]],
  ["a hint", { "spec.performanceHints": ["AssumeNeededOnEveryNode"] }],
  ["no hints", { "spec.performanceHints": [] }],
  ["an unknown hint", { "spec.performanceHints": ["Hurry"] }, ["spec.performanceHints[0]", "supported values"]],
  [
    "a hint twice",
    { "spec.performanceHints": ["AssumeNeededOnEveryNode", "AssumeNeededOnEveryNode"] },
    ["spec.performanceHints[1]", "only once"],
  ],
  ["a field misspelt", { "spec.selctor": "a == 'b'" }, ["spec.selctor", "unknown field"]],
  ["a field of the Kubernetes kind", { "spec.podSelector": {} }, ["spec.podSelector", "unknown field"]],
  ["the label of another tier", { "metadata.labels": { "projectcalico.org/tier": "other" } }],
];

/** Fields that only a policy without a namespace has. */
const GLOBAL_ROWS: readonly AdmissionRow[] = [
  ["a namespaceSelector", { "spec.namespaceSelector": "env == 'prod'" }],
  [
    "a namespaceSelector of 1025 characters",
    { "spec.namespaceSelector": `a == "${letters(1018)}"` },
    ["spec.namespaceSelector", "at most 1024 characters"],
  ],
  [
    "a namespaceSelector that does not parse",
    { "spec.namespaceSelector": "env = 'prod'" },
    ["spec.namespaceSelector", "must be a selector"],
  ],
  ["global() in namespaceSelector", { "spec.namespaceSelector": "global()" }, ["spec.namespaceSelector", NO_GLOBAL]],
  ["applyOnForward alone", { "spec.applyOnForward": true }],
  ["no flag", { "spec.applyOnForward": false, "spec.doNotTrack": false, "spec.preDNAT": false }],
  ["doNotTrack that applies on forward", { "spec.doNotTrack": true, "spec.applyOnForward": true }],
  ["preDNAT that applies on forward", { "spec.preDNAT": true, "spec.applyOnForward": true }],
  ["doNotTrack alone", { "spec.doNotTrack": true }, ["spec.applyOnForward", "where doNotTrack is true"]],
  ["preDNAT alone", { "spec.preDNAT": true }, ["spec.applyOnForward", "where preDNAT is true"]],
  [
    "doNotTrack with applyOnForward false",
    { "spec.doNotTrack": true, "spec.applyOnForward": false },
    ["spec.applyOnForward", "where doNotTrack is true"],
  ],
  [
    "preDNAT and doNotTrack",
    { "spec.preDNAT": true, "spec.doNotTrack": true, "spec.applyOnForward": true },
    ["spec.preDNAT", "must not be true together with doNotTrack"],
  ],
  ["preDNAT with ingress rules", { "spec.preDNAT": true, "spec.applyOnForward": true, "spec.ingress": [ALLOW] }],
  ["preDNAT with an empty egress", { "spec.preDNAT": true, "spec.applyOnForward": true, "spec.egress": [] }],
  ["preDNAT with type Ingress", { "spec.preDNAT": true, "spec.applyOnForward": true, [TYPES]: ["Ingress"] }],
  [
    "preDNAT with egress rules that the types leave out",
    { "spec.preDNAT": true, "spec.applyOnForward": true, "spec.egress": [ALLOW], [TYPES]: ["Ingress"] },
    ["spec.egress", "where preDNAT is true"],
  ],
  [
    "preDNAT with type Egress",
    { "spec.preDNAT": true, "spec.applyOnForward": true, [TYPES]: ["Egress"] },
    ["spec.types[0]", "must be Ingress where preDNAT is true"],
  ],
  [
    "preDNAT with both types",
    { "spec.preDNAT": true, "spec.applyOnForward": true, [TYPES]: ["Ingress", "Egress"] },
    ["spec.types[1]", "must be Ingress where preDNAT is true"],
  ],
  [
    "doNotTrack with egress rules",
    { "spec.doNotTrack": true, "spec.applyOnForward": true, "spec.egress": [ALLOW] },
  ],
  ["a flag as text", { "spec.applyOnForward": "true" }, ["spec.applyOnForward", "must be true or false"]],
];

/** Fields of a global policy that a policy of a namespace does not know. */
const NAMESPACED_ROWS: readonly AdmissionRow[] = [
  ...(["namespaceSelector", "applyOnForward", "doNotTrack", "preDNAT"] as const).map((field): AdmissionRow => [
    field,
    { [`spec.${field}`]: field === "namespaceSelector" ? "all()" : true },
    [`spec.${field}`, "unknown field"],
  ]),
];

const ENFORCED_ROWS: readonly AdmissionRow[] = [
  ["a stagedAction", { "spec.stagedAction": "Set" }, ["spec.stagedAction", "unknown field"]],
];

const ACTION = "spec.stagedAction";
const DELETED = "must be left out where stagedAction is Delete";

/** What only staged policies have. */
const STAGED_ROWS: readonly AdmissionRow[] = [
  ["no stagedAction", { [ACTION]: undefined }],
  ["an empty stagedAction", { [ACTION]: "" }],
  ["stagedAction Set", { [ACTION]: "Set" }],
  ["stagedAction Learn", { [ACTION]: "Learn" }],
  ["stagedAction Ignore", { [ACTION]: "Ignore" }],
  ["stagedAction Warning", { [ACTION]: "Warning" }, [ACTION, 'supported values: "Set", "Delete", "Learn", "Ignore"']],
  ["stagedAction in lower case", { [ACTION]: "set" }, [ACTION, "supported values"]],
  ["stagedAction true", { [ACTION]: true }, [ACTION, "supported values"]],
  ["Delete alone", { spec: { stagedAction: "Delete" } }],
  ["Delete with a tier", { spec: { stagedAction: "Delete", tier: "platform" } }],
  ["Delete with an empty selector", { spec: { stagedAction: "Delete", selector: "" } }],
  ["Delete with a selector", { spec: { stagedAction: "Delete", selector: "a == 'b'" } }, ["spec.selector", DELETED]],
  ["Delete with an order", { spec: { stagedAction: "Delete", order: 10 } }, ["spec.order", DELETED]],
  ["Delete with types", { spec: { stagedAction: "Delete", types: ["Ingress"] } }, ["spec.types", DELETED]],
  ["Delete with ingress", { spec: { stagedAction: "Delete", ingress: [ALLOW] } }, ["spec.ingress", DELETED]],
  ["Delete with egress", { spec: { stagedAction: "Delete", egress: [ALLOW] } }, ["spec.egress", DELETED]],
  [
    "Delete with hints",
    { spec: { stagedAction: "Delete", performanceHints: ["AssumeNeededOnEveryNode"] } },
    ["spec.performanceHints", DELETED],
  ],
  [
    "Delete with a serviceAccountSelector and more",
    { spec: { stagedAction: "Delete", serviceAccountSelector: "all()", order: 1, types: ["Egress"] } },
    ["spec.serviceAccountSelector", DELETED],
    ["spec.order", DELETED],
    ["spec.types", DELETED],
  ],
  ["Delete with a bad name", { spec: { stagedAction: "Delete" }, "metadata.name": "a.b.c" }, [
    "metadata.name",
    "must be a DNS label, or two",
  ]],
  ["Delete with a bad tier", { spec: { stagedAction: "Delete", tier: "A" } }, ["spec.tier", "must be a DNS label"]],
];

const STAGED_GLOBAL_ROWS: readonly AdmissionRow[] = [
  ["Delete with flags that are false", { spec: { stagedAction: "Delete", preDNAT: false, applyOnForward: false } }],
  [
    "Delete with applyOnForward",
    { spec: { stagedAction: "Delete", applyOnForward: true } },
    ["spec.applyOnForward", DELETED],
  ],
  [
    "Delete with a namespaceSelector",
    { spec: { stagedAction: "Delete", namespaceSelector: "all()" } },
    ["spec.namespaceSelector", DELETED],
  ],
];

/** One rule of each family, to see that the staged kinds ask for them too. */
const STAGED_RULE_ROWS: readonly AdmissionRow[] = [
  ["a numeric port without protocol", { "spec.ingress": [{ action: "Deny", source: { ports: [80] } }] }, [
    "spec.ingress[0].source.ports[0]",
    "TCP, UDP or SCTP",
  ]],
  ["host bits in a net", { "spec.egress": [{ action: "Deny", destination: { nets: ["10.0.0.1/8"] } }] }, [
    "spec.egress[0].destination.nets[0]",
    "host bits are zero",
  ]],
  ["no action in a rule", { "spec.ingress": [{}] }, ["spec.ingress[0].action", "must be one of"]],
  ["http in egress", { "spec.egress": [{ action: "Allow", http: { methods: ["GET"] } }] }, [
    "spec.egress[0].http",
    "only in ingress rules",
  ]],
];

/** Changes of a staged policy that is there, with types that were filled in. */
const STAGED_UPDATES: readonly AdmissionRow[] = [
  ["to Delete, with nothing else said", { spec: { stagedAction: "Delete" } }],
  ["to Delete, with the types that were filled in", { spec: { stagedAction: "Delete", types: ["Ingress"] } }],
  ["to Delete, with other types", { spec: { stagedAction: "Delete", types: ["Egress"] } }, ["spec.types", DELETED]],
  ["to Delete, with the rest as it was", { [ACTION]: "Delete" }, ["spec.selector", DELETED]],
  ["to Ignore", { [ACTION]: "Ignore" }],
];

/** Tables of this part. */
export const POLICY_TABLES: readonly AdmissionTable[] = [
  {
    name: "NetworkPolicy",
    kind: networkPolicy,
    base: calico("NetworkPolicy", "web", { selector: "app == 'web'" }, "shop"),
    rows: [...SHARED_ROWS, ...NAMESPACED_ROWS, ...ENFORCED_ROWS],
  },
  {
    name: "GlobalNetworkPolicy",
    kind: globalNetworkPolicy,
    base: calico("GlobalNetworkPolicy", "web", { selector: "app == 'web'" }),
    rows: [...SHARED_ROWS, ...GLOBAL_ROWS, ...ENFORCED_ROWS],
  },
  {
    name: "StagedNetworkPolicy",
    kind: stagedNetworkPolicy,
    base: calico("StagedNetworkPolicy", "web", { selector: "app == 'web'" }, "shop"),
    rows: [...STAGED_ROWS, ...STAGED_RULE_ROWS, ...NAMESPACED_ROWS],
  },
  {
    name: "StagedNetworkPolicy change",
    kind: stagedNetworkPolicy,
    base: calico("StagedNetworkPolicy", "web", { selector: "app == 'web'" }, "shop"),
    stored: {},
    rows: STAGED_UPDATES,
  },
  {
    name: "StagedGlobalNetworkPolicy",
    kind: stagedGlobalNetworkPolicy,
    base: calico("StagedGlobalNetworkPolicy", "web", { selector: "app == 'web'" }),
    rows: [...STAGED_ROWS, ...STAGED_GLOBAL_ROWS, ...STAGED_RULE_ROWS, ...GLOBAL_ROWS],
  },
];
