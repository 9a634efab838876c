/**
 * How a pod hangs on its node: a veth pair, an address without a subnet, and one next hop, 169.254.1.1, that exists nowhere. The pod sends everything to
 * that next hop, whose MAC it is told for good, and the node routes. Called by the CNI handler through the kernel port.
 *
 * The neighbour entry stands in the pod although the node answers ARP for the next hop (`proxy_arp`): it does so only when it has a route to
 * 169.254.1.1 itself, which nodes without a default route do not have, and then pods would hang.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import { formatCidr, ipAsCidr } from "#/base/cidr.ts";
import { parseIp } from "#/base/ip.ts";
import { parseAddress } from "./address_codec.ts";
import { type Link, type PodNetworkDriver, type PodNetworkSpec, ROUTE_PROTOCOLS, type RouteSpec } from "./kernel.ts";
import { isKernelError } from "./kernel_error.ts";
import { NETLINK, NetlinkSocket } from "./netlink_socket.ts";
import { openNetns } from "./netns.ts";
import { sameRoute } from "./route_match.ts";
import {
  addAddressRequest,
  decodeAddress,
  decodeNeighbour,
  dumpAddressesRequest,
  dumpNeighboursRequest,
  setNeighbourRequest,
} from "./rtnetlink_address.ts";
import {
  applyRouteSteps,
  deleteLink,
  dumpRoutes,
  findLink,
  requireLink,
  type RtnetlinkContext,
} from "./rtnetlink_drivers.ts";
import { changeLinkRequest, createLinkRequest } from "./rtnetlink_link.ts";
import { writeSysctls } from "./sysctl.ts";

/** The MAC of every pod interface's end on the node, as Calico has it. */
export const HOST_MAC = "ee:ee:ee:ee:ee:ee";
/** The next hop of every IPv4 pod. */
export const NEXT_HOP_IPV4 = "169.254.1.1";
/** The next hop of every IPv6 pod: the link-local address that follows from {@link HOST_MAC}. */
export const NEXT_HOP_IPV6 = "fe80::ecee:eeff:feee:eeee";

/** Attaches pods to the namespace of the context. */
export function podNetworkDriver(context: RtnetlinkContext): PodNetworkDriver {
  return {
    create: async (spec) => {
      for (const address of spec.addresses) parseAddress(address);
      assert(spec.addresses.length > 0, "Expected a pod to have an address");
      await deleteLink(context, spec.hostLink);
      const podNetns = openNetns(context.libc, spec.netns);
      try {
        return createPodNetwork(context, spec, podNetns);
      } catch (error) {
        await deleteLink(context, spec.hostLink);
        throw error;
      } finally {
        context.libc.close(podNetns);
      }
    },
    delete: (hostLink) => deleteLink(context, hostLink),
    check: (spec) => Promise.try(() => checkPodNetwork(context, spec)),
  };
}

/** The routes inside a pod: to the next hop on the link, and through it to everywhere. */
export function podRoutes(spec: Pick<PodNetworkSpec, "addresses" | "podLink">): readonly RouteSpec[] {
  const { podLink: linkName } = spec;
  const protocol = ROUTE_PROTOCOLS.boot;
  return nextHops(spec.addresses).flatMap((gateway): RouteSpec[] =>
    gateway === NEXT_HOP_IPV4
      ? [
        { destination: `${gateway}/32`, linkName, scope: "link", protocol },
        { destination: "0.0.0.0/0", gateway, linkName, protocol },
      ]
      : [{ destination: "::/0", gateway, linkName, protocol }]
  );
}

function createPodNetwork(
  context: RtnetlinkContext,
  spec: PodNetworkSpec,
  podNetns: number,
): { hostLink: Link; podMac: string } {
  const { libc, socket } = context;
  const { hostLink, podLink, mtu } = spec;
  const veth = { type: "veth", name: hostLink, mtu, mac: HOST_MAC, peer: { name: podLink, mtu } } as const;
  socket.request(createLinkRequest(veth, podNetns));
  if (hasIpv6(spec)) writeSysctls(libc, podNetns, podSysctls(podLink));
  using podSocket = new NetlinkSocket(libc, { protocol: NETLINK.route, netns: podNetns });
  const pod = requireLink(podSocket, podLink);
  assert(pod.mac !== undefined, "Expected a veth to have a MAC");
  const requests = [
    changeLinkRequest("lo", { up: true }),
    changeLinkRequest(podLink, { up: true }),
    ...spec.addresses.map((address) => addAddressRequest(pod.index, hostPrefix(address))),
    ...nextHops(spec.addresses).map((address) => setNeighbourRequest(pod.index, address, HOST_MAC)),
  ];
  for (const error of podSocket.batch(requests)) if (error !== undefined) throw error;
  for (const result of applyRouteSteps(podSocket, podRoutes(spec).map((route) => ({ kind: "add", route })))) {
    if (result.kind === "failed") throw result.error;
  }
  writeSysctls(libc, context.netns, hostSysctls(spec));
  if (hasIpv6(spec)) addHostLinkLocal(context, hostLink);
  socket.request(changeLinkRequest(hostLink, { up: true }));
  return { hostLink: requireLink(socket, hostLink), podMac: pod.mac };
}

/** Settings of the host end, as Calico's CNI plugin makes them. */
function hostSysctls(spec: PodNetworkSpec): [string, string][] {
  const [ipv4, ipv6] = [`net/ipv4/conf/${spec.hostLink}`, `net/ipv6/conf/${spec.hostLink}`];
  return [
    // Lets a pod reach ports of the node's loopback through NAT, as Calico allows.
    [`${ipv4}/route_localnet`, "1"],
    // Otherwise the first proxied answer may take 0.8 s.
    [`net/ipv4/neigh/${spec.hostLink}/proxy_delay`, "0"],
    [`${ipv4}/proxy_arp`, "1"],
    [`${ipv4}/forwarding`, "1"],
    ...(hasIpv6(spec)
      ? ([
        [`${ipv6}/disable_ipv6`, "0"],
        [`${ipv6}/accept_dad`, "0"],
        [`${ipv6}/accept_ra`, "0"],
        [`${ipv6}/proxy_ndp`, "1"],
        [`${ipv6}/forwarding`, "1"],
      ] as [string, string][])
      : []),
  ];
}

/** Settings inside the pod, before its interface comes up: IPv6 on, and addresses usable at once. */
function podSysctls(podLink: string): [string, string][] {
  return [
    ...["all", "default", "lo", podLink].map((name): [string, string] => [`net/ipv6/conf/${name}/disable_ipv6`, "0"]),
    [`net/ipv6/conf/${podLink}/accept_dad`, "0"],
  ];
}

/** Gives the host end its link-local address by hand, so that it does not depend on how the host makes them. */
function addHostLinkLocal({ socket }: RtnetlinkContext, hostLink: string): void {
  try {
    socket.request(addAddressRequest(requireLink(socket, hostLink).index, `${NEXT_HOP_IPV6}/64`));
  } catch (error) {
    if (!isKernelError(error, "EEXIST")) throw error;
  }
}

function checkPodNetwork(context: RtnetlinkContext, spec: PodNetworkSpec): readonly string[] {
  const host = findLink(context.socket, spec.hostLink);
  if (host === undefined) return [`The node has no link "${spec.hostLink}"`];
  const problems = checkLink(`The node's link "${spec.hostLink}"`, host, spec.mtu);
  let podNetns: number;
  try {
    podNetns = openNetns(context.libc, spec.netns);
  } catch (error) {
    if (!isKernelError(error, "ENOENT")) throw error;
    return [...problems, `There is no network namespace "${spec.netns}"`];
  }
  try {
    using socket = new NetlinkSocket(context.libc, { protocol: NETLINK.route, netns: podNetns });
    const pod = findLink(socket, spec.podLink);
    if (pod === undefined) return [...problems, `The pod has no link "${spec.podLink}"`];
    if (host.peerIndex !== pod.index) {
      problems.push(`The pod's link "${spec.podLink}" is not the peer of "${spec.hostLink}"`);
    }
    problems.push(...checkLink(`The pod's link "${spec.podLink}"`, pod, spec.mtu));
    return [...problems, ...checkInside(socket, pod, spec)];
  } finally {
    context.libc.close(podNetns);
  }
}

function checkLink(name: string, link: Link, mtu: number): string[] {
  return [
    ...(link.up ? [] : [`${name} is down`]),
    ...(link.mtu === mtu ? [] : [`${name} has MTU ${link.mtu}: must be ${mtu}`]),
  ];
}

function checkInside(socket: NetlinkSocket, pod: Link, spec: PodNetworkSpec): string[] {
  const addresses = new Set(
    socket.dump(dumpAddressesRequest(), decodeAddress).filter((found) => found.linkIndex === pod.index)
      .map((found) => found.address),
  );
  const neighbours = socket.dump(dumpNeighboursRequest(), decodeNeighbour)
    .filter((found) => found.linkIndex === pod.index && found.mac === HOST_MAC).map((found) => found.address);
  const routes = dumpRoutes(socket, {});
  return [
    ...spec.addresses.map(hostPrefix).filter((address) => !addresses.has(address))
      .map((address) => `The pod has no address "${address}"`),
    ...podRoutes(spec).filter((wanted) => !routes.some((route) => sameRoute(wanted, route)))
      .map((wanted) => `The pod has no route to "${wanted.destination}" as made for it`),
    ...nextHops(spec.addresses).filter((address) => !neighbours.includes(address))
      .map((address) => `The pod has no permanent neighbour "${address}" with MAC ${HOST_MAC}`),
  ];
}

function nextHops(addresses: readonly string[]): readonly (typeof NEXT_HOP_IPV4 | typeof NEXT_HOP_IPV6)[] {
  return [
    ...(addresses.some((address) => !address.includes(":")) ? [NEXT_HOP_IPV4] as const : []),
    ...(addresses.some((address) => address.includes(":")) ? [NEXT_HOP_IPV6] as const : []),
  ];
}

function hasIpv6(spec: PodNetworkSpec): boolean {
  return spec.addresses.some((address) => address.includes(":"));
}

/** The address with all its bits as prefix, in the kernel's spelling. */
function hostPrefix(address: string): string {
  const ip = parseIp(address);
  assert(ip !== undefined, `Expected an address: got "${address}"`);
  return formatCidr(ipAsCidr(ip));
}
