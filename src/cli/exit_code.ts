/**
 * What the exit codes of `tortie` mean. Scripts rely on them; they never change meaning.
 *
 * @module
 */

/** Exit codes of every `tortie` command. */
export const EXIT = {
  /** Done; the answer is yes, or nothing differs. */
  ok: 0,
  /** Done; the answer is no, something differs, or what is asked conflicts with what is there. */
  no: 1,
  /** The command line is wrong. */
  usage: 2,
  /** The server refused for lack of rights. */
  denied: 3,
  /** There is no such thing (at that instant). */
  notFound: 4,
  /** The server could not be reached, or failed. */
  failed: 5,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = typeof EXIT[keyof typeof EXIT];

/** Ends a command with a message on stderr and a code. Thrown by commands, caught by `main.ts` only. */
export class CommandFailure extends Error {
  /** @param message capital first, no period: what could not be done, and why */
  constructor(message: string, readonly exitCode: ExitCode) {
    super(message);
    this.name = "CommandFailure";
  }
}
