/**
 * BIRD as a part of the agent's loop: cuts its piece out of the node state, applies it, and looks now and then whether BIRD still is as applied.
 *
 * @module
 */
import { errorText } from "#/base/errors.ts";
import type { NodeState } from "#/projections/node_state.ts";
import { birdDesired } from "./desired.ts";
import type { BirdDriver } from "./driver.ts";

/** How often BIRD is looked at. */
export const LOOK_INTERVAL_MS = 1_000;

/** What one pass did to BIRD. */
export interface BirdOutcome {
  readonly written: readonly string[];
  /** What was found otherwise than applied since the last pass. */
  readonly drift: readonly string[];
  /** Items that could not be part of the configuration, and BIRD's refusal. */
  readonly errors: readonly string[];
}

/** Keeps BIRD level. Disposing it stops looking and ends BIRD so that routes stay. */
export class BirdPart implements AsyncDisposable {
  #differences: readonly string[] = [];
  #looking: Promise<void> = Promise.resolve();
  #applied = false;
  readonly #timer: ReturnType<typeof setInterval>;

  /**
   * @param driver of this node's BIRD
   * @param log told of a BIRD that cannot be asked
   */
  constructor(private readonly driver: BirdDriver, private readonly log: (line: string) => void) {
    this.#timer = setInterval(() => {
      if (this.#applied) this.#looking = this.#looking.then(() => this.#look());
    }, LOOK_INTERVAL_MS);
  }

  /** Whether BIRD was found otherwise than applied. */
  touched(): boolean {
    return this.#differences.length > 0;
  }

  /** Makes BIRD what the state says. */
  async apply(state: NodeState): Promise<BirdOutcome> {
    const drift = this.#differences;
    this.#differences = [];
    const applied = await this.driver.apply(birdDesired(state));
    this.#applied = true;
    const problems = applied.problems.map(({ item, message }) => `${item}: ${message}`);
    return {
      written: applied.kind === "configured" || applied.kind === "started" ? [`BIRD ${applied.kind}`] : [],
      drift,
      errors: applied.kind === "refused"
        ? [...problems, `BIRD refused its configuration: ${applied.message}`]
        : problems,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    await this.driver[Symbol.asyncDispose]();
  }

  async #look(): Promise<void> {
    try {
      const { differences } = await this.driver.observe();
      this.#differences = [...this.#differences, ...differences];
    } catch (error) {
      this.log(`Cannot look at BIRD: ${errorText(error)}`);
    }
  }
}
