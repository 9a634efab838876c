/**
 * Names and metadata: what an object of each kind may be called, its labels, annotations and namespace.
 *
 * @module
 */
import { globalNetworkPolicy } from "#/resources/kinds/global_network_policy.ts";
import { globalNetworkSet } from "#/resources/kinds/global_network_set.ts";
import { hostEndpoint } from "#/resources/kinds/host_endpoint.ts";
import { namespace } from "#/resources/kinds/namespace.ts";
import { networkPolicy } from "#/resources/kinds/network_policy.ts";
import { networkSet } from "#/resources/kinds/network_set.ts";
import { pod } from "#/resources/kinds/pod.ts";
import { profile } from "#/resources/kinds/profile.ts";
import { serviceAccount } from "#/resources/kinds/service_account.ts";
import { stagedGlobalNetworkPolicy } from "#/resources/kinds/staged_global_network_policy.ts";
import { stagedNetworkPolicy } from "#/resources/kinds/staged_network_policy.ts";
import { tier } from "#/resources/kinds/tier.ts";
import { calico, items, letters } from "#tests/conformance/admission_cases/builders.ts";
import type { AdmissionRow, AdmissionTable } from "#tests/conformance/admission_cases/row.ts";

const NAME = "metadata.name";
const LABEL_RULE = "must be a DNS label";
const SUBDOMAIN_RULE = "must be a DNS name";
const POLICY_RULE = "must be a DNS label, or two joined by a dot";

/** A name of 63, 63, 63 and the rest in characters. */
const dnsName = (length: number) => [...items(3, () => letters(63)), letters(length - 192)].join(".");

/** Names that no kind takes. */
const badNames = (rule: string): readonly AdmissionRow[] => [
  ["a name in capitals", { [NAME]: "tHiNg" }, [NAME, rule]],
  ["a name with a mark", { [NAME]: "t~!hing" }, [NAME, rule]],
  ["a name with an underscore", { [NAME]: "th_ing" }, [NAME, rule]],
  ["a name with a space", { [NAME]: "th ing" }, [NAME, rule]],
  ["a name that starts with a dash", { [NAME]: "-thing" }, [NAME, rule]],
  ["a name that ends with a dash", { [NAME]: "thing-" }, [NAME, rule]],
  ["a name that starts with a dot", { [NAME]: ".thing" }, [NAME, rule]],
  ["a name that ends with a dot", { [NAME]: "thing." }, [NAME, rule]],
  ["a name outside ASCII", { [NAME]: "thíng" }, [NAME, rule]],
  ["no name", { [NAME]: undefined }, [NAME, "must give name or generateName"]],
  ["an empty name", { [NAME]: "" }, [NAME, "must give name or generateName"]],
  ["a name that is a number", { [NAME]: 1 }, [NAME, "must be a text"]],
];

/** What a kind takes whose names are DNS names. */
const SUBDOMAIN_NAMES: readonly AdmissionRow[] = [
  ["a name of one letter", { [NAME]: "a" }],
  ["a name of one digit", { [NAME]: "7" }],
  ["a name of many labels", { [NAME]: "a.b-1.c.d.e" }],
  ["a name of 253 characters", { [NAME]: dnsName(253) }],
  ["a name of 254 characters", { [NAME]: dnsName(254) }, [NAME, "at most 253"]],
  ["a name with two dots in a row", { [NAME]: "a..b" }, [NAME, SUBDOMAIN_RULE]],
  ["a name whose label ends with a dash", { [NAME]: "a-.b" }, [NAME, SUBDOMAIN_RULE]],
];

/** What a policy takes, in a namespace or not. */
const POLICY_NAMES: readonly AdmissionRow[] = [
  ["a name of one letter", { [NAME]: "a" }],
  ["a name of digits", { [NAME]: "42" }],
  ["a name of a label", { [NAME]: "thing-1" }],
  ["a name of two labels", { [NAME]: "th.ing" }],
  ["a name that begins as in older versions", { [NAME]: "default.thing" }],
  ["a name of 253 characters", { [NAME]: letters(253) }],
  ["a name of two labels and 253 characters", { [NAME]: `${letters(126)}.${letters(126)}` }],
  ["a name of 254 characters", { [NAME]: letters(254) }, [NAME, "at most 253"]],
  ["a name of three labels", { [NAME]: "a.b.c" }, [NAME, POLICY_RULE]],
  ["a name of five labels", { [NAME]: "t.h.i.n.g" }, [NAME, POLICY_RULE]],
  ["a name with two dots in a row", { [NAME]: "a..b" }, [NAME, POLICY_RULE]],
];

/** Import prefixes, which only policies in a namespace have. */
const IMPORTED: readonly AdmissionRow[] = [
  ["a name imported from Kubernetes", { [NAME]: "knp.default.thing" }],
  ["a name imported from Kubernetes, of many labels", { [NAME]: "knp.default.a.b.c.d" }],
  ["a name imported from OpenStack", { [NAME]: "ossg.default.thing" }],
  ["a name imported from OpenStack, of many labels", { [NAME]: "ossg.default.a.b" }],
  ["an import prefix of another tier", { [NAME]: "knp.other.thing" }, [NAME, POLICY_RULE]],
  ["an import prefix of OpenStack, of another tier", { [NAME]: "ossg.other.thing" }, [NAME, POLICY_RULE]],
  ["an import prefix that is not known", { [NAME]: "xxx.default.thing" }, [NAME, POLICY_RULE]],
  ["an import prefix alone", { [NAME]: "knp.default." }, [NAME, POLICY_RULE]],
  ["an import prefix before a bad name", { [NAME]: "knp.default.Thing" }, [NAME, POLICY_RULE]],
  ["an imported name of 254 characters", { [NAME]: `knp.default.${letters(242)}` }, [NAME, "at most 253"]],
];

const NOT_IMPORTED: readonly AdmissionRow[] = [
  ["a name imported from Kubernetes", { [NAME]: "knp.default.thing" }, [NAME, POLICY_RULE]],
  ["a name imported from OpenStack", { [NAME]: "ossg.default.thing" }, [NAME, POLICY_RULE]],
];

const namespaceRows = (kind: string): readonly AdmissionRow[] => [
  ["no namespace", { "metadata.namespace": undefined }, ["metadata.namespace", `${kind} lives in a namespace`]],
  ["an empty namespace", { "metadata.namespace": "" }, ["metadata.namespace", `${kind} lives in a namespace`]],
  ["a namespace of 63 characters", { "metadata.namespace": letters(63) }],
  ["a namespace of 64 characters", { "metadata.namespace": letters(64) }, ["metadata.namespace", LABEL_RULE]],
  ["a namespace with a dot", { "metadata.namespace": "a.b" }, ["metadata.namespace", LABEL_RULE]],
];

const clusterRows = (kind: string): readonly AdmissionRow[] => [
  ["a namespace", { "metadata.namespace": "shop" }, ["metadata.namespace", `${kind} has no namespace`]],
];

const LABELS = "metadata.labels";
const ANNOTATIONS = "metadata.annotations";
const KEY_RULE = "must be a name of at most 63";
const VALUE_RULE = "must be empty or at most 63";
const BYTES_MAX = 256 * 1024;

const METADATA_ROWS: readonly AdmissionRow[] = [
  ["labels", { [LABELS]: { app: "web", "example.com/App_1.x": "A-b_c.9", "a/b": "", "0": "1" } }],
  ["a label key of 63 characters", { [LABELS]: { [letters(63)]: "v" } }],
  ["a label key of 64", { [LABELS]: { [letters(64)]: "v" } }, [`${LABELS}[${letters(64)}]`, KEY_RULE]],
  ["a label prefix of 253 characters", { [LABELS]: { [`${letters(253)}/a`]: "v" } }],
  ["a label prefix of 254", { [LABELS]: { [`${letters(254)}/a`]: "v" } }, [`${LABELS}[${letters(254)}/a]`, KEY_RULE]],
  ["a label key in capitals", { [LABELS]: { "example.com/APP": "v" } }],
  ["a label prefix in capitals", { [LABELS]: { "Example.com/a": "v" } }, [`${LABELS}[Example.com/a]`, KEY_RULE]],
  ["a label key of two slashes", { [LABELS]: { "a/b/c": "v" } }, [`${LABELS}[a/b/c]`, KEY_RULE]],
  ["a label key that starts with a dot", { [LABELS]: { ".a": "v" } }, [`${LABELS}[.a]`, KEY_RULE]],
  ["a label key that ends with a dash", { [LABELS]: { "a-": "v" } }, [`${LABELS}[a-]`, KEY_RULE]],
  ["a label key with a mark", { [LABELS]: { "my!label": "v" } }, [`${LABELS}[my!label]`, KEY_RULE]],
  ["a label key with a dollar", { [LABELS]: { "label$": "v" } }, [`${LABELS}[label$]`, KEY_RULE]],
  ["an empty label key", { [LABELS]: { "": "v" } }, [`${LABELS}[]`, KEY_RULE]],
  ["a prefix without a name", { [LABELS]: { "example.com/": "v" } }, [`${LABELS}[example.com/]`, KEY_RULE]],
  ["a label value of 63 characters", { [LABELS]: { a: letters(63) } }],
  ["a label value of 64", { [LABELS]: { a: letters(64) } }, [`${LABELS}[a]`, VALUE_RULE]],
  ["a label value with a space", { [LABELS]: { a: "b c" } }, [`${LABELS}[a]`, VALUE_RULE]],
  ["a label value with a slash", { [LABELS]: { a: "b/c" } }, [`${LABELS}[a]`, VALUE_RULE]],
  ["a label value that ends with a dot", { [LABELS]: { a: "b." } }, [`${LABELS}[a]`, VALUE_RULE]],
  ["a label value that is a number", { [LABELS]: { a: 1 } }, [`${LABELS}[a]`, "must be a text"]],
  ["labels that are a list", { [LABELS]: ["a"] }, [LABELS, "must be"]],
  ["two bad labels", { [LABELS]: { "a!": "v", b: "!" } }, [`${LABELS}[a!]`, KEY_RULE], [`${LABELS}[b]`, VALUE_RULE]],
  ["annotations", { [ANNOTATIONS]: { note: "Anything, \n at all ünicode", "Example.COM/Note": "" } }],
  ["an annotation key of 64", { [ANNOTATIONS]: { [letters(64)]: "" } }, [`${ANNOTATIONS}[${letters(64)}]`, KEY_RULE]],
  ["an annotation key with a space", { [ANNOTATIONS]: { "a b": "" } }, [`${ANNOTATIONS}[a b]`, KEY_RULE]],
  ["an annotation key with a dash last", { [ANNOTATIONS]: { "a-": "" } }, [`${ANNOTATIONS}[a-]`, KEY_RULE]],
  ["an annotation that is a number", { [ANNOTATIONS]: { a: 1 } }, [`${ANNOTATIONS}[a]`, "must be a text"]],
  ["annotations of 256 KiB", { [ANNOTATIONS]: { a: letters(BYTES_MAX / 2 - 1), b: letters(BYTES_MAX / 2 - 1) } }],
  [
    "annotations of a byte more",
    { [ANNOTATIONS]: { a: letters(BYTES_MAX / 2 - 1), b: letters(BYTES_MAX / 2) } },
    [ANNOTATIONS, "at most 262144 bytes"],
  ],
  ["annotations of 256 KiB in letters of two bytes", { [ANNOTATIONS]: { a: "é".repeat(BYTES_MAX / 2) } }, [
    ANNOTATIONS,
    "at most 262144 bytes",
  ]],
  ["a bad beginning of a name", { "metadata.generateName": "Web-" }, ["metadata.generateName", SUBDOMAIN_RULE]],
  ["a finalizer", { "metadata.finalizers": ["example.com/guard"] }],
  ["a bad finalizer", { "metadata.finalizers": ["a b"] }, ["metadata.finalizers[0]", KEY_RULE]],
  ["an unknown field of metadata", { "metadata.nmae": "x" }, ["metadata.nmae", "unknown field"]],
  ["no spec", { spec: undefined }, ["spec", "must be an object"]],
  ["a spec that is a list", { spec: [] }, ["spec", "must be an object"]],
  ["a spec that is null", { spec: null }, ["spec", "must be an object"]],
  ["a field beside spec", { specs: {} }, ["specs", "unknown field"]],
  ["a status", { status: {} }, ["status", "unknown field"]],
];

/** Labels that namespace and service-account selectors trust, on what users may label. */
const RESERVED_ROWS: readonly AdmissionRow[] = [
  ["a label of the namespace's", { [LABELS]: { "pcns.team": "red" } }, [`${LABELS}[pcns.team]`, "the system sets it"]],
  [
    "the name of a namespace as inherited",
    { [LABELS]: { "pcns.projectcalico.org/name": "shop" } },
    [`${LABELS}[pcns.projectcalico.org/name]`, "must not be set by users"],
  ],
  ["a label of the account's", { [LABELS]: { "pcsa.role": "x" } }, [`${LABELS}[pcsa.role]`, "the system sets it"]],
  [
    "the label of the namespace",
    { [LABELS]: { "projectcalico.org/namespace": "shop" } },
    [`${LABELS}[projectcalico.org/namespace]`, "must not be set by users"],
  ],
  [
    "the label of the account",
    { [LABELS]: { "projectcalico.org/serviceaccount": "x" } },
    [`${LABELS}[projectcalico.org/serviceaccount]`, "must not be set by users"],
  ],
  [
    "the label of the orchestrator",
    { [LABELS]: { "projectcalico.org/orchestrator": "k8s" } },
    [`${LABELS}[projectcalico.org/orchestrator]`, "must not be set by users"],
  ],
  ["labels that look like those of the system", {
    [LABELS]: { pcns: "a", "xpcns.a": "b", "projectcalico.org/name": "c", "example.com/pcsa.role": "d", PCNS: "e" },
  }],
];

const gnp = calico("GlobalNetworkPolicy", "web", {});
const podBase = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "shop" },
  spec: { containers: [{ name: "web" }] },
};

/** Tables of this part. */
export const NAME_TABLES: readonly AdmissionTable[] = [
  {
    name: "Tier names",
    kind: tier,
    base: calico("Tier", "platform", {}),
    rows: [
      ["a name with a dash", { [NAME]: "net-sec" }],
      ["a name of 63 characters", { [NAME]: letters(63) }],
      ["a name of 64 characters", { [NAME]: letters(64) }, [NAME, "at most 63"]],
      ["a name with a dot", { [NAME]: "net.sec" }, [NAME, LABEL_RULE]],
      ...badNames(LABEL_RULE),
      ...clusterRows("Tier"),
    ],
  },
  {
    name: "NetworkPolicy names",
    kind: networkPolicy,
    base: calico("NetworkPolicy", "web", {}, "shop"),
    rows: [...POLICY_NAMES, ...IMPORTED, ...badNames(POLICY_RULE), ...namespaceRows("NetworkPolicy")],
  },
  {
    name: "GlobalNetworkPolicy names",
    kind: globalNetworkPolicy,
    base: gnp,
    rows: [...POLICY_NAMES, ...NOT_IMPORTED, ...badNames(POLICY_RULE), ...clusterRows("GlobalNetworkPolicy")],
  },
  {
    name: "StagedNetworkPolicy names",
    kind: stagedNetworkPolicy,
    base: calico("StagedNetworkPolicy", "web", {}, "shop"),
    rows: [...POLICY_NAMES, ...IMPORTED, ...namespaceRows("StagedNetworkPolicy")],
  },
  {
    name: "StagedGlobalNetworkPolicy names",
    kind: stagedGlobalNetworkPolicy,
    base: calico("StagedGlobalNetworkPolicy", "web", {}),
    rows: [...POLICY_NAMES, ...NOT_IMPORTED, ...clusterRows("StagedGlobalNetworkPolicy")],
  },
  {
    name: "NetworkSet names",
    kind: networkSet,
    base: calico("NetworkSet", "office", {}, "shop"),
    rows: [...SUBDOMAIN_NAMES, ...namespaceRows("NetworkSet"), ...RESERVED_ROWS],
  },
  {
    name: "GlobalNetworkSet names",
    kind: globalNetworkSet,
    base: calico("GlobalNetworkSet", "office", {}),
    rows: [...SUBDOMAIN_NAMES, ...badNames(SUBDOMAIN_RULE), ...clusterRows("GlobalNetworkSet"), ...RESERVED_ROWS],
  },
  {
    name: "HostEndpoint names",
    kind: hostEndpoint,
    base: calico("HostEndpoint", "node1-eth0", { node: "node1", interfaceName: "eth0" }),
    rows: [...SUBDOMAIN_NAMES, ...clusterRows("HostEndpoint"), ...RESERVED_ROWS],
  },
  {
    name: "Profile names",
    kind: profile,
    base: calico("Profile", "web", {}),
    rows: [
      ...SUBDOMAIN_NAMES,
      ...clusterRows("Profile"),
      ["a name of a namespace's profile", { [NAME]: "kns.shop" }, [NAME, 'must not begin with "kns."']],
      ["a name of an account's profile", { [NAME]: "ksa.shop.seller" }, [NAME, 'must not begin with "ksa."']],
      ["the name of the fixed profile", { [NAME]: "projectcalico-default-allow" }, [NAME, "always there and fixed"]],
      ["names that look like those of the system", { [NAME]: "kns-shop" }],
      ["a name that only starts as the fixed profile's", { [NAME]: "projectcalico-default-allow-2" }],
    ],
  },
  {
    name: "Namespace",
    kind: namespace,
    base: { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } },
    rows: [
      ["a name of 63 characters", { [NAME]: letters(63) }],
      ["a name of 64 characters", { [NAME]: letters(64) }, [NAME, LABEL_RULE]],
      ["a name with a dot", { [NAME]: "a.b" }, [NAME, LABEL_RULE]],
      ["a label that endpoints inherit", { [LABELS]: { env: "prod", "projectcalico.org/name": "x" } }],
      ["a label value with a space", { [LABELS]: { env: "a b" } }, [`${LABELS}[env]`, VALUE_RULE]],
      ...badNames(LABEL_RULE),
      ...clusterRows("Namespace"),
    ],
  },
  {
    name: "ServiceAccount",
    kind: serviceAccount,
    base: { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "seller", namespace: "shop" } },
    rows: [
      ...SUBDOMAIN_NAMES,
      ...namespaceRows("ServiceAccount"),
      ["a label that endpoints inherit", { [LABELS]: { role: "seller" } }],
      ["a label key with a mark", { [LABELS]: { "a!": "b" } }, [`${LABELS}[a!]`, KEY_RULE]],
    ],
  },
  { name: "Pod labels", kind: pod, base: podBase, rows: RESERVED_ROWS },
  { name: "metadata", kind: globalNetworkPolicy, base: gnp, rows: METADATA_ROWS },
];
