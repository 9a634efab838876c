/**
 * The prober's thread; see `udp_probe.ts`. Raw sockets by FFI, because Deno's own live in the process' network namespace and bind one source port each.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { Libc } from "#/agents/kernel/libc.ts";
import { openNetns, withNetns } from "#/agents/kernel/netns.ts";
import { CONTROL, preciseNow, PROBE_INTERVAL_MS, probeMemory, type ProbeOrder, PROBES_MAX } from "./udp_probe.ts";

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const IPPROTO_UDP = 17;
const MSG_DONTWAIT = 0x40;
const PORT = 9_999;
/** Source ports in turn; a port comes again after 30 s, when connection tracking has forgotten it. */
const SOURCE_PORT_FIRST = 2_000;
const SOURCE_PORTS = 60_000;
const NAP_MS = 0.2;

const { symbols: { sendto } } = Deno.dlopen("libc.so.6", {
  sendto: { parameters: ["i32", "buffer", "u32", "i32", "buffer", "u32"], result: "i32" },
});

/** `sockaddr_in`. */
function socketAddress(address: string, port: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  bytes.set(address.split(".").map(Number), 4);
  return bytes;
}

function socketIn(libc: Libc, path: string, [type, protocol]: readonly [number, number]): number {
  const netns = openNetns(libc, path);
  try {
    const fd = withNetns(libc, netns, () => libc.calls.socket(AF_INET, type, protocol));
    return libc.check(fd, "make a socket in", path);
  } finally {
    libc.close(netns);
  }
}

/** Sends and receives until told to stop. */
function probe({ fromNetns, toNetns, address, shared }: ProbeOrder): void {
  using libc = new Libc();
  const { control, sentMs, arrivedMs } = probeMemory(shared);
  const receiver = socketIn(libc, toNetns, [SOCK_DGRAM, IPPROTO_UDP]);
  libc.check(libc.calls.bind(receiver, socketAddress("0.0.0.0", PORT), 16), "bind a socket in", toNetns);
  const sender = socketIn(libc, fromNetns, [SOCK_RAW, IPPROTO_UDP]);
  const destination = socketAddress(address, 0);
  const datagram = new Uint8Array(12);
  const header = new DataView(datagram.buffer);
  header.setUint16(2, PORT);
  header.setUint16(4, datagram.length);
  const received = new Uint8Array(64);
  const answer = new DataView(received.buffer);
  let due = preciseNow();
  for (let count = 0; count < PROBES_MAX && Atomics.load(control, CONTROL.stop) === 0;) {
    const now = preciseNow();
    if (now >= due) {
      header.setUint16(0, SOURCE_PORT_FIRST + count % SOURCE_PORTS);
      header.setUint32(8, count);
      sentMs[count] = now;
      sendto(sender, datagram, datagram.length, 0, destination, destination.length);
      count += 1;
      due = Math.max(due + PROBE_INTERVAL_MS, now);
    }
    while (libc.calls.recv(receiver, received, received.length, MSG_DONTWAIT) > 0) {
      arrivedMs[answer.getUint32(0)] = preciseNow();
    }
    Atomics.store(control, CONTROL.sent, count);
    Atomics.wait(control, CONTROL.stop, 0, NAP_MS);
  }
  libc.close(sender);
  libc.close(receiver);
}

self.onmessage = (event: MessageEvent<ProbeOrder>) => {
  probe(event.data);
  self.postMessage("stopped");
};
