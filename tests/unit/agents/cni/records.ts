/** Journal records for tests: node `node1`, Pod `shop/web`, network `net`. @module */
import type { JournalRecord } from "#/agents/cni/ledger.ts";

/** A block of four addresses. */
export const BLOCK = "10.0.0.0/30";

/** An assignment to a container. */
export function assign(address: string, containerId: string, block: string = BLOCK): JournalRecord {
  const handle = `net.${containerId}`;
  return { kind: "assign", assignment: { address, block, node: "node1", handle, namespace: "shop", pod: "web" } };
}

/** A release by a container. */
export function release(address: string, containerId: string, block: string = BLOCK): JournalRecord {
  return { kind: "release", release: { address, block, node: "node1", handle: `net.${containerId}` } };
}

/** A binding of a container to the Pod. */
export function bind(containerId: string, ...addresses: readonly string[]): JournalRecord {
  return {
    kind: "bind",
    endpoint: {
      node: "node1",
      namespace: "shop",
      pod: "web",
      podUid: "uid-1",
      containerId,
      interfaceName: "cali0123456789a",
      mac: "aa:bb:cc:dd:ee:ff",
      addresses,
      netns: `/run/netns/${containerId}`,
    },
  };
}

/** The end of a container's binding. */
export function unbind(containerId: string): JournalRecord {
  return { kind: "unbind", endpoint: { node: "node1", namespace: "shop", pod: "web", containerId } };
}
