/**
 * Questions to policies on the command line: `tortie explain`, `reach`, `lint`, `eval` and `plan`, to a server or to files. Only the options are told
 * here; each command's code is loaded when it is asked for.
 *
 * @module
 */
import type { Command } from "commander";
import { CommandFailure, EXIT } from "./exit_code.ts";
import type { FileCluster } from "./file_cluster.ts";
import type { ReachFormat, Told } from "./reach_command.ts";
import { clientOf, type ServerOptions, withServer } from "./server_options.ts";

function collect(path: string, paths: readonly string[] = []): readonly string[] {
  return [...paths, path];
}

interface PolicyOptions extends ServerOptions {
  readonly output: string;
  readonly at?: string;
  readonly filename: readonly string[];
  readonly base?: readonly string[];
  readonly flows: string;
  readonly from?: string;
  readonly to?: string;
  readonly by?: string;
  readonly port?: string;
}

function withPolicies(command: Command): Command {
  return withServer(command)
    .option("--at <instant>", "as it was at a position or RFC 3339 time")
    .option("-f, --filename <path>", "ask YAML or JSON and no server: a file, a folder, - for stdin", collect, []);
}

function withReach(command: Command): Command {
  return command.option("--by <ends>", "tell namespaces, workloads or pods: namespace, workload or pod", "workload")
    .option("--from <end>", "only from NS/NAME, NS, an address, a CIDR or FIRST-LAST").option(
      "--to <end>",
      "only to such",
    )
    .option("--port <port>", "only PORT[/PROTOCOL], or a protocol such as icmp");
}

/** Where an answer goes, in one of the forms that the command offers. */
async function toldOf<Format extends ReachFormat>(text: string, offered: readonly Format[]): Promise<Told<Format>> {
  const { outputFormat, standardOutput } = await import("./output.ts");
  return { output: standardOutput, format: outputFormat(text, offered) };
}

async function filesOf(paths: readonly string[], at?: string): Promise<FileCluster> {
  if (at !== undefined) {
    throw new CommandFailure("Option --at cannot be given with files: they have no past", EXIT.usage);
  }
  const { readFileCluster } = await import("./file_cluster.ts");
  const { standardOutput } = await import("./output.ts");
  return await readFileCluster(paths, standardOutput);
}

/** Standard input can be read once only. */
function refuseTwoInputs(paths: readonly string[]): void {
  if (paths.filter((path) => path === "-").length > 1) {
    throw new CommandFailure("Standard input (-) must be named once only", EXIT.usage);
  }
}

const DOCUMENT_FORMATS = ["table", "json", "yaml"] as const;

/** Adds the commands to the program. `done` is told the exit code. */
export function policyCommands(program: Command, done: (code: number) => void): void {
  questionCommands(program, done);
  changeCommands(program, done);
}

function questionCommands(program: Command, done: (code: number) => void): void {
  withPolicies(program.command("explain <source> <destination>")).option(
    "-o, --output <format>",
    "table, json or yaml",
    "table",
  )
    .description("why NS/A may or may not reach NS/B:80/tcp; exit 1 when it may not")
    .action(async (from: string, to: string, options: PolicyOptions) => {
      const { explainCommand, explainFilesCommand } = await import("./explain_command.ts");
      const told = await toldOf(options.output, DOCUMENT_FORMATS);
      done(
        options.filename.length > 0
          ? explainFilesCommand(await filesOf(options.filename, options.at), { from, to }, told)
          : await explainCommand({ client: await clientOf(options), ...told }, { from, to, at: options.at }),
      );
    });
  withReach(withPolicies(program.command("reach"))).option("-o, --output <format>", "table, json, yaml or csv", "table")
    .description("who may connect to whom, and how: exactly what policies allow")
    .action(async ({ from, to, by, port, at, ...options }: PolicyOptions) => {
      const { reachCommand, reachFilesCommand } = await import("./reach_command.ts");
      const told = await toldOf(options.output, [...DOCUMENT_FORMATS, "csv"]);
      const texts = { from, to, by, port };
      done(
        options.filename.length > 0
          ? reachFilesCommand(await filesOf(options.filename, at), texts, told)
          : await reachCommand({ client: await clientOf(options), ...told }, { ...texts, at }),
      );
    });
  withPolicies(program.command("lint")).option("-o, --output <format>", "table, json or yaml", "table")
    .description("what policies say that nobody can have meant; exit 1 when something is wrong")
    .action(async (options: PolicyOptions) => {
      const { lintCommand, lintFilesCommand } = await import("./lint_command.ts");
      const told = await toldOf(options.output, DOCUMENT_FORMATS);
      done(
        options.filename.length > 0
          ? lintFilesCommand(await filesOf(options.filename, options.at), told)
          : await lintCommand({ client: await clientOf(options), ...told }, options.at),
      );
    });
}

function changeCommands(program: Command, done: (code: number) => void): void {
  program.command("eval").requiredOption(
    "-f, --filename <path>",
    "YAML or JSON: a file, a folder, - for stdin",
    collect,
    [],
  )
    .requiredOption("--flows <file>", "connections, a JSON object a line; - is stdin")
    .option("-o, --output <format>", "json: a verdict a line", "json")
    .description("verdicts on connections, by files and no server")
    .action(async (options: PolicyOptions) => {
      const [{ evalCommand }, { readText }] = await Promise.all([
        import("./eval_command.ts"),
        import("./manifest_files.ts"),
      ]);
      const { output } = await toldOf(options.output, ["json"]);
      if (options.filename.length === 0) throw new CommandFailure("Option -f must be given", EXIT.usage);
      refuseTwoInputs([...options.filename, options.flows]);
      const cluster = await filesOf(options.filename);
      done(evalCommand(cluster, { file: options.flows, text: await readText(options.flows) }, output));
    });
  withReach(withServer(program.command("plan")))
    .option("--at <instant>", "on the state at a position or RFC 3339 time")
    .requiredOption("-f, --filename <path>", "what would be applied: a file, a folder, - for stdin", collect, [])
    .option("--base <path>", "plan on files and no server: a file or folder", collect)
    .option("-o, --output <format>", "table, json or yaml", "table")
    .description(
      "what applying files would change: objects, and exactly which connections; exit 1 when something would",
    )
    .action(async ({ from, to, by, port, at, base, ...options }: PolicyOptions) => {
      const { planCommand, planFilesCommand } = await import("./plan_command.ts");
      const told = await toldOf(options.output, DOCUMENT_FORMATS);
      const texts = { from, to, by, port };
      if (options.filename.length === 0) throw new CommandFailure("Option -f must be given", EXIT.usage);
      refuseTwoInputs([...options.filename, ...base ?? []]);
      done(
        base === undefined
          ? await planCommand({ client: await clientOf(options), ...told }, options.filename, { ...texts, at })
          : await planFilesCommand(await filesOf(base, at), options.filename, { texts, ...told }),
      );
    });
}
