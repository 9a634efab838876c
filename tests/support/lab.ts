/**
 * A lab for end-to-end tests: real nodes, pods and policies through the program's own commands, and looks into their kernels that do not go through
 * Tortie's code.
 *
 * @module
 */
import { join } from "@std/path";
import type { Json } from "#/base/json.ts";
import type { KubeObject } from "#/resources/object.ts";
import { eventually, run, succeed, tortie } from "#tests/support/program.ts";

/** What `lab info` says. */
export interface LabInfo {
  readonly api: string;
  readonly kubeconfig: string;
  readonly nodes: readonly {
    readonly name: string;
    readonly address: string;
    readonly netns: string;
    readonly birdSocket: string;
    readonly pid: number;
  }[];
  readonly pods: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly node: string;
    readonly address: string;
    readonly netns: string;
  }[];
  readonly external: { readonly address: string; readonly url: string };
}

/** A row of `tortie log`. */
export interface LogRow {
  readonly position: number;
  readonly verb: string;
  readonly kind: string;
  readonly name: string;
  readonly user: string;
}

/** How long a change may take to be in every kernel. */
const APPLIED_MS_MAX = 10_000;
/** Seconds after which a connection counts as denied: denied packets are dropped, so nothing answers. */
const CONNECT_S = "1";

/** One lab that is up. */
export class Lab {
  /** @param folder the lab's `--dir` */
  constructor(readonly folder: string) {}

  /** Runs `tortie lab COMMAND --dir FOLDER ARGS`. */
  command(command: string, ...args: readonly string[]): ReturnType<typeof tortie> {
    return tortie(["lab", command, "--dir", this.folder, ...args]);
  }

  /** Runs a lab command that must succeed. */
  async must(command: string, ...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.command(command, ...args);
    if (code !== 0) throw new Error(`lab ${command} ${args.join(" ")} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** `lab info`. */
  async info(): Promise<LabInfo> {
    return JSON.parse(await this.must("info")) as LabInfo;
  }

  /** A question to the server from the command line; stdout as JSON, with the exit code. */
  async ask(...args: readonly string[]): Promise<{ readonly code: number; readonly answer: Json }> {
    const { api } = await this.info();
    const { code, stdout, stderr } = await tortie([...args, "-o", "json", "--server", api]);
    if (stdout === "") throw new Error(`tortie ${args.join(" ")} ended with ${code}: ${stderr}`);
    return { code, answer: JSON.parse(stdout) as Json };
  }

  /** Sends an object, or a change of one, to the resource API. */
  async send(method: string, path: string, body?: Json, contentType = "application/json"): Promise<Json> {
    const { api } = await this.info();
    const response = await fetch(`${api}${path}`, {
      method,
      headers: { "content-type": contentType, "impersonate-user": "tester" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = await response.json() as Json;
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Makes a policy, and returns when every node's kernel has it. */
  async apply(object: KubeObject): Promise<void> {
    const plural = `${object.kind.toLowerCase().replace(/y$/, "ie")}s`;
    const scope = object.metadata.namespace === undefined ? "" : `/namespaces/${object.metadata.namespace}`;
    await this.send("POST", `/apis/projectcalico.org/v3${scope}/${plural}`, object as unknown as Json);
    await this.level();
  }

  /** Waits until every node's agent has applied the head of the log. */
  async level(): Promise<number> {
    const { head } = await this.send("GET", "/tortie/v1/nodes") as { head: number };
    await eventually(`every node to apply position ${head}`, APPLIED_MS_MAX, async () => {
      const { nodes } = await this.send("GET", "/tortie/v1/nodes") as { nodes: readonly { applied: number }[] };
      return nodes.every(({ applied }) => applied >= head);
    });
    return head;
  }

  /** Whether a real HTTP request from a pod's namespace is answered. */
  async connects(fromNetns: string, url: string): Promise<boolean> {
    const get = ["busybox", "timeout", CONNECT_S, "busybox", "wget", "-q", "-O", "-", url];
    return (await run(["nsenter", `--net=${fromNetns}`, ...get])).code === 0;
  }

  /** Output of a command in a network namespace. */
  inside(netns: string, ...command: readonly string[]): Promise<string> {
    return succeed(["nsenter", `--net=${netns}`, ...command]);
  }

  /** Routes of a namespace as `ip route` prints them, one a line. */
  async routes(netns: string): Promise<readonly string[]> {
    return (await this.inside(netns, "ip", "route")).trim().split("\n").map((line) => line.trim());
  }

  /** Rows of the log, all of them. */
  async log(): Promise<readonly LogRow[]> {
    return (await this.ask("log")).answer as unknown as readonly LogRow[];
  }

  /** The lab's log file of one process, for messages of failed tests. */
  logOf(process: string): string {
    return Deno.readTextFileSync(join(this.folder, "log", `${process}.log`));
  }
}

/** Runs `body` with a lab of its own; takes it down whatever happens. */
export async function withLab(nodes: number, body: (lab: Lab) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "tl-" });
  const lab = new Lab(folder);
  try {
    await lab.must("up", "--nodes", String(nodes));
    await body(lab);
  } finally {
    await lab.command("down");
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
}
