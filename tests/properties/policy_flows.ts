/**
 * Random flows at the edges of what the policies of `policy_worlds.ts` say.
 *
 * @module
 */
import fc from "fast-check";
import type { Flow } from "#/policy/oracle/flow.ts";
import { ADDRESSES_4, ADDRESSES_6 } from "./policy_vocabulary.ts";

/** At the edges of rules, and failsafe ports: in, out, and of either protocol. */
const PORTS = [80, 8080, 53, 81, 90, 79, 91, 80, 8080, 53, 22, 179, 67, 68, 49_152] as const;
const ICMP = [[8, 0], [8, 1], [3, 1], [3, 2], [128, 0], [135, 0]] as const;
const PROTOCOLS = [6, 6, 6, 6, 17, 17, 17, 132, 1, 1, 58, 58, 89, 136] as const;

/** How often addresses are drawn in vain: mostly those of workloads and hosts are meant. */
const ENDS_4 = [...ADDRESSES_4, "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.6", "10.0.0.7"];
const ENDS_6 = [...ADDRESSES_6, "fd00::1", "fd00::2", "fd00::3", "fd00::4", "fd00::6", "fd00::7"];

/** Numbers below this are flows. */
const FLOWS = 7 * 18 * 18 * PROTOCOLS.length * PORTS.length * PORTS.length;

/** The flow of a number: one draw for each flow, because there are many. */
function flowOf(number: number): Flow {
  let rest = number;
  const draw = <T>(values: readonly T[]): T => {
    const value = values[rest % values.length]!;
    rest = Math.floor(rest / values.length);
    return value;
  };
  const ends = draw([ENDS_4, ENDS_4, ENDS_4, ENDS_4, ENDS_6, ENDS_6, ENDS_6]);
  const protocol = draw(PROTOCOLS);
  const source = { kind: "address", address: draw(ends) } as const;
  const destination = { kind: "address", address: draw(ends) } as const;
  switch (protocol) {
    case 6:
    case 17:
    case 132:
      return { source, destination, protocol, port: draw(PORTS), sourcePort: draw(PORTS) };
    case 1:
    case 58: {
      const [type, code] = draw(ICMP);
      return { source, destination, protocol, icmp: { type, code } };
    }
    default:
      return { source, destination, protocol };
  }
}

/** So many flows. */
export function flowsOf(count: number): fc.Arbitrary<Flow[]> {
  return fc.array(fc.nat({ max: FLOWS - 1 }), { minLength: count, maxLength: count, size: "max" })
    .map((numbers) => numbers.map(flowOf));
}
