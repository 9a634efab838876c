/**
 * Puts packets on a wire as bytes, any packet, without asking routing or sockets. For tests that ask a kernel's rules about packets no program would send.
 *
 * Each packet carries a number in the sender's MAC address, where both families have room for one and rules of either find it.
 *
 * @module
 */
import { assert } from "@std/assert";
import { Libc } from "#/agents/kernel/libc.ts";
import { openNetns, withNetns } from "#/agents/kernel/netns.ts";
import type { Ip } from "#/base/ip.ts";
import { protocolHasPorts } from "#/base/protocol.ts";
import type { Packet } from "#/policy/packet.ts";

const AF_PACKET = 17;
const SOCK_RAW = 3;
const ETHERTYPE = { 4: 0x0800, 6: 0x86dd } as const;
const HEADER_BYTES = { 4: 20, 6: 40 } as const;
const TRANSPORT_BYTES = 20;
const ETHERNET_BYTES = 14;
const TCP_SYN = 0x02;
/** Where the sender's MAC address stands in a frame, and in it, the number. */
const SENDER_OFFSET = 6;
const NUMBER_OFFSET = 8;

/** First bytes of the sender's MAC address in every frame of a {@link Wire}: a local address that no interface has. */
export const SENDER_MARK = 0x0254;

/** The end of a wire, from which frames are sent. */
export class Wire implements Disposable {
  readonly #libc = new Libc();
  readonly #fd: number;
  readonly #receiver: Uint8Array;

  /**
   * @param netns file of the namespace of the sending end
   * @param ends index of the sending interface, and the MAC of the receiving one
   */
  constructor(netns: string, ends: { readonly linkIndex: number; readonly to: string }) {
    this.#receiver = Uint8Array.from(ends.to.split(":").map((byte) => parseInt(byte, 16)));
    const fd = openNetns(this.#libc, netns);
    try {
      // Receives nothing, for it asks for no kind of frame.
      const socket = withNetns(this.#libc, fd, () => this.#libc.calls.socket(AF_PACKET, SOCK_RAW, 0));
      this.#fd = this.#libc.check(socket, "make the packet socket in", netns);
    } finally {
      this.#libc.close(fd);
    }
    const address = new Uint8Array(20);
    const view = new DataView(address.buffer);
    view.setUint16(0, AF_PACKET, true);
    view.setInt32(4, ends.linkIndex, true);
    this.#libc.check(
      this.#libc.calls.bind(this.#fd, address, address.length),
      "bind the packet socket to link",
      String(ends.linkIndex),
    );
  }

  /**
   * Sends a packet that carries a number; rules that load it get it in this machine's byte order.
   *
   * @param number below 2^32
   */
  send(packet: Packet, number: number): void {
    const frame = frameOf(packet, number, this.#receiver);
    const sent = this.#libc.calls.send(this.#fd, frame, frame.length, 0);
    assert(sent === frame.length, `Expected ${frame.length} bytes to be sent: ${sent}`);
  }

  [Symbol.dispose](): void {
    this.#libc.close(this.#fd);
    this.#libc[Symbol.dispose]();
  }
}

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function frameOf(packet: Packet, number: number, receiver: Uint8Array): Uint8Array<ArrayBuffer> {
  const { version } = packet.source;
  const bytes = new Uint8Array(ETHERNET_BYTES + HEADER_BYTES[version] + TRANSPORT_BYTES);
  bytes.set(receiver);
  const ethernet = new DataView(bytes.buffer);
  ethernet.setUint16(SENDER_OFFSET, SENDER_MARK);
  ethernet.setUint32(NUMBER_OFFSET, number, IS_LITTLE_ENDIAN);
  ethernet.setUint16(12, ETHERTYPE[version]);
  const header = new DataView(bytes.buffer, ETHERNET_BYTES, HEADER_BYTES[version]);
  if (version === 4) writeIpv4(header, packet);
  else writeIpv6(header, packet);
  writeTransport(new DataView(bytes.buffer, ETHERNET_BYTES + HEADER_BYTES[version]), packet);
  return bytes;
}

function writeIpv4(header: DataView, packet: Packet): void {
  header.setUint8(0, 0x45);
  header.setUint16(2, HEADER_BYTES[4] + TRANSPORT_BYTES);
  header.setUint8(8, 64);
  header.setUint8(9, packet.protocol);
  writeAddress(header, 12, packet.source);
  writeAddress(header, 16, packet.destination);
  header.setUint16(10, checksum(header));
}

function writeIpv6(header: DataView, packet: Packet): void {
  header.setUint32(0, 0x6000_0000);
  header.setUint16(4, TRANSPORT_BYTES);
  header.setUint8(6, packet.protocol);
  header.setUint8(7, 64);
  writeAddress(header, 8, packet.source);
  writeAddress(header, 24, packet.destination);
}

/** Headers without ports are filled with what would read as port 80, both ways: rules that look where there are no ports find some. */
function writeTransport(transport: DataView, { protocol, sourcePort, destinationPort, icmp }: Packet): void {
  if (icmp !== undefined) {
    transport.setUint8(0, icmp.type);
    transport.setUint8(1, icmp.code);
    transport.setUint16(2, 80);
    return;
  }
  transport.setUint16(0, sourcePort ?? 80);
  transport.setUint16(2, destinationPort ?? 80);
  if (protocol === 6) transport.setUint16(12, 0x5000 + TCP_SYN);
  else if (protocolHasPorts(protocol)) transport.setUint16(4, TRANSPORT_BYTES);
}

function writeAddress(header: DataView, at: number, { version, value }: Ip): void {
  if (version === 4) header.setUint32(at, Number(value));
  else {
    header.setBigUint64(at, value >> 64n);
    header.setBigUint64(at + 8, value & 0xffff_ffff_ffff_ffffn);
  }
}

function checksum(header: DataView): number {
  let sum = 0;
  for (let at = 0; at < header.byteLength; at += 2) sum += header.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
