/**
 * The agent of one node: puts sync, loop, drivers, CNI and reports together and runs them until told to stop. Runs in its node's network namespace; knows
 * nothing but its own slice.
 *
 * @module
 */
import { errorText } from "#/base/errors.ts";
import { type Clock, systemClock, systemRandom } from "#/base/ports.ts";
import type { DriftFound } from "#/events/catalog.ts";
import type { Slice } from "#/sync/slice.ts";
import type { AppliedReport, NodeCommand, NodeCommandResult } from "#/sync/reports.ts";
import { createBirdDriver } from "./bird/driver.ts";
import { BirdPart } from "./bird/part.ts";
import { type CommandPort, startDrain } from "./cni/drain.ts";
import { openJournal } from "./cni/journal.ts";
import { CniOperations } from "./cni/operations.ts";
import { startCniServer } from "./cni/server.ts";
import { isKernelError } from "./kernel/kernel_error.ts";
import { openKernel } from "./kernel/linux_kernel.ts";
import type { Kernel, KernelChange } from "./kernel/kernel.ts";
import { ROUTE_PROTOCOLS } from "./kernel/kernel.ts";
import { probeHost } from "./kernel/probes.ts";
import { AgentLoop, type PassReport } from "./loop.ts";
import { NftablesTable } from "./nftables/driver.ts";
import { RouteTable } from "./routes/driver.ts";
import { loopPort, ServerHealth } from "./readiness.ts";
import { Reporter } from "./reporter.ts";
import { ServerClient } from "./server_client.ts";
import { SliceFile } from "./slice_file.ts";
import { followSlices } from "./slice_sync.ts";
import { systemTimers } from "./timers.ts";

/** Version that the agent reports. */
export const AGENT_VERSION = "0.1.0";

/** MTU of pods' interfaces: no encapsulation yet, so that of the fabric. */
const POD_MTU = 1500;

/** A slice of which only the position has moved is saved when it has moved so far: a restarted agent then resumes not far behind. */
const POSITIONS_PER_SAVE = 64;

/** Options of {@link runAgent}; those of `tortie agent`. */
export interface AgentOptions {
  readonly node: string;
  /** Path of the server's unix socket, or its URL. */
  readonly server: string;
  readonly tokenFile: string;
  readonly dataDir: string;
  readonly cniSocket: string;
  readonly birdDir: string;
}

/** Prints one line of what happened, with the time. */
function log(line: string): void {
  console.log(`${new Date(systemClock.now()).toISOString()} ${line}`);
}

function commandPort(client: ServerClient, clock: Clock): CommandPort {
  return {
    submit: (commands: readonly NodeCommand[], signal: AbortSignal): Promise<readonly NodeCommandResult[]> =>
      client.send({ observedAt: new Date(clock.now()).toISOString(), commands }, signal),
  };
}

/** Lets the node pass on packets that are not its own, of both families; a host may be without IPv6. */
async function turnForwardingOn({ sysctls }: Kernel): Promise<void> {
  await sysctls.write("net.ipv4.ip_forward", "1");
  try {
    await sysctls.write("net.ipv6.conf.all.forwarding", "1");
  } catch (error) {
    if (!isKernelError(error, "ENOENT")) throw error;
    log("The host has no IPv6");
  }
}

/** Wakes the loop for what others change in links and routes. */
async function watchKernel(kernel: Kernel, loop: AgentLoop, signal: AbortSignal): Promise<void> {
  for await (const change of kernel.watch(signal)) if (concerns(change)) loop.kick();
}

function concerns(change: KernelChange): boolean {
  switch (change.kind) {
    case "overflow":
      return true;
    case "link":
      // A workload's interface appeared or went; ours too, because its routes depend on it.
      return change.link.name.startsWith("cali");
    case "route":
      // Somebody may have replaced a route of ours by one of theirs. BIRD has metrics of its own, and many routes.
      return !change.own && change.route.protocol !== ROUTE_PROTOCOLS.bird;
  }
}

/** Parts whose failure means that the kernel does not show the slice. BIRD and interfaces that CNI has yet to make are told beside the position. */
const KERNEL_PARTS: readonly string[] = ["nftables", "routes"];

/** The slice that the kernel shows after a pass: the pass's own, or the one before when a part of it failed. */
function shownAfter(pass: PassReport, before: Slice | undefined): Slice | undefined {
  return pass.errors.some(({ item }) => KERNEL_PARTS.includes(item)) ? before : pass.slice;
}

function appliedReport(
  { node, pass, shown }: { readonly node: string; readonly pass: PassReport; readonly shown: Slice | undefined },
  unsupported: readonly string[],
): AppliedReport {
  const { logId, epoch } = pass.slice;
  return {
    node,
    logId,
    epoch,
    position: shown?.position ?? 0,
    appliedAt: new Date(pass.at).toISOString(),
    agentVersion: AGENT_VERSION,
    errors: pass.errors,
    unsupported,
  };
}

/** Tells each pass to the log and to the server. */
function passListener(node: string, reporter: Reporter, unsupported: readonly string[]): (pass: PassReport) => void {
  let toldErrors = "";
  let shown: Slice | undefined;
  return (pass) => {
    const say = (text: string) => log(`position ${pass.slice.position}: ${text}`);
    if (pass.written.length > 0) say(pass.written.join("; "));
    // Told once, however often it is tried again.
    const errors = pass.errors.map(({ item, message }) => `${item}: ${message}`).join("; ");
    if (errors !== toldErrors) say(errors === "" ? "no more errors" : errors);
    toldErrors = errors;
    shown = shownAfter(pass, shown);
    reporter.applied(appliedReport({ node, pass, shown }, unsupported));
    for (const drift of pass.drift) {
      log(`drift of ${drift.subject}: ${drift.differences.join("; ")}`);
      reporter.drift(driftCommand(node, drift));
    }
  };
}

function driftCommand(node: string, drift: Omit<DriftFound, "node">): NodeCommand {
  return { command: "ReportDrift", drift: { ...drift, node } };
}

/**
 * Runs the agent until SIGTERM or SIGINT; the kernel keeps what it has.
 *
 * @returns the exit code
 */
export async function runAgent(options: AgentOptions): Promise<number> {
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stop.abort());
  const unsupported = probeHost().map((missing) => missing.message);
  for (const line of unsupported) log(line);
  await using stack = new AsyncDisposableStack();
  const token = (await Deno.readTextFile(options.tokenFile)).trim();
  const client = stack.use(new ServerClient({ node: options.node, server: options.server, token }));
  const kernel = stack.use(openKernel());
  await turnForwardingOn(kernel);
  const health = new ServerHealth();
  const commands = commandPort(client, systemClock);
  const reporter = stack.use(new Reporter({ client, commands, timers: systemTimers, log }));
  const bird = stack.use(new BirdPart(await createBirdDriver({ directory: options.birdDir }), log));
  const loop = stack.use(
    new AgentLoop({
      nftables: new NftablesTable(kernel.nft),
      routes: new RouteTable(kernel),
      bird,
      clock: systemClock,
      timers: systemTimers,
      onPass: passListener(options.node, reporter, unsupported),
    }),
  );
  // Before the first pass, which observes: what changes after it is told.
  const watching = watchKernel(kernel, loop, stop.signal);
  const file = new SliceFile(options.dataDir);
  const read = file.read();
  const start = read !== undefined && "message" in read ? undefined : read;
  if (read !== undefined && "message" in read) log(read.message);
  if (start !== undefined) loop.setSlice(start);
  const journal = stack.use(await openJournal(options.dataDir));
  const drain = stack.use(startDrain({ journal, commands }));
  let saved = start?.position ?? 0;
  const following = followSlices({
    client,
    timers: systemTimers,
    start,
    onSlice: (slice, changed) => {
      loop.setSlice(slice);
      if (!changed && slice.position < saved + POSITIONS_PER_SAVE) return;
      saved = slice.position;
      file.save(slice, (error) => log(errorText(error)));
    },
    onStatus: (problem) => {
      health.set(problem);
      log(problem === undefined ? "Follows the server" : `Does not follow the server: ${problem}`);
      if (problem !== undefined) return;
      reporter.wake();
      drain.wake();
    },
  }, stop.signal);
  stack.defer(async () => {
    stop.abort();
    await Promise.all([watching, following]);
    await file.flushed();
  });
  const port = loopPort(loop, health);
  const operations = new CniOperations({
    ...{ node: options.node, journal, drain, commands, random: systemRandom, loop: port },
    pods: kernel.pods,
    routes: kernel.routes,
  }, { mtu: POD_MTU });
  stack.use(
    await startCniServer({ operations, journal, drain, loop: port }, { node: options.node, socket: options.cniSocket }),
  );
  log(`Agent of node "${options.node}" is up`);
  await new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve(), { once: true }));
  return 0;
}
