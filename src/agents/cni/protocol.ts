/**
 * The container network interface (CNI) as data: environment and configuration read, results and errors printed. Specification versions 0.3.1 to
 * 1.1.0. Shared by the plugin program, which the container runtime starts, and the agent, which does the work.
 *
 * Imports nothing but the JSON types, and those relatively, so that the plugin program starts fast and without an import map.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";

/** Versions of the specification that are spoken, oldest first. */
export const CNI_VERSIONS: readonly string[] = ["0.3.1", "0.4.0", "1.0.0", "1.1.0"];
/** The version that answers carry when the request names none that is spoken. */
export const CNI_VERSION_CURRENT = "1.1.0";
/** Longest request that is read, in bytes, by plugin and agent. */
export const CNI_REQUEST_BYTES_MAX = 1_048_576;

/** Error codes of the specification, and one of our own (100) for a CHECK that finds differences. */
export const CNI_CODES = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  containerUnknown: 3,
  invalidEnvironment: 4,
  ioFailure: 5,
  decodingFailure: 6,
  invalidConfig: 7,
  tryAgainLater: 11,
  notAvailable: 50,
  limitedConnectivity: 51,
  checkFailed: 100,
  internal: 999,
} as const;

/** What a runtime may ask for. */
export const CNI_COMMANDS = ["ADD", "DEL", "CHECK", "STATUS", "GC", "VERSION"] as const;
/** One of {@link CNI_COMMANDS}. */
export type CniCommand = typeof CNI_COMMANDS[number];

/** What the plugin posts to the agent, and the agent decodes. Texts are empty where the runtime left them out. */
export interface CniRequest {
  readonly command: CniCommand;
  readonly containerId: string;
  /** Path of the sandbox's network namespace; may be empty on DEL. */
  readonly netns: string;
  readonly ifName: string;
  /** `CNI_ARGS` as it came: `KEY=value;KEY=value`, in any order. */
  readonly args: string;
  /** The configuration from standard input. */
  readonly config: Json;
}

/** The agent's answer: what the plugin prints, and the code it exits with. */
export interface CniReply {
  readonly code: number;
  readonly stdout: string;
}

/** Why a command is not carried out. */
export interface CniFailure {
  readonly kind: "failure";
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
}

/** The part of a network configuration that matters here; everything else in it is left to others. */
export interface NetworkConfig {
  readonly cniVersion: string;
  readonly name: string;
  /** MTU of the pod's interface; `undefined` leaves it to the agent. */
  readonly mtu: number | undefined;
  /** Result of the ADD before, for CHECK. */
  readonly prevResult: JsonObject | undefined;
  /** For GC: the containers that still exist; `undefined` where the runtime did not say. */
  readonly attachments: readonly string[] | undefined;
}

/** A pod's attachment, from which results of all versions are printed. */
export interface Attachment {
  readonly hostInterface: string;
  readonly podInterface: string;
  readonly mac: string;
  readonly mtu: number;
  readonly netns: string;
  /** Without prefix length. */
  readonly addresses: readonly string[];
}

/** Makes a {@link CniFailure}. `details` is left out of the printed error when undefined. */
export function failure(code: number, msg: string, details?: string): CniFailure {
  return { kind: "failure", code, msg, details };
}

/**
 * Reads a request from the environment variables of the specification.
 *
 * @param env looks a variable up
 *
 * @example
 * ```ts
 * import { parseEnvironment } from "#/agents/cni/protocol.ts";
 * const env: Record<string, string> = { CNI_COMMAND: "DEL", CNI_CONTAINERID: "c1", CNI_IFNAME: "eth0" };
 * const parsed = parseEnvironment((name) => env[name]);
 * if (parsed.kind !== "environment" || parsed.netns !== "") throw new Error();
 * ```
 */
export function parseEnvironment(
  env: (name: string) => string | undefined,
): ({ readonly kind: "environment" } & Omit<CniRequest, "config">) | CniFailure {
  const text = env("CNI_COMMAND") ?? "";
  const command = CNI_COMMANDS.find((candidate) => candidate === text);
  if (command === undefined) {
    const message = `CNI_COMMAND must be one of ${CNI_COMMANDS.join(", ")}: "${text}"`;
    return failure(CNI_CODES.invalidEnvironment, message);
  }
  const request = {
    kind: "environment",
    command,
    containerId: env("CNI_CONTAINERID") ?? "",
    netns: env("CNI_NETNS") ?? "",
    ifName: env("CNI_IFNAME") ?? "",
    args: env("CNI_ARGS") ?? "",
  } as const;
  return checkEnvironment(request) ?? request;
}

/** What the specification demands of the environment, command by command; `undefined` when it is all there. */
export function checkEnvironment(request: Omit<CniRequest, "config">): CniFailure | undefined {
  const { command, containerId, netns, ifName } = request;
  const needed: readonly (readonly [string, string])[] = command === "ADD" || command === "CHECK"
    ? [["CNI_CONTAINERID", containerId], ["CNI_NETNS", netns], ["CNI_IFNAME", ifName]]
    : command === "DEL"
    ? [["CNI_CONTAINERID", containerId], ["CNI_IFNAME", ifName]]
    : [];
  const missing = needed.filter(([, value]) => value === "").map(([name]) => name);
  if (missing.length > 0) {
    const message = `Environment must have ${missing.join(", ")} for ${command}`;
    return failure(CNI_CODES.invalidEnvironment, message);
  }
  if (containerId !== "" && !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(containerId)) {
    return failure(CNI_CODES.invalidEnvironment, `CNI_CONTAINERID must be alphanumeric: "${containerId}"`);
  }
  if (ifName !== "" && !/^(?!\.{1,2}$)[^\s/:]{1,15}$/.test(ifName)) {
    return failure(CNI_CODES.invalidEnvironment, `CNI_IFNAME must be an interface name: "${ifName}"`);
  }
  return undefined;
}

/**
 * Reads `CNI_ARGS` into a map. Order does not matter; parts without `=` are ignored, as other plugins do under `IgnoreUnknown`.
 *
 * @example
 * ```ts
 * import { parseArgs } from "#/agents/cni/protocol.ts";
 * const args = parseArgs("K8S_POD_NAME=web;IgnoreUnknown=1;K8S_POD_NAMESPACE=shop");
 * if (args.get("K8S_POD_NAMESPACE") !== "shop") throw new Error();
 * ```
 */
export function parseArgs(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(";").map((part) => [part, part.indexOf("=")] as const).filter(([, at]) => at > 0);
  return new Map(pairs.map(([part, at]) => [part.slice(0, at).trim(), part.slice(at + 1).trim()]));
}

/**
 * Reads a network configuration. A version that is not spoken and a field of the wrong type are failures; fields of other plugins are ignored.
 */
export function parseConfig(config: Json): ({ readonly kind: "config" } & NetworkConfig) | CniFailure {
  if (!isJsonObject(config)) return failure(CNI_CODES.decodingFailure, "Network configuration must be a JSON object");
  const { cniVersion, name, mtu, prevResult } = config;
  if (typeof cniVersion !== "string" || !CNI_VERSIONS.includes(cniVersion)) {
    const message = `Configuration's cniVersion must be one of ${CNI_VERSIONS.join(", ")}: ${
      JSON.stringify(cniVersion)
    }`;
    return failure(CNI_CODES.incompatibleVersion, message);
  }
  if (typeof name !== "string" || !/^[A-Za-z0-9][A-Za-z0-9_.-]*\r?$/.test(name)) {
    return failure(CNI_CODES.invalidConfig, `Configuration's name must be alphanumeric: ${JSON.stringify(name)}`);
  }
  if (mtu !== undefined && !(typeof mtu === "number" && Number.isInteger(mtu) && mtu >= 0 && mtu <= 65535)) {
    return failure(CNI_CODES.invalidConfig, `Configuration's mtu must be 0 to 65535: ${JSON.stringify(mtu)}`);
  }
  if (prevResult !== undefined && !isJsonObject(prevResult)) {
    return failure(CNI_CODES.invalidConfig, "Configuration's prevResult must be an object");
  }
  const valid = config["cni.dev/valid-attachments"] ?? config["cni.dev/attachments"];
  return { kind: "config", cniVersion, name, mtu: mtu || undefined, prevResult, attachments: attachmentsOf(valid) };
}

/** Fields of `ipam` that ask for addresses other than one IPv4 address of any pool; answering them with silence would be wrong. */
const IPAM_UNSUPPORTED: readonly (readonly [string, (value: Json) => boolean])[] = [
  ["assign_ipv4", (value) => value === false || value === "false"],
  ["assign_ipv6", (value) => value === true || value === "true"],
  ["ipv4_pools", (value) => !Array.isArray(value) || value.length > 0],
  ["ipv6_pools", (value) => !Array.isArray(value) || value.length > 0],
  ["subnet", () => true],
];

/**
 * The first field of a configuration that asks for addresses in a way that is not supported. Refused on ADD only: a sandbox that exists must be
 * removable whatever became of its configuration.
 */
export function unsupportedField(config: Json): CniFailure | undefined {
  const ipam = isJsonObject(config) ? config.ipam : undefined;
  if (ipam === undefined) return undefined;
  if (!isJsonObject(ipam)) return failure(CNI_CODES.invalidConfig, "Configuration's ipam must be an object");
  for (const [field, isUnsupported] of IPAM_UNSUPPORTED) {
    const value = ipam[field];
    if (value === undefined || !isUnsupported(value)) continue;
    const message = `Configuration field "ipam.${field}" is not supported with this value: ${JSON.stringify(value)}`;
    return failure(CNI_CODES.unsupportedField, message);
  }
  return undefined;
}

function attachmentsOf(value: Json | undefined): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((entry: Json) =>
    isJsonObject(entry) && typeof entry.containerID === "string" ? [entry.containerID] : []
  );
}

/**
 * Prints a failure as the specification wants it on standard output.
 *
 * @param config the configuration as it came, whose version the error repeats if it is one that is spoken
 */
export function failureReply({ code, msg, details }: CniFailure, config: Json): CniReply {
  return { code: 1, stdout: JSON.stringify({ cniVersion: answerVersion(config), code, msg, details }) };
}

/** Answers VERSION. Runtimes ask it before anything else, also while no agent runs. */
export function versionReply(config: Json): CniReply {
  return {
    code: 0,
    stdout: JSON.stringify({ cniVersion: answerVersion(config), supportedVersions: CNI_VERSIONS }),
  };
}

/** The answer of a command that has no result. */
export const EMPTY_REPLY: CniReply = { code: 0, stdout: "" };

/**
 * Prints the result of ADD in the form of the configuration's version: before 1.0 an address says its family, from 1.1 on interfaces say their
 * MTU. The host side is interface 0 and the pod's interface 1.
 */
export function resultReply(attachment: Attachment, cniVersion: string): CniReply {
  const mtu = cniVersion === "1.1.0" ? attachment.mtu : undefined;
  const result = {
    cniVersion,
    interfaces: [
      { name: attachment.hostInterface, mtu },
      { name: attachment.podInterface, mac: attachment.mac, mtu, sandbox: attachment.netns },
    ],
    ips: attachment.addresses.map((address) => ipOf(address, cniVersion)),
    routes: attachment.addresses.map((address) => ({ dst: address.includes(":") ? "::/0" : "0.0.0.0/0" })),
    dns: {},
  };
  return { code: 0, stdout: JSON.stringify(result) };
}

/** Addresses that a printed result holds, without prefix length, in its order: what CHECK compares. */
export function resultAddresses(result: JsonObject): readonly string[] {
  const ips = Array.isArray(result.ips) ? result.ips : [];
  return ips.flatMap((ip: Json) =>
    isJsonObject(ip) && typeof ip.address === "string" ? [ip.address.replace(/\/\d+$/, "")] : []
  );
}

function ipOf(address: string, cniVersion: string): JsonObject {
  const isIpv6 = address.includes(":");
  const version = cniVersion.startsWith("0.") ? (isIpv6 ? "6" : "4") : undefined;
  return { version, interface: 1, address: `${address}/${isIpv6 ? 128 : 32}` };
}

function answerVersion(config: Json): string {
  const asked = isJsonObject(config) ? config.cniVersion : undefined;
  return typeof asked === "string" && CNI_VERSIONS.includes(asked) ? asked : CNI_VERSION_CURRENT;
}
