/**
 * Prometheus metrics of the server, registered once at its composition and passed to who counts.
 *
 * @module
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** The server's metrics and their registry. */
export interface ServerMetrics {
  readonly registry: Registry;
  readonly requests: Counter<"method" | "code">;
  readonly requestSeconds: Histogram<"method">;
  readonly logPosition: Gauge;
  readonly events: Counter;
  readonly policyDisagreements: Counter;
  readonly nodeAppliedPosition: Gauge<"node">;
  readonly sliceStreams: Gauge;
}

/** Makes and registers them. */
export function createMetrics(): ServerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    requests: new Counter({
      name: "tortie_http_requests_total",
      help: "Requests answered",
      labelNames: ["method", "code"],
      registers,
    }),
    requestSeconds: new Histogram({
      name: "tortie_http_request_duration_seconds",
      help: "Time to the answer's head",
      labelNames: ["method"],
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2],
      registers,
    }),
    logPosition: new Gauge({ name: "tortie_log_position", help: "Position of the last event", registers }),
    events: new Counter({ name: "tortie_events_total", help: "Events committed since start", registers }),
    policyDisagreements: new Counter({
      name: "tortie_policy_disagreements_total",
      help: "Verdicts on which two policy engines differed",
      registers,
    }),
    nodeAppliedPosition: new Gauge({
      name: "tortie_node_applied_position",
      help: "Last position each node has reported as applied",
      labelNames: ["node"],
      registers,
    }),
    sliceStreams: new Gauge({ name: "tortie_slice_streams", help: "Agents following", registers }),
  };
}
