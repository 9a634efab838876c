/**
 * The rules across fields of a Service, as Kubernetes' API server has them, but for what rests on addresses and ports that it assigns.
 *
 * @module
 */
import { type IpVersion, parseIp } from "#/base/ip.ts";
import type { Problem } from "#/base/problem.ts";
import { labelMapProblems } from "#/resources/kinds/label_selector.ts";
import { HEADLESS, type ServicePort, type ServiceSpec, serviceSpecOf } from "#/resources/kinds/service_spec.ts";
import {
  DNS_LABEL_RULE,
  DNS_SUBDOMAIN_RULE,
  isDnsLabel,
  isDnsSubdomain,
  isQualifiedName,
  QUALIFIED_NAME_RULE,
} from "#/resources/name_rules.ts";
import type { KubeObject } from "#/resources/object.ts";
import { duplicate, forbidden, invalid, required } from "#/resources/problems.ts";
import { specialAddressRule } from "#/resources/special_address.ts";

/** Every broken rule of a Service. */
export function serviceProblems(object: KubeObject, old: KubeObject | undefined): readonly Problem[] {
  const spec = serviceSpecOf(object);
  return [
    ...nameProblems(object),
    ...labelMapProblems(spec.selector, "spec.selector"),
    ...portProblems(spec),
    ...addressProblems(spec),
    ...familyProblems(spec),
    ...externalNameProblems(spec),
    ...typeProblems(spec),
    ...(old === undefined ? [] : changeProblems(spec, serviceSpecOf(old))),
  ];
}

/** A Service's name is a name in DNS too: it begins with a letter. */
function nameProblems({ metadata: { name } }: KubeObject): Problem[] {
  if (name === "" || isDnsLabel(name) && /^[a-z]/.test(name)) return [];
  return [invalid("metadata.name", name, `${DNS_LABEL_RULE}, and starting with a letter`)];
}

function portProblems(spec: ServiceSpec): Problem[] {
  const { ports = [], type } = spec;
  const problems: Problem[] = [];
  if (ports.length === 0 && type !== "ExternalName" && spec.clusterIP !== HEADLESS) {
    problems.push(required("spec.ports", "must have at least one port, unless clusterIP is None"));
  }
  const names = ports.map(({ name = "" }) => name);
  const numbers = ports.map(({ port, protocol }) => `${port}/${protocol}`);
  const nodePorts = ports.map(({ nodePort = 0, protocol }) => nodePort === 0 ? "" : `${nodePort}/${protocol}`);
  ports.forEach((port, at) => {
    const path = `spec.ports[${at}]`;
    if (names[at] === "" && ports.length > 1) {
      problems.push(required(`${path}.name`, "must be given where there are several ports"));
    } else if (names[at] !== "" && names.indexOf(names[at]!) < at) {
      problems.push(duplicate(`${path}.name`, names[at]));
    }
    if (numbers.indexOf(numbers[at]!) < at) problems.push(duplicate(path, numbers[at]));
    if (nodePorts[at] !== "" && nodePorts.indexOf(nodePorts[at]!) < at) {
      problems.push(duplicate(`${path}.nodePort`, port.nodePort));
    }
    problems.push(...fieldProblems(port, path, type));
  });
  return problems;
}

function fieldProblems(
  { nodePort = 0, appProtocol }: ServicePort,
  path: string,
  type: ServiceSpec["type"],
): Problem[] {
  const problems: Problem[] = [];
  if (nodePort !== 0 && (type === "ClusterIP" || type === "ExternalName")) {
    problems.push(forbidden(`${path}.nodePort`, `must not be given where type is ${type}`));
  }
  if (appProtocol !== undefined && !isQualifiedName(appProtocol)) {
    problems.push(invalid(`${path}.appProtocol`, appProtocol, QUALIFIED_NAME_RULE));
  }
  return problems;
}

function addressProblems(spec: ServiceSpec): Problem[] {
  const { type, clusterIP = "", clusterIPs = [], externalIPs = [] } = spec;
  const problems: Problem[] = [];
  if (type === "ExternalName") {
    if (clusterIP !== "") problems.push(forbidden("spec.clusterIP", "must not be given where type is ExternalName"));
    if (clusterIPs.length > 0) {
      problems.push(forbidden("spec.clusterIPs", "must not be given where type is ExternalName"));
    }
  }
  if (clusterIP === HEADLESS && (type === "NodePort" || type === "LoadBalancer")) {
    problems.push(invalid("spec.clusterIP", clusterIP, `must not be None where type is ${type}`));
  }
  if (clusterIP !== "" && clusterIP !== HEADLESS && parseIp(clusterIP) === undefined) {
    problems.push(invalid("spec.clusterIP", clusterIP, "must be an IP address, None, or empty"));
  }
  if (clusterIPs.length > 0 && clusterIPs[0] !== clusterIP) {
    problems.push(invalid("spec.clusterIPs[0]", clusterIPs[0], `must be what clusterIP is: "${clusterIP}"`));
  }
  problems.push(...secondAddressProblems(clusterIPs));
  externalIPs.forEach((text, at) => {
    const rule = specialAddressRule(text);
    if (rule !== undefined) problems.push(invalid(`spec.externalIPs[${at}]`, text, rule));
  });
  return problems;
}

function secondAddressProblems(clusterIPs: readonly string[]): Problem[] {
  const [first = "", second] = clusterIPs;
  if (second === undefined) return [];
  if (first === HEADLESS) return [invalid("spec.clusterIPs", [...clusterIPs], "must be None alone where it is None")];
  const ip = parseIp(second);
  if (ip === undefined) return [invalid("spec.clusterIPs[1]", second, "must be an IP address")];
  return ip.version === parseIp(first)?.version
    ? [invalid("spec.clusterIPs", [...clusterIPs], "must be one address of each family")]
    : [];
}

function familyProblems(spec: ServiceSpec): Problem[] {
  const { type, ipFamilies = [], ipFamilyPolicy, clusterIPs = [] } = spec;
  const problems: Problem[] = [];
  if (type === "ExternalName") {
    if (ipFamilies.length > 0) {
      problems.push(forbidden("spec.ipFamilies", "must not be given where type is ExternalName"));
    }
    if (ipFamilyPolicy !== undefined) {
      problems.push(forbidden("spec.ipFamilyPolicy", "must not be given where type is ExternalName"));
    }
    return problems;
  }
  if (ipFamilies.length > 1 && ipFamilies[0] === ipFamilies[1]) {
    problems.push(duplicate("spec.ipFamilies[1]", ipFamilies[1]));
  }
  if (ipFamilyPolicy === "SingleStack" && ipFamilies.length > 1) {
    problems.push(
      invalid("spec.ipFamilyPolicy", ipFamilyPolicy, "must not be SingleStack where there are two families"),
    );
  }
  clusterIPs.forEach((text, at) => {
    const version: IpVersion | undefined = parseIp(text)?.version;
    const wanted = ipFamilies[at];
    if (version === undefined || wanted === undefined || wanted === `IPv${version}`) return;
    problems.push(invalid(`spec.clusterIPs[${at}]`, text, `must be of the family in ipFamilies: ${wanted}`));
  });
  return problems;
}

function externalNameProblems({ type, externalName = "" }: ServiceSpec): Problem[] {
  if (type !== "ExternalName") return [];
  if (externalName === "") return [required("spec.externalName", "must be given where type is ExternalName")];
  const name = externalName.endsWith(".") ? externalName.slice(0, -1) : externalName;
  return isDnsSubdomain(name) ? [] : [invalid("spec.externalName", externalName, DNS_SUBDOMAIN_RULE)];
}

function typeProblems(spec: ServiceSpec): Problem[] {
  const { type } = spec;
  const problems: Problem[] = [];
  const onlyBalanced = ["loadBalancerSourceRanges", "loadBalancerClass", "allocateLoadBalancerNodePorts"] as const;
  for (const field of onlyBalanced) {
    const value = spec[field];
    const isGiven = value !== undefined && !(Array.isArray(value) && value.length === 0);
    if (isGiven && type !== "LoadBalancer") {
      problems.push(forbidden(`spec.${field}`, "must not be given unless type is LoadBalancer"));
    }
  }
  const isOutside = type === "NodePort" || type === "LoadBalancer" || (spec.externalIPs ?? []).length > 0;
  if (spec.externalTrafficPolicy !== undefined && !isOutside) {
    problems.push(invalid(
      "spec.externalTrafficPolicy",
      spec.externalTrafficPolicy,
      "must not be given unless type is NodePort or LoadBalancer, or there are externalIPs",
    ));
  }
  const isLocal = type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
  if ((spec.healthCheckNodePort ?? 0) !== 0 && !isLocal) {
    const rule = "must not be given unless type is LoadBalancer and externalTrafficPolicy is Local";
    problems.push(invalid("spec.healthCheckNodePort", spec.healthCheckNodePort, rule));
  }
  return problems;
}

function changeProblems(spec: ServiceSpec, old: ServiceSpec): Problem[] {
  const before = old.clusterIP ?? "";
  const isNamed = spec.type === "ExternalName" || old.type === "ExternalName";
  if (isNamed || before === "" || before === (spec.clusterIP ?? "")) return [];
  return [invalid("spec.clusterIP", spec.clusterIP ?? "", `must not change once it is given: from "${before}"`)];
}
