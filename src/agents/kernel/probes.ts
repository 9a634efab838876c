/**
 * What this host can do for an agent, tried out and not guessed: each missing thing is an {@link Unsupported} with what would provide it. Called at
 * start, and by tests that need a kernel.
 *
 * @module
 */
import { Unsupported } from "#/base/errors.ts";
import { KernelError } from "./kernel_error.ts";
import { Libc } from "./libc.ts";
import { Nftables } from "./libnftables.ts";
import { NETLINK, NetlinkSocket } from "./netlink_socket.ts";
import { openNetns, OWN_NETNS } from "./netns.ts";
import { nftGeneration } from "./nftables_observe.ts";

const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;

/** All that is missing to open a kernel in this process; empty when nothing is. Writes nothing to the kernel. */
export function probeHost(): readonly Unsupported[] {
  if (Deno.build.os !== "linux") return [new Unsupported(`kernel of ${Deno.build.os}`, "Linux 6.1 or newer")];
  const capabilities = readCapabilities();
  const missing: Unsupported[] = [];
  if (!(capabilities >> CAP_NET_ADMIN & 1n)) {
    missing.push(new Unsupported("network administration", "root, or CAP_NET_ADMIN"));
  }
  if (!(capabilities >> CAP_SYS_ADMIN & 1n)) {
    missing.push(new Unsupported("network namespaces", "root, or CAP_SYS_ADMIN"));
  }
  if (missing.length > 0) return missing;
  try {
    using libc = new Libc();
    return probeNftables(libc);
  } catch (error) {
    return [new Unsupported("C library by FFI", `GNU libc 2.36 or newer (${message(error)})`)];
  }
}

function probeNftables(libc: Libc): readonly Unsupported[] {
  const missing: Unsupported[] = [];
  const netns = openNetns(libc, OWN_NETNS);
  try {
    using socket = new NetlinkSocket(libc, { protocol: NETLINK.netfilter });
    nftGeneration(socket);
  } catch (error) {
    missing.push(new Unsupported("nftables in the kernel", `a kernel with nf_tables (${message(error)})`));
  }
  try {
    new Nftables(libc, netns)[Symbol.dispose]();
  } catch (error) {
    missing.push(new Unsupported("libnftables", `the package libnftables1 1.0.6 or newer (${message(error)})`));
  } finally {
    libc.close(netns);
  }
  return missing;
}

/** The effective capabilities of this process as a bit set. */
function readCapabilities(): bigint {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(Deno.readTextFileSync("/proc/self/status"));
  return BigInt(`0x${line?.[1] ?? "0"}`);
}

function message(error: unknown): string {
  return error instanceof KernelError ? error.detail ?? error.message : String(error);
}
