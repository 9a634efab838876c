/**
 * The two ends of a rule: networks, selectors, ports, service accounts and Services.
 *
 * @module
 */
import type { Json, JsonObject } from "#/base/json.ts";
import { globalNetworkPolicy } from "#/resources/kinds/global_network_policy.ts";
import { networkPolicy } from "#/resources/kinds/network_policy.ts";
import { calico, items, letters } from "#tests/conformance/admission_cases/builders.ts";
import type { AdmissionRow, AdmissionTable, Patch } from "#tests/conformance/admission_cases/row.ts";

const SOURCE = "spec.ingress[0].source";
const TARGET = "spec.ingress[0].destination";

const rule = (members: JsonObject): Patch => ({ "spec.ingress": [{ action: "Allow", ...members }] });
const egress = (members: JsonObject): Patch => ({ "spec.egress": [{ action: "Allow", ...members }] });
const source = (entity: JsonObject): Patch => rule({ source: entity });

const NETWORK_RULE = "must be a network as ADDRESS/LENGTH";
const MASKED_RULE = "must be a network whose host bits are zero";
const ALL_RULE = "must not be a network that holds every address";

const net = (at: number) => `10.0.${at}.0/24`;

const NET_ROWS: readonly AdmissionRow[] = [
  ...["10.0.0.0/8", "10.1.2.3/32", "0.0.0.0/0", "fd00::/8", "fd00::1/128", "::/0", "FD00:0:0::/48", "192.168.0.0/16"]
    .map((text): AdmissionRow => [`net ${text}`, source({ nets: [text] })]),
  ...["10.0.0.1", "fd00::1", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8", "256.0.0.0/8"]
    .map((text): AdmissionRow => [`net ${text}`, source({ nets: [text] }), [`${SOURCE}.nets[0]`, NETWORK_RULE]]),
  ...["fd00::/129", "fd00:::/8", "", "all", "10.0.0.0/8 ", "10.0.0.0-10.0.0.9", "/8", "010.0.0.0/8", "10.0.0.0/08"]
    .map((text): AdmissionRow => [`net "${text}"`, source({ nets: [text] }), [`${SOURCE}.nets[0]`, NETWORK_RULE]]),
  ...["10.0.0.1/8", "10.1.2.3/31", "192.168.1.0/16", "fd00::1/64", "10.0.0.1/0"]
    .map((text): AdmissionRow => [`net ${text}`, source({ nets: [text] }), [`${SOURCE}.nets[0]`, MASKED_RULE]]),
  ["a net that is a number", source({ nets: [10] }), [`${SOURCE}.nets[0]`, "must be a text"]],
  ["nets that are a text", source({ nets: "10.0.0.0/8" }), [`${SOURCE}.nets`, "must be a list"]],
  ["256 nets", source({ nets: items(256, net) })],
  ["257 nets", source({ nets: items(257, net) }), [`${SOURCE}.nets`, "at most 256 items"]],
  ["256 negated nets", source({ notNets: items(256, net) })],
  ["257 negated nets", source({ notNets: items(257, net) }), [`${SOURCE}.notNets`, "at most 256 items"]],
  ["the same net twice", source({ nets: ["10.0.0.0/8", "10.0.0.0/8"] })],
  ["no nets", source({ nets: [], notNets: [] })],
  ["a negated net with host bits", source({ notNets: ["10.0.0.1/8"] }), [`${SOURCE}.notNets[0]`, MASKED_RULE]],
  ["a negated address", source({ notNets: ["10.0.0.1"] }), [`${SOURCE}.notNets[0]`, NETWORK_RULE]],
  ["every address negated", source({ notNets: ["0.0.0.0/0"] }), [`${SOURCE}.notNets[0]`, ALL_RULE]],
  ["every IPv6 address negated", source({ notNets: ["::/0"] }), [`${SOURCE}.notNets[0]`, ALL_RULE]],
  ["every IPv6 address negated, written long", source({ notNets: ["0:0:0:0:0:0:0:0/0"] }), [
    `${SOURCE}.notNets[0]`,
    ALL_RULE,
  ]],
  ...["::0/0", "0:0:0::/0"].map((text): AdmissionRow => [
    `every IPv6 address negated as ${text}`,
    source({ notNets: [text] }),
    [`${SOURCE}.notNets[0]`, ALL_RULE],
  ]),
  ["every address negated among others", rule({ destination: { notNets: ["10.0.0.0/8", "0.0.0.0/0"] } }), [
    `${TARGET}.notNets[1]`,
    ALL_RULE,
  ]],
  ["all addresses negated, in halves", source({ notNets: ["0.0.0.0/1", "128.0.0.0/1"] })],
];

const FAMILY_4 = "must be an IPv4 network";
const FAMILY_6 = "must be an IPv6 network";

const FAMILY_ROWS: readonly AdmissionRow[] = [
  ["both families in one list", source({ nets: ["10.0.0.0/8", "fd00::/8"] }), [`${SOURCE}.nets[1]`, FAMILY_4]],
  ["both families, IPv6 first", source({ nets: ["fd00::/8", "10.0.0.0/8"] }), [`${SOURCE}.nets[1]`, FAMILY_6]],
  [
    "both families at the two ends",
    rule({ source: { nets: ["10.0.0.0/8"] }, destination: { nets: ["fd00::/8"] } }),
    [`${TARGET}.nets[0]`, FAMILY_4],
  ],
  [
    "both families at the two ends, IPv6 first",
    rule({ source: { nets: ["fd00::/8"] }, destination: { nets: ["10.0.0.0/8"] } }),
    [`${TARGET}.nets[0]`, FAMILY_6],
  ],
  ["a negated net of the other family", source({ nets: ["10.0.0.0/8"], notNets: ["fd00::/8"] }), [
    `${SOURCE}.notNets[0]`,
    FAMILY_4,
  ]],
  [
    "negated nets of both families at the two ends",
    rule({ source: { notNets: ["fd00::/8"] }, destination: { notNets: ["10.0.0.0/8"] } }),
    [`${TARGET}.notNets[0]`, FAMILY_6],
  ],
  ["a net of the rule's family", rule({ ipVersion: 6, source: { nets: ["fd00::/8"] } })],
  ["a source of another family than the rule's", rule({ ipVersion: 6, source: { nets: ["10.0.0.0/8"] } }), [
    `${SOURCE}.nets[0]`,
    FAMILY_6,
  ]],
  ["a destination of another family than the rule's", rule({ ipVersion: 4, destination: { nets: ["fd00::/8"] } }), [
    `${TARGET}.nets[0]`,
    FAMILY_4,
  ]],
  ["a negated net of another family than the rule's", rule({ ipVersion: 4, source: { notNets: ["fd00::/8"] } }), [
    `${SOURCE}.notNets[0]`,
    FAMILY_4,
  ]],
  [
    "four lists of one family",
    rule({
      source: { nets: ["10.0.0.0/8"], notNets: ["10.1.0.0/16"] },
      destination: { nets: ["10.2.0.0/16"], notNets: ["10.2.1.0/24"] },
    }),
  ],
];

const PORT_RULE = "must be a port from 1 to 65535, a range such as 8000:8010, or the name of a port";
const PROTOCOL_RULE = "must stand only with protocol TCP, UDP or SCTP";

const target = (list: "ports" | "notPorts", ports: Json, protocol: Json = "TCP"): Patch =>
  rule({ protocol, destination: { [list]: ports } });

const PORT_ROWS: readonly AdmissionRow[] = [
  ...[1, 65_535, "80", "1:65535", "8000:8010", "80:80", "http", "a", "a-1", "9p-http"].map((port): AdmissionRow => [
    `port ${port}`,
    target("ports", [port]),
  ]),
  ["a name of 15 characters", target("ports", [letters(15)])],
  ["a name of 16 characters", target("ports", [letters(16)]), [`${TARGET}.ports[0]`, PORT_RULE]],
  ["a name of 129 characters", target("ports", [letters(129)]), [`${TARGET}.ports[0]`, PORT_RULE]],
  ...[
    0,
    -1,
    65_536,
    80.5,
    true,
    "0",
    "65536",
    "0:80",
    "80:65536",
    "90:80",
    "80-90",
    ":80",
    "80:",
    "1:2:3",
    "",
    " ",
    "80 ",
  ]
    .map((port): AdmissionRow => [
      `port ${JSON.stringify(port)}`,
      target("ports", [port]),
      [`${TARGET}.ports[0]`, PORT_RULE],
    ]),
  ...["HTTP", "ht_tp", "ht.tp", "-http", "http-", "ht--tp", "http!", "ünï", "1-2"].map((name): AdmissionRow => [
    `the name ${name}`,
    target("ports", [name]),
    [`${TARGET}.ports[0]`, PORT_RULE],
  ]),
  ["a negated range that runs backwards", target("notPorts", ["200:100"]), [`${TARGET}.notPorts[0]`, PORT_RULE]],
  ["a negated port 0", target("notPorts", [0]), [`${TARGET}.notPorts[0]`, PORT_RULE]],
  ["the second of two", target("ports", [80, "x y"]), [`${TARGET}.ports[1]`, PORT_RULE]],
  ["50 ports", target("ports", items(50, (at) => at + 1))],
  ["51 ports", target("ports", items(51, (at) => at + 1)), [`${TARGET}.ports`, "at most 50 items"]],
  ["51 negated ports", target("notPorts", items(51, (at) => at + 1)), [`${TARGET}.notPorts`, "at most 50 items"]],
  ["ports that are no list", target("ports", 80), [`${TARGET}.ports`, "must be a list"]],
  ["a port null", target("ports", [null]), [`${TARGET}.ports[0]`, PORT_RULE]],
  ...["TCP", "UDP", "SCTP", "tcp", 6, 17, 132].map((protocol): AdmissionRow => [
    `ports with protocol ${protocol}`,
    rule({ protocol, source: { ports: [80, "http"] }, destination: { notPorts: ["1:9"] } }),
  ]),
  ...["ICMP", "ICMPv6", "UDPLite", 1, 7, 58, 100, 136].map((protocol): AdmissionRow => [
    `ports with protocol ${protocol}`,
    rule({ protocol, source: { ports: [80] }, destination: { notPorts: ["http"] } }),
    [`${SOURCE}.ports[0]`, PROTOCOL_RULE],
    [`${TARGET}.notPorts[0]`, PROTOCOL_RULE],
  ]),
  ["empty lists of ports with protocol 7", rule({ protocol: 7, source: { ports: [], notPorts: [] } })],
  ["empty lists of ports without protocol", rule({ destination: { ports: [], notPorts: [] } })],
  ["a port without protocol", source({ ports: [80] }), [`${SOURCE}.ports[0]`, PROTOCOL_RULE]],
  ["a range without protocol", source({ notPorts: ["80:90"] }), [`${SOURCE}.notPorts[0]`, PROTOCOL_RULE]],
  ["a port as text without protocol", source({ ports: ["80"] }), [`${SOURCE}.ports[0]`, PROTOCOL_RULE]],
  ["a port of the destination without protocol", rule({ destination: { ports: [80] } }), [
    `${TARGET}.ports[0]`,
    PROTOCOL_RULE,
  ]],
  ["a port with notProtocol alone", rule({ notProtocol: "ICMP", destination: { ports: [80] } }), [
    `${TARGET}.ports[0]`,
    PROTOCOL_RULE,
  ]],
  ["a name without protocol", source({ ports: ["http"] })],
  ["a negated name without protocol", rule({ destination: { notPorts: ["http"] } })],
  ["a name and a number without protocol", source({ ports: ["http", 80] }), [`${SOURCE}.ports[1]`, PROTOCOL_RULE]],
];

const NO_GLOBAL = "must not contain global()";
const GLOBAL_ALONE = "must be global() alone";

const SELECTOR_ROWS: readonly AdmissionRow[] = [
  ...(["selector", "notSelector"] as const).flatMap((field): readonly AdmissionRow[] => [
    [field, source({ [field]: "app == 'web' && has(tier)" })],
    [`${field} empty`, source({ [field]: "" })],
    [`${field} all()`, source({ [field]: "all()" })],
    [`${field} of 1024 characters`, source({ [field]: `a == "${letters(1017)}"` })],
    [`${field} of 1025`, source({ [field]: `a == "${letters(1018)}"` }), [`${SOURCE}.${field}`, "at most 1024"]],
    [`${field} that does not parse`, source({ [field]: "a ==" }), [`${SOURCE}.${field}`, "must be a selector"]],
    [`${field} global()`, source({ [field]: "global()" }), [`${SOURCE}.${field}`, NO_GLOBAL]],
    [`${field} with global() in it`, source({ [field]: "a == 'b' && global()" }), [`${SOURCE}.${field}`, NO_GLOBAL]],
    [`${field} that is a list`, source({ [field]: ["a"] }), [`${SOURCE}.${field}`, "must be a text"]],
  ]),
  ["namespaceSelector", source({ namespaceSelector: "projectcalico.org/name == 'shop'" })],
  ["namespaceSelector all()", source({ namespaceSelector: "all()" })],
  ["namespaceSelector global()", source({ namespaceSelector: "global()" })],
  ["namespaceSelector global() in spaces", source({ namespaceSelector: " global( ) " })],
  ["namespaceSelector global() in egress", egress({ destination: { namespaceSelector: "global()" } })],
  ["namespaceSelector global() with a selector", source({ namespaceSelector: "global()", selector: "a == 'b'" })],
  [
    "namespaceSelector global() at one end, a name at the other",
    rule({
      source: { namespaceSelector: "global()" },
      destination: { namespaceSelector: "projectcalico.org/name == 'x'" },
    }),
  ],
  ...[
    "global()||all()",
    " global() && all()",
    "global() && a == 'b'",
    "a == 'b' || global()",
    "!global()",
    "global() || global()",
  ].map((text): AdmissionRow => [
    `namespaceSelector ${text}`,
    source({ namespaceSelector: text }),
    [`${SOURCE}.namespaceSelector`, GLOBAL_ALONE],
  ]),
  ["namespaceSelector that does not parse", source({ namespaceSelector: "global(" }), [
    `${SOURCE}.namespaceSelector`,
    "must be a selector",
  ]],
  ["namespaceSelector of 1025 characters", source({ namespaceSelector: `a == "${letters(1018)}"` }), [
    `${SOURCE}.namespaceSelector`,
    "at most 1024",
  ]],
  ["an unknown field", source({ selectors: "all()" }), [`${SOURCE}.selectors`, "unknown field"]],
  ["a field of the Kubernetes kind", source({ podSelector: {} }), [`${SOURCE}.podSelector`, "unknown field"]],
  ["an end that is a text", rule({ source: "all()" }), [SOURCE, "must be an object"]],
  ["an end without anything", rule({ source: {}, destination: {} })],
];

const ACCOUNTS = `${SOURCE}.serviceAccounts`;

const ACCOUNT_ROWS: readonly AdmissionRow[] = [
  ["names of accounts", source({ serviceAccounts: { names: ["default", "ci.builder"] } })],
  ["a selector of accounts", source({ serviceAccounts: { selector: "role == 'a'" } })],
  ["names and selector of accounts", source({ serviceAccounts: { names: ["a"], selector: "has(b)" } })],
  ["accounts of the destination", rule({ destination: { serviceAccounts: { names: ["a"] } } })],
  ["accounts without anything", source({ serviceAccounts: {} })],
  ["a name of an account in capitals", source({ serviceAccounts: { names: ["a", "B"] } }), [
    `${ACCOUNTS}.names[1]`,
    "must be a DNS name",
  ]],
  ["names of accounts as text", source({ serviceAccounts: { names: "a" } }), [`${ACCOUNTS}.names`, "must be a list"]],
  ["a selector of accounts of 1025", source({ serviceAccounts: { selector: `a == "${letters(1018)}"` } }), [
    `${ACCOUNTS}.selector`,
    "at most 1024",
  ]],
  ["a selector of accounts that does not parse", source({ serviceAccounts: { selector: "(" } }), [
    `${ACCOUNTS}.selector`,
    "must be a selector",
  ]],
  ["global() over accounts", source({ serviceAccounts: { selector: "global()" } }), [
    `${ACCOUNTS}.selector`,
    NO_GLOBAL,
  ]],
  ["accounts with an unknown field", source({ serviceAccounts: { name: "a" } }), [`${ACCOUNTS}.name`, "unknown field"]],
];

const DB: JsonObject = { name: "db", namespace: "shop" };
const TO_DB = "spec.egress[0].destination";
const EXCLUDED = "must not stand together with services";
const name253 = [...items(3, () => letters(63)), letters(61)].join(".");

const SERVICE_ROWS: readonly AdmissionRow[] = [
  ["a Service as destination of egress", egress({ destination: { services: DB } })],
  ["a Service as source of ingress", rule({ source: { services: DB } })],
  ["a Service as source of egress", egress({ source: { services: DB } }), [
    "spec.egress[0].source.services",
    "the destination of an egress rule",
  ]],
  ["a Service as destination of ingress", rule({ destination: { services: DB } }), [
    `${TARGET}.services`,
    "the source of an ingress rule",
  ]],
  ["a Service with a name of 253 characters", egress({ destination: { services: { ...DB, name: name253 } } })],
  ["a Service with a name of 254 characters", egress({ destination: { services: { ...DB, name: `${name253}x` } } }), [
    `${TO_DB}.services.name`,
    "at most 253",
  ]],
  ["a Service with a name in capitals", egress({ destination: { services: { ...DB, name: "DB" } } }), [
    `${TO_DB}.services.name`,
    "must be a DNS name",
  ]],
  ["a Service of a namespace in capitals", egress({ destination: { services: { ...DB, namespace: "Shop" } } }), [
    `${TO_DB}.services.namespace`,
    "must be a DNS name",
  ]],
  ["a Service without a name", egress({ destination: { services: { namespace: "shop" } } }), [
    `${TO_DB}.services.name`,
    "must name a Service",
  ]],
  ["a Service with an empty name", egress({ destination: { services: { ...DB, name: "" } } }), [
    `${TO_DB}.services.name`,
    "must name a Service",
  ]],
  ...([
    ["selector", "all()"],
    ["notSelector", "all()"],
    ["namespaceSelector", "all()"],
    ["serviceAccounts", { names: ["a"] }],
    ["nets", ["10.0.0.0/8"]],
    ["notNets", ["10.0.0.0/8"]],
  ] as const).flatMap(([member, value]): readonly AdmissionRow[] => [
    [`a Service with ${member}, as destination`, egress({ destination: { services: DB, [member]: value } }), [
      `${TO_DB}.${member}`,
      EXCLUDED,
    ]],
    [`a Service with ${member}, as source`, rule({ source: { services: DB, [member]: value } }), [
      `${SOURCE}.${member}`,
      EXCLUDED,
    ]],
  ]),
  ["a Service with ports, as destination", egress({ protocol: "TCP", destination: { services: DB, ports: [80] } }), [
    `${TO_DB}.ports`,
    EXCLUDED,
  ]],
  ["a Service with notPorts, as destination", egress({ destination: { services: DB, notPorts: ["http"] } }), [
    `${TO_DB}.notPorts`,
    EXCLUDED,
  ]],
  ["a Service with ports, as source", rule({ protocol: "TCP", source: { services: DB, ports: [80] } })],
  ["a Service with notPorts, as source", rule({ protocol: "TCP", source: { services: DB, notPorts: [80] } })],
  [
    "a Service with empty others",
    egress({
      destination: { services: DB, selector: "", notSelector: "", namespaceSelector: "", nets: [], ports: [] },
    }),
  ],
  [
    "a Service beside matches of the other end",
    egress({ source: { selector: "a == 'b'" }, destination: { services: DB } }),
  ],
  ["a Service with an unknown field", egress({ destination: { services: { ...DB, port: 80 } } }), [
    `${TO_DB}.services.port`,
    "unknown field",
  ]],
];

const OWN = { name: "db" };

const gnp = calico("GlobalNetworkPolicy", "web", {});

/** Tables of this part. */
export const ENTITY_TABLES: readonly AdmissionTable[] = [
  { name: "nets", kind: globalNetworkPolicy, base: gnp, rows: [...NET_ROWS, ...FAMILY_ROWS] },
  { name: "ports", kind: globalNetworkPolicy, base: gnp, rows: PORT_ROWS },
  { name: "selectors of an end", kind: globalNetworkPolicy, base: gnp, rows: SELECTOR_ROWS },
  { name: "service accounts", kind: globalNetworkPolicy, base: gnp, rows: ACCOUNT_ROWS },
  {
    name: "Services in a global policy",
    kind: globalNetworkPolicy,
    base: gnp,
    rows: [
      ...SERVICE_ROWS,
      ["a Service without a namespace", egress({ destination: { services: OWN } }), [
        `${TO_DB}.services.namespace`,
        "must be given in a policy that has no namespace",
      ]],
      ["a Service with an empty namespace", rule({ source: { services: { ...OWN, namespace: "" } } }), [
        `${SOURCE}.services.namespace`,
        "must be given in a policy that has no namespace",
      ]],
    ],
  },
  {
    name: "Services in a policy of a namespace",
    kind: networkPolicy,
    base: calico("NetworkPolicy", "web", {}, "shop"),
    rows: [
      ["a Service of its own namespace", egress({ destination: { services: OWN } })],
      ["a Service of another namespace", rule({ source: { services: DB } })],
      ["a Service with an empty namespace", egress({ destination: { services: { ...OWN, namespace: "" } } })],
      ["a Service without a name", rule({ source: { services: {} } }), [
        `${SOURCE}.services.name`,
        "must name a Service",
      ]],
    ],
  },
];
