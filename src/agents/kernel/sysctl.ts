/**
 * Kernel settings under `/proc/sys`. Those under `net` belong to a network namespace, and which one is decided by the thread that opens the file; so
 * files are opened inside the namespace, by FFI, and not by Deno.
 *
 * @module
 */
import { KernelError } from "./kernel_error.ts";
import { type Libc, OPEN_FLAGS } from "./libc.ts";
import { withNetns } from "./netns.ts";

const VALUE_BYTES_MAX = 4096;

/**
 * The file of a setting. Names use dots, `net.ipv4.ip_forward`, or slashes where a part may hold a dot, `net/ipv4/conf/eth0.1/forwarding`.
 *
 * @example
 * ```ts
 * import { sysctlPath } from "#/agents/kernel/sysctl.ts";
 * if (sysctlPath("net.ipv4.ip_forward") !== "/proc/sys/net/ipv4/ip_forward") throw new Error("wrong path");
 * ```
 */
export function sysctlPath(name: string): string {
  const parts = name.split(name.includes("/") ? "/" : ".");
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    throw new KernelError({ operation: "read the sysctl name", subject: name, code: "EINVAL" });
  }
  return `/proc/sys/${parts.join("/")}`;
}

/** Reads a setting of the namespace, without its line end. */
export function readSysctl(libc: Libc, netns: number, name: string): string {
  const path = sysctlPath(name);
  return withNetns(libc, netns, () => {
    const fd = libc.open(path, OPEN_FLAGS.readOnly, "open the sysctl");
    try {
      const bytes = new Uint8Array(VALUE_BYTES_MAX);
      const count = libc.check(libc.calls.read(fd, bytes, bytes.length), "read the sysctl", name);
      return new TextDecoder().decode(bytes.subarray(0, count)).trimEnd();
    } finally {
      libc.close(fd);
    }
  });
}

/** Writes settings of the namespace, in order; throws at the first that is refused. */
export function writeSysctls(
  libc: Libc,
  netns: number,
  settings: readonly (readonly [name: string, value: string])[],
): void {
  const files = settings.map(([name, value]) => ({
    name,
    path: sysctlPath(name),
    bytes: new TextEncoder().encode(value),
  }));
  withNetns(libc, netns, () => {
    for (const { name, path, bytes } of files) {
      const fd = libc.open(path, OPEN_FLAGS.writeOnly, "open the sysctl");
      try {
        libc.check(libc.calls.write(fd, bytes, bytes.length), "write the sysctl", name);
      } finally {
        libc.close(fd);
      }
    }
  });
}
