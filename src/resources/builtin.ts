/**
 * The objects that a new log begins with, as a user would write them: the control plane submits each once, as a command of its own, so that they
 * have an event, an author and a reason like everything else.
 *
 * @module
 */
import { BUILTIN_TIERS } from "#/resources/kinds/tier.ts";
import type { KubeObject } from "#/resources/object.ts";

/** Name of the address pool that a new log begins with. */
export const DEFAULT_POOL_NAME = "default-ipv4-ippool";

const BUILTIN_NAMESPACES: readonly string[] = ["default", "kube-system"];

/** The objects, in an order in which each finds what it names. */
export const BUILTIN_OBJECTS: readonly KubeObject[] = [
  ...BUILTIN_NAMESPACES.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })),
  ...Object.entries(BUILTIN_TIERS).map(([name, spec]) => ({
    apiVersion: "projectcalico.org/v3",
    kind: "Tier",
    metadata: { name },
    spec: { ...spec },
  })),
  {
    apiVersion: "projectcalico.org/v3",
    kind: "IPPool",
    metadata: { name: DEFAULT_POOL_NAME },
    spec: { cidr: "192.168.0.0/16", blockSize: 26, natOutgoing: true, ipipMode: "Never", vxlanMode: "Never" },
  },
];
