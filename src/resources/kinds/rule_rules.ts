/**
 * What the fields of one policy rule say about each other: ports need a protocol that has them, networks are of one family, a Service excludes other
 * matches, and so on. Called by the `validate` of every kind that has rules, after the schema has passed the fields one by one.
 *
 * @module
 */
import { parseCidr } from "#/base/cidr.ts";
import { parsePortRange } from "#/base/port_range.ts";
import type { Problem } from "#/base/problem.ts";
import { parseProtocol, protocolHasPorts } from "#/base/protocol.ts";
import type { EntityRule, HTTPMatch, HTTPPath, Protocol, Rule } from "#/resources/kinds/policy_spec.ts";
import { annotationProblems } from "#/resources/metadata.ts";
import { forbidden, invalid, required } from "#/resources/problems.ts";

/** Where a rule stands. */
export interface RulePlace {
  /** `spec.ingress[0]`. */
  readonly path: string;
  readonly direction: "ingress" | "egress";
  /** Whether the policy has a namespace of its own. */
  readonly namespaced: boolean;
}

const ICMP = 1;
const ICMPV6 = 58;
const TCP = 6;

/** Every rule across fields that one policy rule breaks. */
export function ruleProblems(rule: Rule, place: RulePlace): Problem[] {
  return [
    ...familyProblems(rule, place.path),
    ...icmpProblems(rule, place.path),
    ...entityProblems(rule, "source", place),
    ...entityProblems(rule, "destination", place),
    ...httpProblems(rule, place),
    ...annotationProblems(rule.metadata?.annotations, `${place.path}.metadata.annotations`),
  ];
}

/** Networks of all four lists and `ipVersion` must be of one family; a negated `/0` would exclude everything. */
function familyProblems(rule: Rule, path: string): Problem[] {
  const problems: Problem[] = [];
  let family: number | undefined = rule.ipVersion;
  for (const side of ["source", "destination"] as const) {
    for (const list of ["nets", "notNets"] as const) {
      (rule[side]?.[list] ?? []).forEach((text, at) => {
        const cidr = parseCidr(text);
        if (cidr === undefined) return;
        const netPath = `${path}.${side}.${list}[${at}]`;
        family ??= cidr.version;
        if (cidr.version !== family) {
          problems.push(invalid(netPath, text, `must be an IPv${family} network, as the rest of the rule`));
        }
        if (list === "notNets" && cidr.prefixLength === 0) {
          problems.push(invalid(netPath, text, "must not be a network that holds every address"));
        }
      });
    }
  }
  return problems;
}

function icmpProblems(rule: Rule, path: string): Problem[] {
  const problems: Problem[] = [];
  const protocol = numberOf(rule.protocol);
  for (const member of ["icmp", "notICMP"] as const) {
    const fields = rule[member];
    if (fields === undefined) continue;
    const isUnreadable = rule.protocol !== undefined && protocol === undefined;
    if (!isUnreadable && protocol !== ICMP && protocol !== ICMPV6) {
      problems.push(forbidden(`${path}.${member}`, "must stand only with protocol ICMP or ICMPv6"));
    }
    if (fields.code !== undefined && fields.type === undefined) {
      problems.push(required(`${path}.${member}.type`, "must be given where code is given"));
    }
  }
  for (const member of ["protocol", "notProtocol"] as const) {
    const number = numberOf(rule[member]);
    const family = number === ICMP ? 4 : number === ICMPV6 ? 6 : undefined;
    if (family !== undefined && rule.ipVersion !== undefined && rule.ipVersion !== family) {
      problems.push(invalid(`${path}.ipVersion`, rule.ipVersion, `must be ${family} with ${member} ${rule[member]}`));
    }
  }
  return problems;
}

function entityProblems(rule: Rule, side: "source" | "destination", place: RulePlace): Problem[] {
  const entity = rule[side];
  if (entity === undefined) return [];
  const path = `${place.path}.${side}`;
  return [
    ...portProblems(entity, rule.protocol, path),
    ...(entity.services === undefined ? [] : serviceProblems(entity, side, place)),
  ];
}

/** Numbers need a protocol that has ports; names may stand without protocol, because the workload's port says it. */
function portProblems(entity: EntityRule, protocol: Protocol | undefined, path: string): Problem[] {
  const number = numberOf(protocol);
  const isUnreadable = protocol !== undefined && number === undefined;
  if (isUnreadable || number !== undefined && protocolHasPorts(number)) return [];
  const problems: Problem[] = [];
  for (const list of ["ports", "notPorts"] as const) {
    (entity[list] ?? []).forEach((port, at) => {
      const isName = parsePortRange(port) === undefined;
      if (isName && protocol === undefined) return;
      problems.push(invalid(`${path}.${list}[${at}]`, port, "must stand only with protocol TCP, UDP or SCTP"));
    });
  }
  return problems;
}

const NOT_WITH_SERVICES: readonly (keyof EntityRule)[] = [
  "selector",
  "notSelector",
  "namespaceSelector",
  "serviceAccounts",
  "nets",
  "notNets",
];

function serviceProblems(entity: EntityRule, side: "source" | "destination", place: RulePlace): Problem[] {
  const path = `${place.path}.${side}.services`;
  const problems: Problem[] = [];
  if ((side === "source") !== (place.direction === "ingress")) {
    const where = place.direction === "ingress" ? "the source of an ingress rule" : "the destination of an egress rule";
    problems.push(forbidden(path, `must stand only in ${where}`));
  }
  if (isBlank(entity.services?.name)) problems.push(required(`${path}.name`, "must name a Service"));
  if (!place.namespaced && isBlank(entity.services?.namespace)) {
    problems.push(required(`${path}.namespace`, "must be given in a policy that has no namespace of its own"));
  }
  const excluded = side === "destination" ? [...NOT_WITH_SERVICES, "ports", "notPorts"] as const : NOT_WITH_SERVICES;
  for (const member of excluded) {
    if (isGiven(entity[member])) {
      problems.push(forbidden(`${place.path}.${side}.${member}`, "must not stand together with services"));
    }
  }
  return problems;
}

function httpProblems(rule: Rule, place: RulePlace): Problem[] {
  const http: HTTPMatch | undefined = rule.http;
  if (http === undefined) return [];
  const path = `${place.path}.http`;
  const problems: Problem[] = [];
  if (rule.action !== "Allow") problems.push(forbidden(path, `must stand only in Allow rules: ${rule.action}`));
  if (place.direction !== "ingress") problems.push(forbidden(path, "must stand only in ingress rules"));
  if (rule.protocol !== undefined && (numberOf(rule.protocol) ?? TCP) !== TCP) {
    problems.push(invalid(`${place.path}.protocol`, rule.protocol, "must be TCP in a rule with http"));
  }
  (http.paths ?? []).forEach((item, at) => problems.push(...httpPathProblems(item, `${path}.paths[${at}]`)));
  return problems;
}

function httpPathProblems(item: HTTPPath, path: string): Problem[] {
  const given = (["exact", "prefix"] as const).filter((member) => item[member] !== undefined);
  if (given.length !== 1) return [invalid(path, { ...item }, "must have exactly one of exact and prefix")];
  const member = given[0]!;
  const text = item[member]!;
  return /^\/[^?# ]*$/.test(text)
    ? []
    : [invalid(`${path}.${member}`, text, 'must start with "/" and hold no "?", "#" or space')];
}

function numberOf(protocol: Protocol | undefined): number | undefined {
  return protocol === undefined ? undefined : parseProtocol(protocol);
}

function isBlank(text: string | undefined): boolean {
  return text === undefined || text === "";
}

/** Whether a member says something: an empty text or list is as good as absent. */
function isGiven(value: EntityRule[keyof EntityRule]): boolean {
  if (value === undefined || value === "") return false;
  return !Array.isArray(value) || value.length > 0;
}
