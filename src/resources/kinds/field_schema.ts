/**
 * Pieces of schema that many kinds share: selectors, networks, addresses, AS numbers, durations, conditions. Each checks one field alone and says its
 * rule as "must ..."; rules across fields are each kind's `validate`.
 *
 * @module
 */
import { z } from "zod";
import { cidrIsMasked, parseCidr, parseCidrOrIp } from "#/base/cidr.ts";
import { type IpVersion, parseIp } from "#/base/ip.ts";
import type { Selector } from "#/base/selector.ts";
import { parseSelector } from "#/base/selector_parser.ts";
import { AS_NUMBER_MAX } from "#/resources/canonical_values.ts";
import { DNS_SUBDOMAIN_RULE, isDnsSubdomain, isPortName, PORT_NAME_RULE } from "#/resources/name_rules.ts";

/** Longest selector, in characters. */
export const SELECTOR_LENGTH_MAX = 1024;

/** Whether a selector may use `global()`: nowhere, or standing alone. */
export type GlobalUse = "forbidden" | "alone";

/**
 * A selector text that parses.
 *
 * @param globalUse `global()` names what has no namespace, which makes sense only as the whole of a rule's namespaceSelector
 */
export function selectorText(globalUse: GlobalUse = "forbidden"): z.ZodType<string> {
  return z.string().max(SELECTOR_LENGTH_MAX).superRefine((text, context) => {
    if (text.length > SELECTOR_LENGTH_MAX) return;
    const rule = selectorFault(text, globalUse);
    if (rule !== undefined) context.addIssue({ code: "custom", message: rule });
  });
}

function selectorFault(text: string, globalUse: GlobalUse): string | undefined {
  const parsed = parseSelector(text);
  if (parsed.kind === "invalid") return `must be a selector: ${parsed.message}`;
  if (!usesGlobal(parsed.selector)) return undefined;
  if (globalUse === "forbidden") return "must not contain global(), which only a rule's namespaceSelector may use";
  return parsed.selector.kind === "global" ? undefined : "must be global() alone where it uses global()";
}

function usesGlobal(selector: Selector): boolean {
  switch (selector.kind) {
    case "global":
      return true;
    case "not":
      return usesGlobal(selector.operand);
    case "and":
    case "or":
      return selector.operands.some(usesGlobal);
    default:
      return false;
  }
}

/** Longest network, in characters. */
const CIDR_LENGTH_MAX = 48;

/** A network with host bits zero: `10.0.0.0/8`. */
export function cidrText(): z.ZodType<string> {
  return z.string().max(CIDR_LENGTH_MAX).superRefine((text, context) => {
    const cidr = parseCidr(text);
    if (cidr === undefined) {
      context.addIssue({
        code: "custom",
        message: "must be a network as ADDRESS/LENGTH, such as 10.0.0.0/8 or fd00::/64",
      });
    } else if (!cidrIsMasked(cidr)) {
      context.addIssue({ code: "custom", message: "must be a network whose host bits are zero" });
    }
  });
}

/** A network or an address; host bits of a network may be set, and count for nothing. */
export function networkText(): z.ZodType<string> {
  return z.string().refine((text) => parseCidrOrIp(text) !== undefined, {
    error: "must be a network as ADDRESS/LENGTH, or an address, such as 10.0.0.0/8 or fd00::1",
  });
}

/** The network of one address: `/32` or `/128`. */
export function hostCidrText(): z.ZodType<string> {
  return z.string().refine((text) => {
    const cidr = parseCidr(text);
    return cidr !== undefined && cidr.prefixLength === (cidr.version === 4 ? 32 : 128);
  }, { error: "must be one address, alone or as ADDRESS/32 or ADDRESS/128" });
}

/**
 * An address, with or without the prefix length of its network.
 *
 * @param version the family it must be of; either when left out
 */
export function interfaceAddressText(version?: IpVersion): z.ZodType<string> {
  return z.string().refine((text) => {
    const found = (parseIp(text) ?? parseCidr(text))?.version;
    return found !== undefined && (version === undefined || found === version);
  }, { error: `must be an ${familyName(version)} address, alone or as ADDRESS/LENGTH` });
}

/**
 * An address.
 *
 * @param version the family it must be of; either when left out
 */
export function ipText(version?: IpVersion): z.ZodType<string> {
  return z.string().refine((text) => {
    const found = parseIp(text)?.version;
    return found !== undefined && (version === undefined || found === version);
  }, { error: `must be an ${familyName(version)} address` });
}

function familyName(version: IpVersion | undefined): string {
  return version === undefined ? "IP" : `IPv${version}`;
}

/** An AS number after `canonicalAsNumber`. Its users may write `a.b`, so documents show number or text. */
export function asNumber(): z.ZodType<number> {
  const rule = `must be an AS number from 1 to ${AS_NUMBER_MAX}, or a.b with both parts at most 65535`;
  return z.custom<number>(
    (value) => typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= AS_NUMBER_MAX,
    { error: rule },
  ).meta({ "x-kubernetes-int-or-string": true });
}

/** A length of time as Go writes it: `90s`, `1m30s`. */
export function durationText(): z.ZodType<string> {
  return z.string().max(64).regex(/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/, {
    error: "must be a length of time such as 90s or 1m30s",
  });
}

/** The name of a network interface on a host. */
export function interfaceNameText(): z.ZodType<string> {
  return z.string().regex(/^[a-zA-Z0-9_.-]{1,15}$/, {
    error: 'must be an interface name: 1 to 15 of letters, digits, "_", "." and "-"',
  });
}

/** An Ethernet address. */
export function macText(): z.ZodType<string> {
  return z.string().regex(/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/, {
    error: "must be an Ethernet address, six pairs of hexadecimal digits joined by colons",
  });
}

/** A DNS-1123 subdomain: the name of an object of most kinds. */
export function dnsNameText(): z.ZodType<string> {
  return z.string().min(1, { error: "must not be empty" }).refine((text) => text === "" || isDnsSubdomain(text), {
    error: DNS_SUBDOMAIN_RULE,
  });
}

/** The name of a port, which rules may refer to. */
export function portNameText(presence: "required" | "optional" = "required"): z.ZodType<string> {
  return z.string().min(presence === "required" ? 1 : 0, { error: "must not be empty" }).refine(
    (text) => text === "" || isPortName(text),
    {
      error: PORT_NAME_RULE,
    },
  );
}

/** A text that is not empty, of at most `lengthMax` characters. */
export function filledText(lengthMax: number): z.ZodString {
  return z.string().min(1, { error: "must not be empty" }).max(lengthMax);
}

/**
 * A list of plain values in which none stands twice.
 *
 * @param countMax most items
 * @param countMin fewest items
 */
export function uniqueList<T extends z.ZodType>(item: T, countMax: number, countMin = 0): z.ZodArray<T> {
  return z.array(item).min(countMin).max(countMax).superRefine((items, context) => {
    if (items.length > countMax) return;
    const seen = new Set<unknown>();
    items.forEach((value, at) => {
      if (seen.has(value)) {
        context.addIssue({ code: "custom", path: [at], message: "must stand only once", params: { duplicate: true } });
      }
      seen.add(value);
    });
  });
}

/** A key of a Secret in the product's own store: the value never stands in an object. */
export function secretKeyRef(): z.ZodType {
  return z.strictObject({
    name: filledText(253).describe("Name of the secret."),
    key: filledText(253).describe("Key within the secret."),
    optional: z.boolean().optional().describe("Whether the secret may be missing."),
  }).describe("Which key of which secret holds the value.");
}

/** The observed conditions of an object, in Kubernetes' shape. */
export function conditionList(): z.ZodType {
  return z.array(
    z.strictObject({
      type: filledText(316).describe("What the condition is about."),
      status: z.enum(["True", "False", "Unknown"]).describe("Whether the condition holds."),
      reason: z.string().max(1024).optional().describe("Why, in one word for machines."),
      message: z.string().max(32_768).optional().describe("Why, in a sentence for people."),
      lastTransitionTime: z.string().optional().describe("When the status last changed."),
      observedGeneration: z.int().min(0).optional().describe("Generation of the spec that was observed."),
    }).describe("One condition."),
  ).describe("Observed conditions, at most one of each type.");
}
