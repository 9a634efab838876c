/**
 * The program: `tortie <subcommand>`. Turns argv into one call; each subcommand's code is loaded only when asked for, so that an agent does not carry the
 * server's memory.
 *
 * @module
 */
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { errorText, OperationalError } from "#/base/errors.ts";
import { CommandFailure, EXIT } from "#/cli/exit_code.ts";
import { policyCommands } from "#/cli/policy_program.ts";
import { clientOf, type ServerOptions, withServer } from "#/cli/server_options.ts";

interface CommonOptions extends ServerOptions {
  readonly namespace?: string;
  readonly output: string;
  readonly at?: string;
  readonly filename?: string;
  readonly dir: string;
}

function wholeNumber(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError("Must be a whole number");
  return Number(text);
}

function labels(text: string): Record<string, string> {
  const pairs = text.split(",").filter((pair) => pair !== "").map((pair) => pair.split("="));
  if (pairs.some((pair) => pair.length !== 2)) throw new InvalidArgumentError("Must be KEY=VALUE,...");
  return Object.fromEntries(pairs) as Record<string, string>;
}

async function question(options: CommonOptions) {
  const { outputFormat, standardOutput } = await import("#/cli/output.ts");
  const format = outputFormat(options.output, ["table", "json", "yaml"]);
  return { client: await clientOf(options), output: standardOutput, format };
}

async function objectsOf(options: CommonOptions) {
  if (options.filename === undefined) throw new CommandFailure("Option -f FILE must be given", EXIT.usage);
  const { readManifests } = await import("#/cli/write_commands.ts");
  try {
    const text = options.filename === "-"
      ? await new Response(Deno.stdin.readable).text()
      : await Deno.readTextFile(options.filename);
    return readManifests(options.filename, text);
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(`Cannot read "${options.filename}": ${errorText(error)}`, EXIT.usage);
  }
}

function withQuestion(command: Command): Command {
  return withServer(command).option("-o, --output <format>", "table, json or yaml", "table");
}

function withWrite(command: Command): Command {
  return withServer(command).option("--reason <text>", "why, kept with the event")
    .option("-n, --namespace <namespace>", "namespace of objects that name none").option(
      "-f, --filename <file>",
      "YAML or JSON; - is stdin",
    );
}

function historyCommands(program: Command, done: (code: number) => void): void {
  withQuestion(program.command("log [kind] [name]")).option("-n, --namespace <namespace>", "namespace of the object")
    .description("who did what, when and why, oldest first")
    .action(async (kind: string | undefined, name: string | undefined, options: CommonOptions) => {
      const { logCommand } = await import("#/cli/history_commands.ts");
      done(await logCommand(await question(options), { kind, name, namespace: options.namespace }));
    });
  withQuestion(program.command("get <kind> [name]")).option("-n, --namespace <namespace>", "namespace of the object")
    .option("--at <instant>", "as it was at a position or RFC 3339 time").description(
      "an object or a collection, now or at an instant",
    )
    .action(async (kind: string, name: string | undefined, options: CommonOptions) => {
      const { getCommand } = await import("#/cli/history_commands.ts");
      done(await getCommand(await question(options), { kind, name, namespace: options.namespace, at: options.at }));
    });
  withQuestion(program.command("drift [node]")).description(
    "where kernels were found other than the log says, oldest first",
  )
    .action(async (node: string | undefined, options: CommonOptions) => {
      const { driftCommand } = await import("#/cli/history_commands.ts");
      done(await driftCommand(await question(options), node));
    });
  withQuestion(program.command("diff <a> <b>")).description(
    "objects that differ between two instants; exit 1 when some do",
  )
    .action(async (a: string, b: string, options: CommonOptions) => {
      const { diffCommand } = await import("#/cli/history_commands.ts");
      done(await diffCommand(await question(options), a, b));
    });
}

function writeCommands(program: Command, done: (code: number) => void): void {
  for (const verb of ["create", "apply", "delete"] as const) {
    withWrite(program.command(verb)).description(`${verb} the objects of a file`).action(
      async (options: CommonOptions) => {
        const commands = await import("#/cli/write_commands.ts");
        const { standardOutput } = await import("#/cli/output.ts");
        const run =
          { create: commands.createCommand, apply: commands.applyCommand, delete: commands.deleteCommand }[verb];
        const context = { client: await clientOf(options), output: standardOutput };
        done(await run(context, await objectsOf(options), options.namespace));
      },
    );
  }
}

function daemonCommands(program: Command, done: (code: number) => void): void {
  program.command("serve").description("run the control plane")
    .option("--data-dir <path>", "data of the embedded Postgres (TORTIE_DATA_DIR, else .tortie)")
    .option("--listen <host:port>", "loopback address of the API (TORTIE_LISTEN, else 127.0.0.1:7676)")
    .option("--socket <path>", "unix socket of the API, for agents (TORTIE_SOCKET)")
    .action(async (options: { dataDir?: string; listen?: string; socket?: string }) => {
      const { serve, serveOptions } = await import("#/server/serve.ts");
      done(await serve(serveOptions(options, (name) => Deno.env.get(name))));
    });
  program.command("agent").description("run the agent of one node")
    .requiredOption("--node <name>", "name of the node").requiredOption("--server <socket|url>", "server to follow")
    .requiredOption("--token-file <path>", "file with the node's token")
    .requiredOption("--data-dir <path>", "saved slice and journal").requiredOption(
      "--cni-socket <path>",
      "socket of the CNI plugin",
    )
    .requiredOption("--bird-dir <path>", "configuration and control socket of BIRD")
    .action(async (options: Parameters<typeof import("#/agents/agent.ts").runAgent>[0]) => {
      const { runAgent } = await import("#/agents/agent.ts");
      done(await runAgent(options));
    });
}

async function labPathsOf(options: { readonly dir: string }) {
  const { labPaths } = await import("#/lab/lab_paths.ts");
  return labPaths(options.dir);
}

function labCommands(program: Command, done: (code: number) => void): void {
  const lab = program.command("lab").description("a cluster of network namespaces on this machine");
  const add = (signature: string) =>
    lab.command(signature).option("--dir <path>", "where the lab keeps its things", ".tortie/lab");
  const load = () => Promise.all([import("#/lab/lab_commands.ts"), import("#/cli/output.ts")]);
  add("up").description("start a lab").option("--nodes <count>", "number of nodes", wholeNumber, 3)
    .action(async (options: { dir: string; nodes: number }) => {
      const [{ labUp }, { standardOutput }] = await load();
      done(await labUp(await labPathsOf(options), options.nodes, standardOutput));
    });
  add("supervise").description("run a lab in the foreground (what `up` starts)").requiredOption(
    "--nodes <count>",
    "",
    wholeNumber,
  )
    .action(async (options: { dir: string; nodes: number }) => {
      const { superviseLab } = await import("#/lab/supervisor.ts");
      await superviseLab(await labPathsOf(options), options.nodes);
      done(EXIT.ok);
    });
  add("run <name>").description("start a pod and wait until it is reachable").requiredOption(
    "-n, --namespace <namespace>",
    "its namespace",
  )
    .option("--node <node>", "its node").option("--labels <labels>", "KEY=VALUE,...", labels, {})
    .option("--http <port>", "run a real HTTP server in it", wholeNumber)
    .action(
      async (
        name: string,
        options: { dir: string; namespace: string; node?: string; labels: Record<string, string>; http?: number },
      ) => {
        const [{ labRun }, { standardOutput }] = await load();
        done(await labRun(await labPathsOf(options), { ...options, name }, standardOutput));
      },
    );
  add("exec <pod> [command...]").description("run a command in a pod's network namespace: lab exec NS/NAME -- CMD ...")
    .passThroughOptions()
    .action(async (pod: string, command: string[], options: { dir: string }) => {
      const [{ labExec }] = await load();
      done(await labExec(await labPathsOf(options), pod, command));
    });
  add("info").description("what a script needs to know of a running lab").option(
    "-o, --output <format>",
    "json",
    "json",
  )
    .action(async (options: { dir: string; output: string }) => {
      const [{ labInfo }, { outputFormat, standardOutput }] = await load();
      outputFormat(options.output, ["json"]);
      done(await labInfo(await labPathsOf(options), standardOutput));
    });
  add("down").description("stop a lab and leave nothing").action(async (options: { dir: string }) => {
    const [{ labDown }, { standardOutput }] = await load();
    done(await labDown(await labPathsOf(options), standardOutput));
  });
  program.command("tutorial").description("the tutorial on a fresh lab").option(
    "--dir <path>",
    "where its lab keeps its things",
    ".tortie/tutorial",
  )
    .action(async (options: { dir: string }) => {
      const { runTutorial } = await import("#/lab/tutorial.ts");
      const { standardOutput } = await import("#/cli/output.ts");
      done(await runTutorial(await labPathsOf(options), standardOutput));
    });
}

async function main(): Promise<number> {
  let code: number = EXIT.ok;
  const done = (result: number) => code = result;
  const program = new Command("tortie").version("0.1.0").description("An event-sourced network control plane")
    .enablePositionalOptions()
    .exitOverride();
  historyCommands(program, done);
  policyCommands(program, done);
  writeCommands(program, done);
  daemonCommands(program, done);
  labCommands(program, done);
  try {
    await program.parseAsync(Deno.args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    console.error(errorText(error));
    if (error instanceof OperationalError && error.code === "USAGE") return EXIT.usage;
    return error instanceof CommandFailure ? error.exitCode : EXIT.failed;
  }
}

Deno.exit(await main());
