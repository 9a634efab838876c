/**
 * The lab's wires: one network namespace with a bridge (the fabric), one for each node and one for the server outside, each joined to the bridge by a veth
 * pair. No process lives in the fabric; dropping the namespaces takes everything in them away.
 *
 * @module
 */
import type { Kernel } from "#/agents/kernel/kernel.ts";
import { openKernel } from "#/agents/kernel/linux_kernel.ts";
import { FABRIC, type LabPaths, NETNS_FOLDER, nodeAddress } from "./lab_paths.ts";

const BRIDGE = "fabric0";
/** The interface of a node, and of `external`, towards the fabric. */
export const FABRIC_LINK = "eth0";

/** Makes the fabric, `count` nodes and `external`. */
export async function createFabric(paths: LabPaths, count: number): Promise<void> {
  const names = ["fabric", "external", ...Array.from({ length: count }, (_, at) => `node${at + 1}`)];
  await using host = openKernel();
  for (const name of names) await host.namespaces.create(paths.netns(name));
  await using fabric = openKernel({ netns: paths.netns("fabric") });
  await fabric.links.create({ type: "bridge", name: BRIDGE, up: true });
  await attach(paths, fabric, "external", FABRIC.external);
  for (let number = 1; number <= count; number++) {
    await attach(paths, fabric, `node${number}`, FABRIC.firstNode + number - 1);
    await using node = openKernel({ netns: paths.netns(`node${number}`) });
    await node.sysctls.write("net.ipv4.ip_forward", "1");
  }
}

async function attach(
  paths: LabPaths,
  fabric: Kernel,
  name: string,
  host: number,
): Promise<void> {
  const port = `p-${name}`.slice(0, 15);
  await fabric.links.create({
    type: "veth",
    name: port,
    up: true,
    peer: { name: FABRIC_LINK, netns: paths.netns(name) },
  });
  await fabric.links.change(port, { master: BRIDGE, up: true });
  await using inside = openKernel({ netns: paths.netns(name) });
  await inside.links.change(FABRIC_LINK, { up: true });
  await inside.addresses.add(FABRIC_LINK, `${FABRIC.prefix}.${host}/${FABRIC.length}`);
}

/** Names of the lab's namespaces that exist, nodes and pods included. */
export function labNamespaces(paths: LabPaths): string[] {
  try {
    return [...Deno.readDirSync(NETNS_FOLDER)].map((entry) => entry.name)
      .filter((name) => name.startsWith(`${paths.prefix}-`)).map((name) => name.slice(paths.prefix.length + 1));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Drops every namespace of the lab, and with them their interfaces and rules. */
export async function deleteFabric(paths: LabPaths): Promise<void> {
  await using host = openKernel();
  for (const name of labNamespaces(paths)) await host.namespaces.delete(paths.netns(name));
}

/** The fabric addresses of a lab of `count` nodes. */
export function fabricAddresses(count: number): { readonly nodes: readonly string[]; readonly external: string } {
  return {
    nodes: Array.from({ length: count }, (_, at) => nodeAddress(at + 1)),
    external: `${FABRIC.prefix}.${FABRIC.external}`,
  };
}
