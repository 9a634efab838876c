/**
 * Network namespaces: entering one for the length of a synchronous function, and files that hold one.
 *
 * `setns` and `unshare` change the calling thread only, and synchronous FFI runs on the main thread. **Hazard, proven by experiment:** whatever
 * starts a thread while the main thread is elsewhere (any async operation: a promise of Deno, a nonblocking FFI call, a child process) leaves a
 * thread of the pool in the foreign namespace for ever. Hence the rule: only {@link withNetns} and {@link createNetns} enter a namespace, and what
 * they run is synchronous, awaits nothing, calls back nobody and starts nothing. Sockets stay in the namespace they were made in, so making
 * sockets is all there is to do inside.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { dirname } from "@std/path";
import { KernelError } from "./kernel_error.ts";
import { cString, type Libc, OPEN_FLAGS } from "./libc.ts";

const CLONE_NEWNET = 0x40000000;
const MOUNT_BIND = 4096;
const UNMOUNT_DETACH = 2;
const EINVAL = 22;
const ENOENT = 2;

/** The namespace of the calling thread, as the file that always names it. */
export const OWN_NETNS = "/proc/thread-self/ns/net";

/** Opens a namespace by its file; close the descriptor with `libc.close`. Throws `ENOENT` when there is no such file. */
export function openNetns(libc: Libc, path: string): number {
  return libc.open(path, OPEN_FLAGS.readOnly, "open the network namespace");
}

/**
 * Runs `enter` inside the namespace of a descriptor and comes back. `enter` must be synchronous and must start nothing (see the module's words);
 * a promise as result is a bug and ends the process, as does a thread that cannot come back.
 */
export function withNetns<T>(libc: Libc, netnsFd: number, enter: () => T extends PromiseLike<unknown> ? never : T): T {
  return andBack(libc, () => {
    libc.check(libc.calls.setns(netnsFd, CLONE_NEWNET), "enter the network namespace of descriptor", String(netnsFd));
    return enter();
  });
}

/**
 * Makes a namespace that the new file `path` holds, as `ip netns add` does; its folder is made where it is missing. Everything in the namespace
 * is down, the loopback too. Throws `EEXIST` when the file is there.
 */
export function createNetns(libc: Libc, path: string): void {
  Deno.mkdirSync(dirname(path), { recursive: true });
  try {
    Deno.openSync(path, { write: true, createNew: true, mode: 0o444 }).close();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
    throw new KernelError({ operation: "create the network namespace", subject: path, code: "EEXIST" });
  }
  const { calls } = libc;
  const [source, target, type] = [cString(OWN_NETNS), cString(path), cString("none")];
  try {
    andBack(libc, () => {
      libc.check(calls.unshare(CLONE_NEWNET), "unshare the network namespace for", path);
      libc.check(calls.mount(source, target, type, BigInt(MOUNT_BIND), null), "mount the network namespace on", path);
    });
  } catch (error) {
    Deno.removeSync(path);
    throw error;
  }
}

/** Lets go of a namespace held by a file and removes the file. False when there was none; a plain file is removed as well. */
export function deleteNetns(libc: Libc, path: string): boolean {
  if (libc.calls.umount2(cString(path), UNMOUNT_DETACH) < 0) {
    const errno = libc.errno();
    if (errno === ENOENT) return false;
    if (errno !== EINVAL) throw libc.failure("unmount the network namespace", path);
  }
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  return true;
}

/** Runs something that leaves the thread's namespace, and brings the thread back whatever happens. */
function andBack<T>(libc: Libc, leave: () => T): T {
  const home = openNetns(libc, OWN_NETNS);
  try {
    const result = leave();
    assert(!(result instanceof Promise), "Expected a synchronous function inside a network namespace: got a promise");
    return result;
  } finally {
    const back = libc.calls.setns(home, CLONE_NEWNET);
    libc.close(home);
    assert(back === 0, "Expected the thread to come back to its own network namespace");
  }
}
