/**
 * One rule of a policy: action, family, protocol, ICMP, HTTP and notes.
 *
 * @module
 */
import type { JsonObject } from "#/base/json.ts";
import { globalNetworkPolicy } from "#/resources/kinds/global_network_policy.ts";
import { calico, items, letters } from "#tests/conformance/admission_cases/builders.ts";
import type { AdmissionRow, AdmissionTable, Patch } from "#tests/conformance/admission_cases/row.ts";

const RULE = "spec.ingress[0]";
const EGRESS_RULE = "spec.egress[0]";

const ingress = (rule: JsonObject): Patch => ({ "spec.ingress": [{ action: "Allow", ...rule }] });
const egress = (rule: JsonObject): Patch => ({ "spec.egress": [{ action: "Allow", ...rule }] });

const PROTOCOL_RULE = "must be TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite or a number from 1 to 255";

const ACTION_ROWS: readonly AdmissionRow[] = [
  ["Allow", ingress({ action: "Allow" })],
  ["Deny", ingress({ action: "Deny" })],
  ["Log", ingress({ action: "Log" })],
  ["Pass", ingress({ action: "Pass" })],
  ["no action", { "spec.ingress": [{}] }, [`${RULE}.action`, "must be one of"]],
  ["an empty action", ingress({ action: "" }), [`${RULE}.action`, 'supported values: "Allow", "Deny", "Log", "Pass"']],
  ["an action in lower case", ingress({ action: "allow" }), [`${RULE}.action`, "supported values"]],
  ["an action in capitals", ingress({ action: "DENY" }), [`${RULE}.action`, "supported values"]],
  ["the inner word for Pass", ingress({ action: "next-tier" }), [`${RULE}.action`, "supported values"]],
  ["an unknown action", ingress({ action: "Reject" }), [`${RULE}.action`, "supported values"]],
  ["Accept, which is of another API", egress({ action: "Accept" }), [`${EGRESS_RULE}.action`, "supported values"]],
  ["an action that is a number", ingress({ action: 1 }), [`${RULE}.action`, "supported values"]],
  ["an unknown field", ingress({ sources: {} }), [`${RULE}.sources`, "unknown field"]],
  [
    "the second rule without action",
    { "spec.ingress": [{ action: "Allow" }, { protocol: "TCP" }] },
    ["spec.ingress[1].action", "must be one of"],
  ],
  [
    "a fault in each direction",
    { "spec.ingress": [{ action: "x" }], "spec.egress": [{ action: "y" }] },
    [`${RULE}.action`, "supported values"],
    [`${EGRESS_RULE}.action`, "supported values"],
  ],
];

const FAMILY_ROWS: readonly AdmissionRow[] = [
  ["family 4", ingress({ ipVersion: 4 })],
  ["family 6", ingress({ ipVersion: 6 })],
  ["family null", ingress({ ipVersion: null })],
  ["family 0", ingress({ ipVersion: 0 }), [`${RULE}.ipVersion`, "supported values: 4, 6"]],
  ["family 5", ingress({ ipVersion: 5 }), [`${RULE}.ipVersion`, "supported values"]],
  ["family as text", ingress({ ipVersion: "4" }), [`${RULE}.ipVersion`, "supported values"]],
];

const protocolRows = (member: "protocol" | "notProtocol"): readonly AdmissionRow[] => [
  ...["TCP", "UDP", "ICMP", "ICMPv6", "SCTP", "UDPLite"].map((name): AdmissionRow => [
    `${member} ${name}`,
    ingress({ [member]: name }),
  ]),
  ...["tcp", "Udp", "icmp", "icmpv6", "ICMPV6", "sctp", "udplite"].map((name): AdmissionRow => [
    `${member} ${name}, in another case`,
    ingress({ [member]: name }),
  ]),
  ...[1, 6, 17, 58, 132, 136, 253, 255].map((number): AdmissionRow => [
    `${member} number ${number}`,
    ingress({ [member]: number }),
  ]),
  [`${member} 1 as text`, ingress({ [member]: "1" })],
  [`${member} 255 as text`, ingress({ [member]: "255" })],
  ...[0, -1, 256, 6.5, true, "0", "256", "6.5", "-6", "", "tcpfoo", "footcp", "TCP ", "ICMP6", "any", "http"]
    .map((bad): AdmissionRow => [
      `${member} ${JSON.stringify(bad)}`,
      ingress({ [member]: bad }),
      [`${RULE}.${member}`, PROTOCOL_RULE],
    ]),
];

const ICMP_RULE = "must stand only with protocol ICMP or ICMPv6";

const icmpRows = (member: "icmp" | "notICMP"): readonly AdmissionRow[] => [
  [`${member} without fields`, ingress({ protocol: "ICMP", [member]: {} })],
  [`${member} with type 0`, ingress({ protocol: "ICMP", [member]: { type: 0 } })],
  [`${member} with type 254`, ingress({ protocol: "ICMPv6", [member]: { type: 254 } })],
  [`${member} with code 0`, ingress({ protocol: "ICMP", [member]: { type: 3, code: 0 } })],
  [`${member} with code 255`, ingress({ protocol: "ICMP", [member]: { type: 3, code: 255 } })],
  [`${member} with protocol 1`, ingress({ protocol: 1, [member]: { type: 8 } })],
  [`${member} with protocol 58`, ingress({ protocol: 58, [member]: { type: 128 } })],
  [`${member} with icmp in lower case`, ingress({ protocol: "icmp", [member]: { type: 8 } })],
  [
    `${member} with type 255`,
    ingress({ protocol: "ICMP", [member]: { type: 255 } }),
    [`${RULE}.${member}.type`, "must be at most 254"],
  ],
  [
    `${member} with type -1`,
    ingress({ protocol: "ICMP", [member]: { type: -1 } }),
    [`${RULE}.${member}.type`, "must be at least 0"],
  ],
  [
    `${member} with code 256`,
    ingress({ protocol: "ICMP", [member]: { type: 3, code: 256 } }),
    [`${RULE}.${member}.code`, "must be at most 255"],
  ],
  [
    `${member} with code -1`,
    ingress({ protocol: "ICMP", [member]: { type: 3, code: -1 } }),
    [`${RULE}.${member}.code`, "must be at least 0"],
  ],
  [
    `${member} with a type that is a text`,
    ingress({ protocol: "ICMP", [member]: { type: "8" } }),
    [`${RULE}.${member}.type`, "must be a number"],
  ],
  [
    `${member} with a type that is no whole number`,
    ingress({ protocol: "ICMP", [member]: { type: 8.5 } }),
    [`${RULE}.${member}.type`, "must be a whole number"],
  ],
  [
    `${member} with a code alone`,
    ingress({ protocol: "ICMP", [member]: { code: 0 } }),
    [`${RULE}.${member}.type`, "must be given where code is given"],
  ],
  [`${member} without protocol`, ingress({ [member]: { type: 8 } }), [`${RULE}.${member}`, ICMP_RULE]],
  [`${member} with TCP`, ingress({ protocol: "TCP", [member]: { type: 8 } }), [`${RULE}.${member}`, ICMP_RULE]],
  [`${member} with protocol 2`, ingress({ protocol: 2, [member]: { type: 8 } }), [`${RULE}.${member}`, ICMP_RULE]],
  [
    `${member} with notProtocol ICMP alone`,
    ingress({ notProtocol: "ICMP", [member]: { type: 8 } }),
    [`${RULE}.${member}`, ICMP_RULE],
  ],
];

const ICMP_FAMILY_ROWS: readonly AdmissionRow[] = [
  ["ICMP of family 4", ingress({ protocol: "ICMP", ipVersion: 4 })],
  ["ICMPv6 of family 6", ingress({ protocol: "ICMPv6", ipVersion: 6 })],
  ["not ICMP, of family 4", ingress({ notProtocol: "ICMP", ipVersion: 4 })],
  ["not ICMPv6, of family 6", ingress({ notProtocol: "ICMPv6", ipVersion: 6 })],
  ["TCP and not ICMP", ingress({ protocol: "TCP", notProtocol: "ICMP" })],
  ["ICMP of family 6", ingress({ protocol: "ICMP", ipVersion: 6 }), [`${RULE}.ipVersion`, "must be 4 with protocol"]],
  ["ICMPv6 of family 4", ingress({ protocol: "ICMPv6", ipVersion: 4 }), [
    `${RULE}.ipVersion`,
    "must be 6 with protocol",
  ]],
  ["protocol 1 of family 6", ingress({ protocol: 1, ipVersion: 6 }), [`${RULE}.ipVersion`, "must be 4"]],
  ["protocol 58 of family 4", ingress({ protocol: 58, ipVersion: 4 }), [`${RULE}.ipVersion`, "must be 6"]],
  ["not ICMP, of family 6", ingress({ notProtocol: "ICMP", ipVersion: 6 }), [
    `${RULE}.ipVersion`,
    "must be 4 with notProtocol",
  ]],
  ["not ICMPv6, of family 4", ingress({ notProtocol: "ICMPv6", ipVersion: 4 }), [
    `${RULE}.ipVersion`,
    "must be 6 with notProtocol",
  ]],
  ["not protocol 1, of family 6", ingress({ notProtocol: 1, ipVersion: 6 }), [`${RULE}.ipVersion`, "must be 4"]],
];

const PATH_RULE = 'must start with "/" and hold no "?", "#" or space';
const path = (item: JsonObject): Patch => ingress({ http: { paths: [item] } });

const HTTP_ROWS: readonly AdmissionRow[] = [
  ["http with a method", ingress({ http: { methods: ["GET"] } })],
  ["http with 20 methods", ingress({ http: { methods: items(20, (at) => `M${at}`) } })],
  ["http with 21 methods", ingress({ http: { methods: items(21, (at) => `M${at}`) } }), [
    `${RULE}.http.methods`,
    "at most 20 items",
  ]],
  ["http with a method twice", ingress({ http: { methods: ["GET", "PUT", "GET"] } }), [
    `${RULE}.http.methods[2]`,
    "only once",
  ]],
  ["http without anything", ingress({ http: {} })],
  ["http with TCP", ingress({ protocol: "TCP", http: { methods: ["GET"] } })],
  ["http with protocol 6", ingress({ protocol: 6, http: { methods: ["GET"] } })],
  ["http with UDP", ingress({ protocol: "UDP", http: { methods: ["GET"] } }), [`${RULE}.protocol`, "must be TCP"]],
  ["http with protocol 17", ingress({ protocol: 17, http: { methods: ["GET"] } }), [`${RULE}.protocol`, "must be TCP"]],
  ...(["Deny", "Log", "Pass"] as const).map((action): AdmissionRow => [
    `http in a ${action} rule`,
    ingress({ action, http: { methods: ["GET"] } }),
    [`${RULE}.http`, "only in Allow rules"],
  ]),
  ["http in egress", egress({ http: { methods: ["GET"] } }), [`${EGRESS_RULE}.http`, "only in ingress rules"]],
  [
    "http in a Deny rule of egress",
    egress({ action: "Deny", http: { methods: ["GET"] } }),
    [`${EGRESS_RULE}.http`, "only in ingress rules"],
    [`${EGRESS_RULE}.http`, "only in Allow rules"],
  ],
  ["an exact path", path({ exact: "/shop" })],
  ["the shortest path", path({ exact: "/" })],
  ["a path prefix", path({ prefix: "/shop/" })],
  ["20 paths", ingress({ http: { paths: items(20, (at) => ({ exact: `/${at}` })) } })],
  ["21 paths", ingress({ http: { paths: items(21, (at) => ({ exact: `/${at}` })) } }), [
    `${RULE}.http.paths`,
    "at most 20 items",
  ]],
  ["a path of 1024 characters", path({ exact: `/${letters(1023)}` })],
  ["a path of 1025", path({ exact: `/${letters(1024)}` }), [`${RULE}.http.paths[0].exact`, "at most 1024 characters"]],
  ["a prefix of 1025", path({ prefix: `/${letters(1024)}` }), [
    `${RULE}.http.paths[0].prefix`,
    "at most 1024 characters",
  ]],
  ["a path exact and prefix", path({ exact: "/a", prefix: "/a" }), [`${RULE}.http.paths[0]`, "exactly one of"]],
  ["a path neither exact nor prefix", path({}), [`${RULE}.http.paths[0]`, "exactly one of"]],
  ["a path without a slash", path({ exact: "shop" }), [`${RULE}.http.paths[0].exact`, PATH_RULE]],
  ["an empty path", path({ exact: "" }), [`${RULE}.http.paths[0].exact`, PATH_RULE]],
  ["a path with a query", path({ exact: "/shop?a=b" }), [`${RULE}.http.paths[0].exact`, PATH_RULE]],
  ["a path with a fragment", path({ prefix: "/shop#a" }), [`${RULE}.http.paths[0].prefix`, PATH_RULE]],
  ["a path with a space", path({ prefix: "/a b" }), [`${RULE}.http.paths[0].prefix`, PATH_RULE]],
  ["a path of an unknown form", path({ regex: "/.*", exact: "/a" }), [
    `${RULE}.http.paths[0].regex`,
    "unknown field",
  ]],
];

const NOTES = `${RULE}.metadata.annotations`;

const METADATA_ROWS: readonly AdmissionRow[] = [
  ["notes", ingress({ metadata: { annotations: { owner: "net", "Example.com/Ticket": "#42" } } })],
  ["notes without anything", ingress({ metadata: {} })],
  ["a note with a bad key", ingress({ metadata: { annotations: { "a b": "c" } } }), [
    `${NOTES}[a b]`,
    "must be a name of at most 63",
  ]],
  ["a note that starts with a dash", ingress({ metadata: { annotations: { "-a": "c" } } }), [
    `${NOTES}[-a]`,
    "must be a name of at most 63",
  ]],
  ["notes of more than 256 KiB", ingress({ metadata: { annotations: { a: letters(256 * 1024) } } }), [
    NOTES,
    "at most 262144 bytes",
  ]],
  ["a note that is a number", ingress({ metadata: { annotations: { a: 1 } } }), [`${NOTES}[a]`, "must be a text"]],
  ["a label", ingress({ metadata: { labels: { a: "b" } } }), [`${RULE}.metadata.labels`, "unknown field"]],
];

const base = calico("GlobalNetworkPolicy", "web", {});

/** Tables of this part. */
export const RULE_TABLES: readonly AdmissionTable[] = [
  { name: "rule action", kind: globalNetworkPolicy, base, rows: ACTION_ROWS },
  { name: "rule family", kind: globalNetworkPolicy, base, rows: [...FAMILY_ROWS, ...ICMP_FAMILY_ROWS] },
  {
    name: "rule protocol",
    kind: globalNetworkPolicy,
    base,
    rows: [...protocolRows("protocol"), ...protocolRows("notProtocol")],
  },
  { name: "rule ICMP", kind: globalNetworkPolicy, base, rows: [...icmpRows("icmp"), ...icmpRows("notICMP")] },
  { name: "rule HTTP", kind: globalNetworkPolicy, base, rows: HTTP_ROWS },
  { name: "rule notes", kind: globalNetworkPolicy, base, rows: METADATA_ROWS },
];
