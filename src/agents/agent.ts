/**
 * The agent of one node: puts sync, loop, drivers, CNI and reports together and runs them until told to stop. Runs in its node's network namespace; knows
 * nothing but its own slice.
 *
 * @module
 */
import { errorText } from "#/base/errors.ts";
import { type Clock, systemClock, systemRandom } from "#/base/ports.ts";
import type { DriftFound } from "#/events/catalog.ts";
import type { AppliedReport, NodeCommand, NodeCommandResult } from "#/sync/reports.ts";
import { createBirdDriver } from "./bird/driver.ts";
import { BirdPart } from "./bird/part.ts";
import type { LoopPort } from "./cni/allocator.ts";
import { type CommandPort, startDrain } from "./cni/drain.ts";
import { openJournal } from "./cni/journal.ts";
import { CniOperations } from "./cni/operations.ts";
import { startCniServer } from "./cni/server.ts";
import { openKernel } from "./kernel/linux_kernel.ts";
import type { Kernel, KernelChange } from "./kernel/kernel.ts";
import { ROUTE_PROTOCOLS } from "./kernel/kernel.ts";
import { probeHost } from "./kernel/probes.ts";
import { AgentLoop, type PassReport } from "./loop.ts";
import { NftablesTable } from "./nftables/driver.ts";
import { RouteTable } from "./routes/driver.ts";
import { Reporter } from "./reporter.ts";
import { ServerClient } from "./server_client.ts";
import { SliceFile } from "./slice_file.ts";
import { followSlices } from "./slice_sync.ts";

/** Version that the agent reports. */
export const AGENT_VERSION = "0.1.0";

/** MTU of pods' interfaces: no encapsulation yet, so that of the fabric. */
const POD_MTU = 1500;

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

/** Whether the server is there, for who must not wait for it. */
class ServerHealth {
  #problem: string | undefined = "not asked yet";
  #away = new AbortController();

  get problem(): string | undefined {
    return this.#problem;
  }

  /** Aborts when the server goes away; fresh again when it is back. */
  get away(): AbortSignal {
    return this.#away.signal;
  }

  set(problem: string | undefined): void {
    this.#problem = problem;
    if (problem !== undefined) this.#away.abort();
    else if (this.#away.signal.aborted) this.#away = new AbortController();
  }
}

function commandPort(client: ServerClient, clock: Clock): CommandPort {
  return {
    submit: (commands: readonly NodeCommand[], signal: AbortSignal): Promise<readonly NodeCommandResult[]> =>
      client.send({ observedAt: new Date(clock.now()).toISOString(), commands }, signal),
  };
}

function loopPort(loop: AgentLoop, health: ServerHealth): LoopPort {
  return {
    nodeState: () => loop.slice === undefined ? undefined : { items: loop.slice.state, position: loop.slice.position },
    async endpointReady(namespace, pod, containerId, signal) {
      const isReady = (report: PassReport) =>
        [...report.slice.state.values()].some((item) =>
          item.kind === "endpoint" && item.workload === `${namespace}/${pod}` && item.containerId === containerId &&
          !report.errors.some((error) => ["nftables", "routes", `endpoint:${item.id}`].includes(error.item))
        );
      // The last pass may have ended before the interface was made.
      const before = loop.lastPass;
      loop.kick();
      try {
        await loop.waitFor((report) => report !== before && isReady(report), AbortSignal.any([signal, health.away]));
        return "ready";
      } catch {
        return "pending";
      }
    },
  };
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
      return !change.own && change.route.protocol === ROUTE_PROTOCOLS.tortie;
  }
}

function appliedReport(options: AgentOptions, pass: PassReport, unsupported: readonly string[]): AppliedReport {
  const { logId, epoch, position } = pass.slice;
  return {
    node: options.node,
    logId,
    epoch,
    position,
    appliedAt: new Date(pass.at).toISOString(),
    agentVersion: AGENT_VERSION,
    errors: pass.errors,
    unsupported,
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
  await kernel.sysctls.write("net.ipv4.ip_forward", "1");
  const health = new ServerHealth();
  const commands = commandPort(client, systemClock);
  const reporter = stack.use(new Reporter({ client, commands, log }));
  const bird = stack.use(new BirdPart(await createBirdDriver({ directory: options.birdDir }), log));
  const loop = stack.use(
    new AgentLoop({
      nftables: new NftablesTable(kernel.nft),
      routes: new RouteTable(kernel),
      bird,
      clock: systemClock,
      onPass: (pass) => {
        if (pass.written.length > 0) log(`position ${pass.slice.position}: ${pass.written.join("; ")}`);
        for (const error of pass.errors) log(`position ${pass.slice.position}: ${error.item}: ${error.message}`);
        reporter.applied(appliedReport(options, pass, unsupported));
        for (const drift of pass.drift) {
          log(`drift of ${drift.subject}: ${drift.differences.join("; ")}`);
          reporter.drift(driftCommand(options.node, drift));
        }
      },
    }),
  );
  const file = new SliceFile(options.dataDir);
  const saved = file.read();
  const start = saved !== undefined && "message" in saved ? undefined : saved;
  if (saved !== undefined && "message" in saved) log(saved.message);
  if (start !== undefined) loop.setSlice(start);
  const journal = stack.use(await openJournal(options.dataDir));
  const drain = stack.use(startDrain({ journal, commands }));
  const watching = watchKernel(kernel, loop, stop.signal);
  const following = followSlices({
    client,
    start,
    onSlice: (slice, changed) => {
      loop.setSlice(slice);
      if (changed || slice.position % 64 === 0) file.save(slice, (error) => log(errorText(error)));
    },
    onStatus: (problem) => {
      health.set(problem);
      log(problem === undefined ? "Follows the server" : `Does not follow the server: ${problem}`);
      if (problem !== undefined) return;
      reporter.wake();
      drain.wake();
    },
  }, stop.signal);
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
  await Promise.all([watching, following]);
  await file.flushed();
  return 0;
}
