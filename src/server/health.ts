/**
 * `/livez`, `/readyz`, `/healthz`: whether the server runs and whether its answers can be relied on, check by check.
 *
 * @module
 */
import { errorText } from "#/base/errors.ts";

/** One check: resolves when all is well, rejects with the reason when not. */
export interface HealthCheck {
  readonly name: string;
  readonly check: () => Promise<void>;
}

/** Runs the checks; 200 when all pass, 503 with the reasons when not. `verbose` lists them as Kubernetes does. */
export async function healthResponse(checks: readonly HealthCheck[], verbose: boolean): Promise<Response> {
  const results = await Promise.all(checks.map(async ({ name, check }) => {
    try {
      await check();
      return { isOk: true, line: `[+]${name} ok` };
    } catch (error) {
      return { isOk: false, line: `[-]${name} failed: ${errorText(error)}` };
    }
  }));
  const isOk = results.every((result) => result.isOk);
  const lines = results.map(({ line }) => line).join("\n");
  const body = isOk && !verbose ? "ok" : `${lines}\n${isOk ? "passed" : "failed"}`;
  return new Response(`${body}\n`, { status: isOk ? 200 : 503, headers: { "content-type": "text/plain" } });
}
