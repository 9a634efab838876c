/**
 * Links and addresses between specs and rtnetlink messages.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "#/agents/kernel/kernel_error.ts";
import { MessageWriter, type NetlinkMessage, visitMessages } from "#/agents/kernel/netlink_codec.ts";
import type { NetlinkRequest } from "#/agents/kernel/netlink_socket.ts";
import { addAddressRequest, decodeAddress } from "#/agents/kernel/rtnetlink_address.ts";
import { changeLinkRequest, checkLinkName, createLinkRequest, decodeLink } from "#/agents/kernel/rtnetlink_link.ts";

function encode(request: NetlinkRequest): NetlinkMessage {
  const writer = new MessageWriter();
  writer.begin({ type: request.type, flags: request.flags, sequence: 1 });
  request.write(writer);
  writer.end();
  const messages: NetlinkMessage[] = [];
  const bytes = writer.bytes();
  visitMessages(new DataView(bytes.buffer, bytes.byteOffset), bytes.length, (message) => messages.push(message));
  return messages[0]!;
}

Deno.test("createLinkRequest() is read back by decodeLink()", () => {
  const spec = { type: "bridge", name: "br0", mtu: 1400, mac: "02:00:00:00:00:01", up: true } as const;
  assertEquals(decodeLink(encode(createLinkRequest(spec, undefined))), {
    index: 0,
    name: "br0",
    type: "bridge",
    mtu: 1400,
    mac: "02:00:00:00:00:01",
    up: true,
    running: false,
    masterIndex: undefined,
    peerIndex: undefined,
  });
});

Deno.test("changeLinkRequest() touches only what it is told to", () => {
  const changeMask = (request: NetlinkRequest) => {
    const message = encode(request);
    return message.view.getUint32(message.start + 12, true);
  };
  assertEquals(changeMask(changeLinkRequest("eth0", { mtu: 1400 })), 0);
  assertEquals(changeMask(changeLinkRequest("eth0", { up: false })), 1);
  assertEquals(decodeLink(encode(changeLinkRequest("eth0", { masterIndex: 4 }))).masterIndex, 4);
});

Deno.test("checkLinkName() refuses what the kernel would cut or misread", () => {
  for (const name of ["eth0", "a", "cali0123456789a", "br-1.20"]) checkLinkName(name);
  const cases = [["", "EINVAL"], ["a b", "EINVAL"], ["a/b", "EINVAL"], ["cali0123456789ab", "ENAMETOOLONG"]] as const;
  for (const [name, code] of cases) {
    assertEquals(assertThrows(() => checkLinkName(name), KernelError, `"${name}"`).code, code);
  }
});

Deno.test("addAddressRequest() is read back by decodeAddress()", () => {
  for (const address of ["10.0.0.1/24", "fd00::1/128"]) {
    assertEquals(decodeAddress(encode(addAddressRequest(3, address))), { linkIndex: 3, address });
  }
});
