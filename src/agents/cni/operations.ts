/**
 * The CNI commands as the agent carries them out: a sandbox's address, interface and binding made, removed and checked. Where the container runtime
 * meets the arrow: what is done here is journaled, told to the server, and comes back as node state, which opens the interface.
 *
 * A new interface is closed until its policy is in place, because the nftables driver drops workload interfaces that it does not know. The
 * interface's route is the route driver's, which makes it when the endpoint comes with the node state.
 *
 * @module
 */
import { assertNever } from "#/base/assert.ts";
import { errorText, OperationalError } from "#/base/errors.ts";
import type { AddressAssigned, EndpointBound } from "#/events/catalog.ts";
import { containerOfHandle, handleOf, isHandleOfNetwork } from "#/ipam/handles.ts";
import type { PodNetworkDriver, PodNetworkSpec, RouteDriver } from "#/agents/kernel/kernel.ts";
import { Allocator, type AllocatorDeps, type LoopPort } from "./allocator.ts";
import type { RefusedRecord } from "./drain.ts";
import { interfaceNameFor } from "#/base/names.ts";
import { KeyedLock } from "./keyed_lock.ts";
import { assignmentsOf, bindingOf, type JournalRecord } from "./ledger.ts";
import {
  type Attachment,
  checkEnvironment,
  CNI_CODES,
  type CniFailure,
  type CniReply,
  type CniRequest,
  EMPTY_REPLY,
  failure,
  failureReply,
  type NetworkConfig,
  parseArgs,
  parseConfig,
  resultAddresses,
  resultReply,
  unsupportedField,
  versionReply,
} from "./protocol.ts";

/** How long ADD waits for the policy before it returns with the interface closed, in milliseconds. */
export const READY_MS_MAX = 10_000;

/** What the operations need. */
export interface CniDeps extends AllocatorDeps {
  readonly pods: PodNetworkDriver;
  readonly routes: Pick<RouteDriver, "dump">;
  readonly loop: LoopPort;
}

/** Options of {@link CniOperations}. */
export interface CniOptions {
  /** MTU of pods' interfaces where the configuration names none. */
  readonly mtu: number;
  /** {@link READY_MS_MAX} when absent. */
  readonly readyMsMax?: number;
}

/** A Pod as the runtime names it. */
interface PodRef {
  readonly namespace: string;
  readonly pod: string;
}

/** A request of one sandbox, read. */
interface Sandbox extends PodRef {
  readonly request: CniRequest;
  readonly config: NetworkConfig;
  readonly podUid: string;
  readonly handle: string;
  readonly hostInterface: string;
}

/** Carries out CNI commands. Commands of one Pod run one after the other. */
export class CniOperations {
  readonly #deps: CniDeps;
  readonly #options: CniOptions;
  readonly #allocator: Allocator;
  readonly #locks = new KeyedLock();
  readonly #stop = new AbortController();

  constructor(deps: CniDeps, options: CniOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#allocator = new Allocator(deps);
  }

  /** ADDs that wait for their policy return now, with their interface closed; called when the agent stops. */
  stopWaiting(): void {
    this.#stop.abort();
  }

  /**
   * Carries out one command and returns what the plugin prints. Never throws for a failure of the world: that becomes an error of the
   * specification, with code 11 when the runtime should try again.
   */
  async handle(request: CniRequest): Promise<CniReply> {
    try {
      const reply = await this.#dispatch(request);
      return "kind" in reply ? failureReply(reply, request.config) : reply;
    } catch (error) {
      return failureReply(failureOf(error, request), request.config);
    }
  }

  async #dispatch(request: CniRequest): Promise<CniReply | CniFailure> {
    if (request.command === "VERSION") return versionReply(request.config);
    const wrong = checkEnvironment(request);
    if (wrong !== undefined) return wrong;
    const config = parseConfig(request.config);
    if (config.kind === "failure") return config;
    switch (request.command) {
      case "ADD":
        return await this.#add(request, config);
      case "DEL":
        return await this.#remove(request.containerId, config, podOf(request)) ?? EMPTY_REPLY;
      case "CHECK":
        return await this.#check(request, config) ?? EMPTY_REPLY;
      case "GC":
        return await this.#collect(config) ?? EMPTY_REPLY;
      case "STATUS":
        return this.#status() ?? EMPTY_REPLY;
      default:
        return assertNever(request.command);
    }
  }

  async #add(request: CniRequest, config: NetworkConfig): Promise<CniReply | CniFailure> {
    const unsupported = unsupportedField(request.config);
    if (unsupported !== undefined) return unsupported;
    const ref = podOf(request);
    if (ref === undefined) {
      return failure(CNI_CODES.invalidEnvironment, "CNI_ARGS must have K8S_POD_NAMESPACE and K8S_POD_NAME for ADD");
    }
    const sandbox: Sandbox = {
      ...ref,
      request,
      config,
      podUid: parseArgs(request.args).get("K8S_POD_UID") ?? "",
      handle: handleOf(config.name, request.containerId),
      hostInterface: interfaceNameFor(ref.namespace, ref.pod),
    };
    const attachment = await this.#locks.run(keyOf(ref), () => this.#attach(sandbox));
    return "kind" in attachment ? attachment : resultReply(attachment, config.cniVersion);
  }

  /** Address, interface, binding, policy. Whatever fails after the address was taken gives it back. */
  async #attach(sandbox: Sandbox): Promise<Attachment | CniFailure> {
    // From before the first record is owed, so that no refusal is missed.
    const refusal = this.#refusalOf(sandbox.request.containerId);
    try {
      const { handle, namespace, pod } = sandbox;
      const assignment = await this.#allocator.allocate({ handle, namespace, pod });
      if ("kind" in assignment) return assignment;
      try {
        const { spec, mac } = await this.#connect(sandbox, assignment);
        const refused = await this.#ready(sandbox, refusal.promise);
        if (refused === undefined) return attachmentOf(spec, mac);
        await this.#detach(sandbox, sandbox.request.containerId, handle);
        return refused;
      } catch (error) {
        await this.#detach(sandbox, sandbox.request.containerId, handle).catch((second) => {
          throw new AggregateError([error, second], `${errorText(error)}; and cannot undo it: ${errorText(second)}`);
        });
        throw error;
      }
    } finally {
      refusal.stop();
    }
  }

  /** Makes the interface unless it is there already, and journals the binding. */
  async #connect(sandbox: Sandbox, assignment: AddressAssigned): Promise<{ spec: PodNetworkSpec; mac: string }> {
    const { journal, pods } = this.#deps;
    const spec = this.#specOf(sandbox, assignment);
    const bound = bindingOf(journal.ledger, sandbox.request.containerId);
    const isMade = bound?.netns === spec.netns && (await pods.check(spec)).length === 0;
    if (!isMade) await this.#unbindOthers(sandbox);
    const mac = bound !== undefined && isMade ? bound.mac : (await pods.create(spec)).podMac;
    const endpoint = endpointOf(sandbox, assignment, mac);
    await journal.append((ledger) => {
      const current = ledger.bindings.get(keyOf(sandbox));
      const isSame = current?.containerId === endpoint.containerId && current.mac === mac &&
        current.netns === endpoint.netns;
      return isSame ? [] : [{ kind: "bind", endpoint }];
    });
    return { spec, mac };
  }

  /** An older sandbox of the Pod loses its interface to the new one, which has the same name. */
  async #unbindOthers({ namespace, pod, request }: Sandbox): Promise<void> {
    const { journal, node } = this.#deps;
    await journal.append((ledger) => {
      const current = ledger.bindings.get(keyOf({ namespace, pod }));
      if (current === undefined || current.containerId === request.containerId) return [];
      return [{ kind: "unbind", endpoint: { node, namespace, pod, containerId: current.containerId } }];
    });
  }

  /** Waits until the interface is open, the wait is over, or the server has refused a record of this container. */
  async #ready(sandbox: Sandbox, refused: Promise<CniFailure>): Promise<CniFailure | undefined> {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), this.#options.readyMsMax ?? READY_MS_MAX);
    const signal = AbortSignal.any([stop.signal, this.#stop.signal]);
    const { namespace, pod, request } = sandbox;
    try {
      const ready = this.#deps.loop.endpointReady(namespace, pod, request.containerId, signal);
      return await Promise.race([ready.then(() => undefined), refused, aborted(signal)]);
    } finally {
      clearTimeout(timer);
      stop.abort();
    }
  }

  #refusalOf(containerId: string): { readonly promise: Promise<CniFailure>; readonly stop: () => void } {
    const { promise, resolve } = Promise.withResolvers<CniFailure>();
    const stop = this.#deps.drain.onRefused((refused) => {
      if (containerOf(refused.record) !== containerId) return;
      resolve(failure(CNI_CODES.tryAgainLater, "The server refuses the sandbox", refusalText(refused)));
    });
    return { promise, stop };
  }

  /** DEL: succeeds also when nothing is there any more. What is known of the container wins over what the runtime says of its Pod. */
  async #remove(containerId: string, config: NetworkConfig, said: PodRef | undefined): Promise<undefined> {
    const { ledger } = this.#deps.journal;
    const handle = handleOf(config.name, containerId);
    const ref = bindingOf(ledger, containerId) ?? assignmentsOf(ledger, handle)[0] ?? said;
    if (ref === undefined) return;
    await this.#locks.run(keyOf(ref), () => this.#detach(ref, containerId, handle));
  }

  /**
   * Removes a container's interface unless a newer sandbox has it, and journals unbinding and release. The address is free only after the interface
   * is gone.
   */
  async #detach(ref: PodRef, containerId: string, handle: string): Promise<void> {
    const { journal, node, pods } = this.#deps;
    const bound = journal.ledger.bindings.get(keyOf(ref));
    if (bound === undefined || bound.containerId === containerId) {
      await pods.delete(bound?.interfaceName ?? interfaceNameFor(ref.namespace, ref.pod));
    }
    await journal.append((ledger) => {
      const { namespace, pod } = ref;
      const isBound = ledger.bindings.get(keyOf(ref))?.containerId === containerId;
      const unbind: readonly JournalRecord[] = isBound
        ? [{ kind: "unbind", endpoint: { node, namespace, pod, containerId } }]
        : [];
      const releases = assignmentsOf(ledger, handle).map(({ address, block }) =>
        ({ kind: "release", release: { address, block, node, handle } }) as const
      );
      return [...unbind, ...releases];
    });
  }

  /** CHECK: the binding, the runtime's result, the interfaces and the route must all agree. */
  async #check(request: CniRequest, config: NetworkConfig): Promise<CniFailure | undefined> {
    const bound = bindingOf(this.#deps.journal.ledger, request.containerId);
    if (bound === undefined) {
      return failure(CNI_CODES.containerUnknown, `Container is not attached: "${request.containerId}"`);
    }
    if (config.prevResult === undefined) {
      return failure(CNI_CODES.invalidConfig, "Configuration must have prevResult for CHECK");
    }
    const spec: PodNetworkSpec = {
      hostLink: bound.interfaceName,
      netns: request.netns,
      podLink: request.ifName,
      addresses: bound.addresses,
      mtu: config.mtu ?? this.#options.mtu,
    };
    const differences = [
      ...resultDifferences(resultAddresses(config.prevResult), bound.addresses),
      ...await this.#deps.pods.check(spec),
      ...await this.#routeDifferences(bound),
    ];
    if (differences.length === 0) return undefined;
    return failure(CNI_CODES.checkFailed, "Pod network is not as it was made", differences.join("; "));
  }

  async #routeDifferences(bound: EndpointBound): Promise<readonly string[]> {
    const routes = await this.#deps.routes.dump();
    return bound.addresses.map((address) => `${address}/${address.includes(":") ? 128 : 32}`).filter((destination) =>
      !routes.some((route) => route.destination === destination && route.linkName === bound.interfaceName)
    ).map((destination) => `Route ${destination} must go to "${bound.interfaceName}"`);
  }

  /** GC: every container of the network that the runtime does not name is removed as by DEL. */
  async #collect(config: NetworkConfig): Promise<CniFailure | undefined> {
    const { attachments } = config;
    if (attachments === undefined) {
      return failure(CNI_CODES.invalidConfig, 'Configuration must have "cni.dev/valid-attachments" for GC');
    }
    const handles = [...this.#deps.journal.ledger.assigned.values()].map((assignment) => assignment.handle);
    const dead = handles.filter((handle) =>
      isHandleOfNetwork(handle, config.name) && !attachments.includes(containerOfHandle(handle))
    ).map(containerOfHandle);
    const errors: string[] = [];
    for (const containerId of new Set(dead)) {
      await this.#remove(containerId, config, undefined).catch((error) => errors.push(errorText(error)));
    }
    if (errors.length === 0) return undefined;
    return failure(CNI_CODES.ioFailure, `Cannot remove ${errors.length} containers`, errors.join("; "));
  }

  #status(): CniFailure | undefined {
    const { journal, loop } = this.#deps;
    if (loop.nodeState() === undefined) {
      return failure(CNI_CODES.notAvailable, "Agent must have a node state: it has met no server and has no saved one");
    }
    return journal.fault === undefined
      ? undefined
      : failure(CNI_CODES.notAvailable, "Agent must be able to write its journal", journal.fault);
  }

  #specOf(sandbox: Sandbox, assignment: AddressAssigned): PodNetworkSpec {
    return {
      hostLink: sandbox.hostInterface,
      netns: sandbox.request.netns,
      podLink: sandbox.request.ifName,
      addresses: [assignment.address],
      mtu: sandbox.config.mtu ?? this.#options.mtu,
    };
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

function podOf(request: CniRequest): PodRef | undefined {
  const args = parseArgs(request.args);
  const namespace = args.get("K8S_POD_NAMESPACE") ?? "";
  const pod = args.get("K8S_POD_NAME") ?? "";
  return namespace === "" || pod === "" ? undefined : { namespace, pod };
}

function keyOf({ namespace, pod }: PodRef): string {
  return `${namespace}/${pod}`;
}

function endpointOf(sandbox: Sandbox, assignment: AddressAssigned, mac: string): EndpointBound {
  return {
    node: assignment.node,
    namespace: sandbox.namespace,
    pod: sandbox.pod,
    podUid: sandbox.podUid,
    containerId: sandbox.request.containerId,
    interfaceName: sandbox.hostInterface,
    mac,
    addresses: [assignment.address],
    netns: sandbox.request.netns,
  };
}

function attachmentOf(spec: PodNetworkSpec, mac: string): Attachment {
  return {
    hostInterface: spec.hostLink,
    podInterface: spec.podLink,
    mac,
    mtu: spec.mtu,
    netns: spec.netns,
    addresses: spec.addresses,
  };
}

function resultDifferences(result: readonly string[], bound: readonly string[]): readonly string[] {
  const same = result.length === bound.length && result.every((address) => bound.includes(address));
  return same ? [] : [`Addresses must be ${bound.join(", ")}: prevResult has ${result.join(", ") || "none"}`];
}

/** Which container a journal record is of. */
function containerOf(record: JournalRecord): string {
  switch (record.kind) {
    case "assign":
      return containerOfHandle(record.assignment.handle);
    case "release":
      return containerOfHandle(record.release.handle);
    case "bind":
    case "unbind":
      return record.endpoint.containerId;
    default:
      return assertNever(record);
  }
}

function refusalText({ record, reason, message }: RefusedRecord): string {
  return `${record.kind}: ${reason}: ${message}`;
}

function failureOf(error: unknown, request: CniRequest): CniFailure {
  const message = `Cannot carry out ${request.command} of container "${request.containerId}"`;
  if (!(error instanceof OperationalError)) return failure(CNI_CODES.internal, message, errorText(error));
  const code = error.retry === "never" ? CNI_CODES.ioFailure : CNI_CODES.tryAgainLater;
  return failure(code, message, errorText(error));
}
