/**
 * Names of kernel settings.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "#/agents/kernel/kernel_error.ts";
import { sysctlPath } from "#/agents/kernel/sysctl.ts";

Deno.test("sysctlPath() takes dots, or slashes where names hold dots, and stays below /proc/sys", () => {
  assertEquals(sysctlPath("net.ipv4.ip_forward"), "/proc/sys/net/ipv4/ip_forward");
  assertEquals(sysctlPath("net/ipv4/conf/eth0.1/forwarding"), "/proc/sys/net/ipv4/conf/eth0.1/forwarding");
  for (const name of ["", "net/../../etc/passwd", "net..ipv4", "/etc/passwd", "net/./ipv4"]) {
    assertThrows(() => sysctlPath(name), KernelError, `"${name}"`);
  }
});
