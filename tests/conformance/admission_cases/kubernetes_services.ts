/**
 * Services and EndpointSlices.
 *
 * @module
 */
import type { Json } from "#/base/json.ts";
import { endpointSlice } from "#/resources/kinds/endpoint_slice.ts";
import { service } from "#/resources/kinds/service.ts";
import { items } from "#tests/conformance/admission_cases/builders.ts";
import {
  CIDR_RULE,
  KEY_RULE,
  object,
  PORT_RULE,
  VALUE_RULE,
} from "#tests/conformance/admission_cases/kubernetes_builders.ts";
import type { AdmissionTable, Patch } from "#tests/conformance/admission_cases/row.ts";

const ports = (...list: readonly Json[]): Patch => ({ "spec.ports": [...list] });

const SERVICE: AdmissionTable = {
  name: "Service",
  kind: service,
  base: object("v1", "Service", "web", { spec: { selector: { app: "web" }, ports: [{ port: 80 }] } }, "shop"),
  rows: [
    ["a name that starts with a digit", { "metadata.name": "1web" }, ["metadata.name", "starting with a letter"]],
    ["a name with a dot", { "metadata.name": "a.b" }, ["metadata.name", "must be a DNS label"]],
    ["no spec", { spec: undefined }, ["spec", "must be"]],
    ["no ports", ports(), ["spec.ports", "must have at least one port"]],
    ["no ports of a headless Service", { "spec.ports": [], "spec.clusterIP": "None" }],
    ["a field that is not modelled", { "spec.future": 1 }],
    ["a selector with a bad key", { "spec.selector": { "-a": "b" } }, ["spec.selector[-a]", KEY_RULE]],
    ["a selector with a bad value", { "spec.selector": { a: "b c" } }, ["spec.selector[a]", VALUE_RULE]],
    ["a target by name", ports({ port: 80, targetPort: "http" })],
    ["a target that is no name", ports({ port: 80, targetPort: "8080" }), ["spec.ports[0].targetPort", PORT_RULE]],
    ["target 65536", ports({ port: 80, targetPort: 65_536 }), ["spec.ports[0].targetPort", PORT_RULE]],
    ["port 0", ports({ port: 0, targetPort: 80 }), ["spec.ports[0].port", "must be at least 1"]],
    ["no port", ports({ name: "a" }), ["spec.ports[0].port", "must be"]],
    ["ICMP", ports({ port: 80, protocol: "ICMP" }), ["spec.ports[0].protocol", "supported values"]],
    ["DNS", ports({ name: "udp", port: 53, protocol: "UDP" }, { name: "tcp", port: 53 })],
    ["two ports without names", ports({ port: 80 }, { port: 81, name: "b" }), ["spec.ports[0].name", "must be given"]],
    ["a name twice", ports({ name: "a", port: 80 }, { name: "a", port: 81 }), [
      "spec.ports[1].name",
      "must stand only once",
    ]],
    ["a port twice", ports({ name: "a", port: 80 }, { name: "b", port: 80 }), [
      "spec.ports[1]",
      "must stand only once",
    ]],
    ["a name in capitals", ports({ name: "HTTP", port: 80 }), ["spec.ports[0].name", "must be a DNS label"]],
    ["an app protocol", ports({ port: 80, appProtocol: "example.com/chat" })],
    ["a bad app protocol", ports({ port: 80, appProtocol: "a b" }), ["spec.ports[0].appProtocol", KEY_RULE]],
    ["a node port of ClusterIP", ports({ port: 80, nodePort: 30_080 }), [
      "spec.ports[0].nodePort",
      "must not be given",
    ]],
    ["a node port", { "spec.type": "NodePort", ...ports({ port: 80, nodePort: 30_080 }) }],
    ["a node port twice", {
      "spec.type": "NodePort",
      ...ports({ name: "a", port: 80, nodePort: 30_080 }, { name: "b", port: 81, nodePort: 30_080 }),
    }, ["spec.ports[1].nodePort", "must stand only once"]],
    ["another type", { "spec.type": "Magic" }, ["spec.type", "supported values"]],
    ["an address", { "spec.clusterIP": "10.96.0.10" }],
    ["two addresses", { "spec.clusterIP": "10.96.0.10", "spec.clusterIPs": ["10.96.0.10", "fd00::a"] }],
    ["an address that is none", { "spec.clusterIP": "ten" }, ["spec.clusterIP", "must be an IP address"]],
    ["addresses that differ", { "spec.clusterIP": "10.96.0.10", "spec.clusterIPs": ["10.96.0.11"] }, [
      "spec.clusterIPs[0]",
      "must be what clusterIP is",
    ]],
    ["two of one family", { "spec.clusterIP": "10.96.0.10", "spec.clusterIPs": ["10.96.0.10", "10.96.0.11"] }, [
      "spec.clusterIPs",
      "must be one address of each family",
    ]],
    ["None and an address", { "spec.clusterIP": "None", "spec.clusterIPs": ["None", "10.96.0.11"] }, [
      "spec.clusterIPs",
      "must be None alone",
    ]],
    ["headless and NodePort", { "spec.type": "NodePort", "spec.clusterIP": "None" }, [
      "spec.clusterIP",
      "must not be None where type is NodePort",
    ]],
    ["both families", { "spec.ipFamilies": ["IPv6", "IPv4"], "spec.ipFamilyPolicy": "PreferDualStack" }],
    ["a family twice", { "spec.ipFamilies": ["IPv4", "IPv4"] }, ["spec.ipFamilies[1]", "must stand only once"]],
    ["a third family", { "spec.ipFamilies": ["IPv5"] }, ["spec.ipFamilies[0]", "supported values"]],
    ["two families of one stack", { "spec.ipFamilies": ["IPv4", "IPv6"], "spec.ipFamilyPolicy": "SingleStack" }, [
      "spec.ipFamilyPolicy",
      "must not be SingleStack",
    ]],
    ["an address of another family", { "spec.clusterIP": "10.96.0.10", "spec.ipFamilies": ["IPv6"] }, [
      "spec.clusterIPs[0]",
      "must be of the family in ipFamilies",
    ]],
    ["an external name", { spec: { type: "ExternalName", externalName: "db.example.com." } }],
    ["no external name", { spec: { type: "ExternalName" } }, ["spec.externalName", "must be given"]],
    ["an external name that is none", { spec: { type: "ExternalName", externalName: "a_b" } }, [
      "spec.externalName",
      "must be a DNS name",
    ]],
    [
      "an external name with an address",
      {
        spec: { type: "ExternalName", externalName: "a.b", clusterIP: "10.96.0.10", ipFamilies: ["IPv4"] },
      },
      ["spec.clusterIP", "must not be given"],
      ["spec.clusterIPs", "must not be given"],
      [
        "spec.ipFamilies",
        "must not be given",
      ],
    ],
    ["external addresses", { "spec.externalIPs": ["198.51.100.7"] }],
    ["a loopback address", { "spec.externalIPs": ["127.0.0.1"] }, [
      "spec.externalIPs[0]",
      "must not be a loopback address",
    ]],
    ["an external address that is none", { "spec.externalIPs": ["x"] }, [
      "spec.externalIPs[0]",
      "must be an IP address",
    ]],
    ["affinity", { "spec.sessionAffinity": "ClientIP" }],
    ["too long an affinity", {
      "spec.sessionAffinity": "ClientIP",
      "spec.sessionAffinityConfig": { clientIP: { timeoutSeconds: 86_401 } },
    }, ["spec.sessionAffinityConfig.clientIP.timeoutSeconds", "must be at most 86400"]],
    ["how long without affinity", { "spec.sessionAffinityConfig": { clientIP: { timeoutSeconds: 1 } } }],
    ["a load balancer", {
      "spec.type": "LoadBalancer",
      "spec.loadBalancerSourceRanges": ["10.0.0.0/8"],
      "spec.externalTrafficPolicy": "Local",
      "spec.healthCheckNodePort": 30_000,
    }],
    ["source ranges without load balancer", { "spec.loadBalancerSourceRanges": ["10.0.0.0/8"] }, [
      "spec.loadBalancerSourceRanges",
      "must not be given unless type is LoadBalancer",
    ]],
    ["a source range that is none", { "spec.type": "LoadBalancer", "spec.loadBalancerSourceRanges": ["x"] }, [
      "spec.loadBalancerSourceRanges[0]",
      CIDR_RULE,
    ]],
    ["outside traffic of ClusterIP", { "spec.externalTrafficPolicy": "Local" }, [
      "spec.externalTrafficPolicy",
      "must not be given unless",
    ]],
    ["a health check of NodePort", { "spec.type": "NodePort", "spec.healthCheckNodePort": 30_000 }, [
      "spec.healthCheckNodePort",
      "must not be given unless",
    ]],
  ],
};

const SERVICE_UPDATE: AdmissionTable = {
  name: "Service that has an address",
  kind: service,
  base: { ...SERVICE.base, spec: { ...SERVICE.base.spec, clusterIP: "10.96.0.10" } },
  stored: {},
  rows: [
    ["another selector", { "spec.selector": { app: "api" } }],
    ["another address", { "spec.clusterIP": "10.96.0.11" }, ["spec.clusterIP", "must not change"]],
    ["no address", { "spec.clusterIP": undefined }, ["spec.clusterIP", "must not change"]],
    ["a name instead, without its address", {
      spec: { type: "ExternalName", externalName: "a.b", clusterIPs: ["10.96.0.10"] },
    }],
    ["a name instead", { spec: { type: "ExternalName", externalName: "a.b" } }],
  ],
};

const endpoints = (...list: readonly Json[]): Patch => ({ endpoints: [...list] });
const address = (text: Json): Patch => endpoints({ addresses: [text] });
const ADDRESS = "endpoints[0].addresses[0]";

const SLICE: AdmissionTable = {
  name: "EndpointSlice",
  kind: endpointSlice,
  base: object("discovery.k8s.io/v1", "EndpointSlice", "web-abcde", {
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.0.0.1"] }],
    ports: [{ port: 80 }],
  }, "shop"),
  rows: [
    ["no endpoints", { endpoints: undefined, ports: undefined }],
    ["1000 endpoints", endpoints(...items(1000, () => ({ addresses: ["10.0.0.1"] })))],
    ["1001 endpoints", endpoints(...items(1001, () => ({ addresses: ["10.0.0.1"] }))), [
      "endpoints",
      "at most 1000 items",
    ]],
    ["no address type", { addressType: undefined }, ["addressType", "must be"]],
    ["another address type", { addressType: "MAC" }, ["addressType", "supported values"]],
    ["no addresses", endpoints({ addresses: [] }), ["endpoints[0].addresses", "must have at least 1"]],
    ["no list of addresses", endpoints({}), ["endpoints[0].addresses", "must be"]],
    ["101 addresses", endpoints({ addresses: items(101, (at) => `10.0.0.${at}`) }), [
      "endpoints[0].addresses",
      "at most 100 items",
    ]],
    ["an address of IPv6", address("fd00::1"), [ADDRESS, "must be an IPv4 address"]],
    ["an address that is none", address("web"), [ADDRESS, "must be an IPv4 address"]],
    ["a loopback address", address("127.0.0.1"), [ADDRESS, "must not be a loopback address"]],
    ["a link-local address", address("169.254.1.1"), [ADDRESS, "must not be a link-local address"]],
    ["the unspecified address", address("0.0.0.0"), [ADDRESS, "must not be the unspecified address"]],
    ["a multicast address", address("224.0.0.5"), [ADDRESS, "must not be a link-local multicast address"]],
    ["IPv6", { addressType: "IPv6", ...address("fd00::1") }],
    ["a link-local address of IPv6", { addressType: "IPv6", ...address("fe80::1") }, [
      ADDRESS,
      "must not be a link-local address",
    ]],
    ["a name", { addressType: "FQDN", ...address("db.example.com") }],
    ["a name without dot", { addressType: "FQDN", ...address("db") }, [ADDRESS, "must be a DNS name with a dot"]],
    [
      "all of an endpoint",
      endpoints({
        addresses: ["10.0.0.1"],
        conditions: { ready: false, serving: true, terminating: true },
        hostname: "web-0",
        nodeName: "node1",
        zone: "a",
        targetRef: { kind: "Pod", name: "web-0", namespace: "shop" },
        hints: { forZones: [{ name: "a" }] },
      }),
    ],
    ["a hostname with a dot", endpoints({ addresses: ["10.0.0.1"], hostname: "a.b" }), [
      "endpoints[0].hostname",
      "must be a DNS label",
    ]],
    ["a bad node", endpoints({ addresses: ["10.0.0.1"], nodeName: "Node_1" }), [
      "endpoints[0].nodeName",
      "must be a DNS name",
    ]],
    ["a zone twice", endpoints({ addresses: ["10.0.0.1"], hints: { forZones: [{ name: "a" }, { name: "a" }] } }), [
      "endpoints[0].hints.forZones[1].name",
      "must stand only once",
    ]],
    ["9 zones", endpoints({ addresses: ["10.0.0.1"], hints: { forZones: items(9, (at) => ({ name: `z${at}` })) } }), [
      "endpoints[0].hints.forZones",
      "at most 8 items",
    ]],
    ["a port without number", { ports: [{ name: "any" }] }],
    ["port 0", { ports: [{ port: 0 }] }, ["ports[0].port", "must be at least 1"]],
    ["ICMP", { ports: [{ port: 1, protocol: "ICMP" }] }, ["ports[0].protocol", "supported values"]],
    ["a port's name twice", { ports: [{ name: "a", port: 1 }, { name: "a", port: 2 }] }, [
      "ports[1].name",
      "must stand only once",
    ]],
    ["two ports without name", { ports: [{ port: 1 }, { port: 2 }] }, ["ports[1].name", "must stand only once"]],
    ["a port's name in capitals", { ports: [{ name: "A", port: 1 }] }, ["ports[0].name", "must be a DNS label"]],
    ["a field that is not modelled", { future: 1 }],
  ],
};

const SLICE_UPDATE: AdmissionTable = {
  name: "EndpointSlice that is there",
  kind: endpointSlice,
  base: SLICE.base,
  stored: {},
  rows: [
    ["other endpoints", address("10.0.0.2")],
    ["another address type", { addressType: "IPv6", endpoints: [] }, ["addressType", "must not change"]],
  ],
};

/** The tables of this file. */
export const SERVICE_TABLES: readonly AdmissionTable[] = [SERVICE, SERVICE_UPDATE, SLICE, SLICE_UPDATE];
