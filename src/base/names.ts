/**
 * Names that are computed from other names, as Calico computes them, so that tools and eyes trained on Calico find what they look for. Views, IPAM, the
 * CNI plugin and the agents all take them from here.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** Prefix of the host side of every workload's interface; how a restarted agent knows its own. */
export const WORKLOAD_INTERFACE_PREFIX = "cali";

/** What the name of a WorkloadEndpoint is made of. */
export interface WorkloadEndpointParts {
  readonly node: string;
  /** `k8s` for Pods. */
  readonly orchestrator: string;
  /** The Pod's name, or what the orchestrator calls its workload. */
  readonly workload: string;
  /** The interface inside the workload, `eth0`. */
  readonly endpoint: string;
}

/**
 * The name of a WorkloadEndpoint: its parts joined by dashes, with every dash inside a part doubled, so that different parts never give one name.
 *
 * @example
 * ```ts
 * import { workloadEndpointName } from "#/base/names.ts";
 * const name = workloadEndpointName({ node: "node-1", orchestrator: "k8s", workload: "web", endpoint: "eth0" });
 * if (name !== "node--1-k8s-web-eth0") throw new Error(name);
 * ```
 */
export function workloadEndpointName(parts: WorkloadEndpointParts): string {
  return [parts.node, parts.orchestrator, parts.workload, parts.endpoint]
    .map((part) => part.replaceAll("-", "--")).join("-");
}

/**
 * The host side of a Pod's interface: `cali` and 11 hexadecimal digits of the SHA-1 of `namespace.pod`. It depends on the name alone: a Pod made again
 * under its old name has the same interface, so a sandbox is told apart by its container id.
 *
 * @example
 * ```ts
 * import { interfaceNameFor } from "#/base/names.ts";
 * if (interfaceNameFor("default", "web").length !== 15) throw new Error();
 * ```
 */
export function interfaceNameFor(namespace: string, pod: string): string {
  const digest = createHash("sha1").update(`${namespace}.${pod}`, "utf8").digest("hex");
  return WORKLOAD_INTERFACE_PREFIX + digest.slice(0, 11);
}

/**
 * The uid of an object that is a view of another: the source's uid with the bits of each byte reversed, except in the bytes that hold a UUID's version
 * and variant. Two objects never share a uid, and doing it twice gives the source's back. A text that is no UUID is returned as it is.
 *
 * @example
 * ```ts
 * import { derivedUid } from "#/base/names.ts";
 * const uid = "01000000-0000-4000-8000-0000000000ff";
 * if (derivedUid(uid) !== "80000000-0000-4000-8000-0000000000ff") throw new Error(derivedUid(uid));
 * ```
 */
export function derivedUid(uid: string): string {
  const digits = uid.replaceAll("-", "");
  if (!/^[0-9a-fA-F]{32}$/.test(digits)) return uid;
  const bytes = Array.from({ length: 16 }, (_, at) => parseInt(digits.slice(2 * at, 2 * at + 2), 16));
  const reversed = bytes.map((byte, at) => at === 6 || at === 8 ? byte : reverseBits(byte));
  const hex = reversed.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/**
 * A uid made of another and a name (RFC 9562, version 5): where one object has several views, each needs one of its own. A text that is no UUID is returned
 * as it is.
 *
 * @example
 * ```ts
 * import { namedUid } from "#/base/names.ts";
 * const uid = namedUid("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com");
 * if (uid !== "2ed6657d-e927-568b-95e1-2665a8aea6a2") throw new Error(uid);
 * ```
 */
export function namedUid(uid: string, name: string): string {
  const digits = uid.replaceAll("-", "");
  if (!/^[0-9a-fA-F]{32}$/.test(digits)) return uid;
  const space = Uint8Array.from({ length: 16 }, (_, at) => parseInt(digits.slice(2 * at, 2 * at + 2), 16));
  const bytes = createHash("sha1").update(space).update(name, "utf8").digest().subarray(0, 16);
  bytes[6] = bytes[6]! & 0x0f | 0x50;
  bytes[8] = bytes[8]! & 0x3f | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

function reverseBits(byte: number): number {
  let reversed = 0;
  for (let bit = 0; bit < 8; bit++) reversed |= ((byte >> bit) & 1) << (7 - bit);
  return reversed;
}
