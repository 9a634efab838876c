/**
 * Scenarios of kubectl against the API, each run with every version of kubectl that the machine has. A version that is missing is told as skipped.
 *
 * @module
 */
import { Kubectl, KUBECTL_MINORS, kubectlBinaries, type KubectlBinary, NO_KUBECTL } from "#tests/support/kubectl.ts";
import { MemoryApi } from "#tests/support/memory_api.ts";

/** What one kubectl does with a server of its own. */
export type Scenario = (kubectl: Kubectl, api: MemoryApi) => Promise<void>;

/** Makes a test of every scenario, by its name, with every version. */
export async function testKubectlScenarios(scenarios: Readonly<Record<string, Scenario>>): Promise<void> {
  const binaries = await kubectlBinaries();
  for (const minor of KUBECTL_MINORS) {
    const binary = binaries.find((candidate) => candidate.minor === minor);
    if (binary === undefined) {
      Deno.test({ name: `kubectl 1.${minor} [skipped: ${NO_KUBECTL}]`, ignore: true, fn: () => {} });
      continue;
    }
    for (const [name, scenario] of Object.entries(scenarios)) {
      Deno.test(`kubectl 1.${minor} ${name}`, () => runScenario(binary, scenario));
    }
  }
}

async function runScenario(binary: KubectlBinary, scenario: Scenario): Promise<void> {
  await using api = await MemoryApi.start();
  await using kubectl = await Kubectl.create(binary, api.url);
  await scenario(kubectl, api);
}
