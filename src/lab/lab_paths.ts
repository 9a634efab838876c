/**
 * Where a lab keeps its things and what they are called: everything of a lab is found again by its directory alone, so that `lab down` works after any
 * crash.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join, resolve } from "@std/path";

/** Addresses of the fabric: nodes are .11, .12, ...; `external` is .200. */
export const FABRIC = { prefix: "172.31.7", length: 24, firstNode: 11, external: 200 } as const;

/** Most nodes of one lab. */
export const LAB_NODES_MAX = 100;

/** Names and paths of one lab. */
export interface LabPaths {
  /** Absolute. */
  readonly root: string;
  /** Prefix of the lab's network namespaces; differs between labs of different directories. */
  readonly prefix: string;
  readonly stateFile: string;
  readonly kubeconfig: string;
  readonly serverData: string;
  /** Unix socket of the server's API, for agents. */
  readonly serverSocket: string;
  readonly applets: string;
  readonly log: (process: string) => string;
  readonly node: (name: string) => NodePaths;
  readonly netns: (name: string) => string;
}

/** Paths of one node. */
export interface NodePaths {
  readonly directory: string;
  readonly netns: string;
  readonly token: string;
  readonly cniSocket: string;
  readonly cniPlugins: string;
  readonly birdDirectory: string;
}

/** Folder of named network namespaces, where `ip netns` looks. */
export const NETNS_FOLDER = "/run/netns";

/** Longest path of a unix socket, with its terminator. */
const SOCKET_PATH_BYTES_MAX = 107;

/** Paths of the lab in a directory. Sockets move to `/run` when the directory's own path is too long for one. */
export function labPaths(directory: string): LabPaths {
  const root = resolve(directory);
  const prefix = `tl${createHash("sha256").update(root).digest("hex").slice(0, 6)}`;
  const short = (path: string, name: string) => path.length < SOCKET_PATH_BYTES_MAX ? path : `/run/${prefix}-${name}`;
  const netns = (name: string) => join(NETNS_FOLDER, `${prefix}-${name}`);
  return {
    root,
    prefix,
    stateFile: join(root, "lab.json"),
    kubeconfig: join(root, "kubeconfig"),
    serverData: join(root, "server"),
    serverSocket: short(join(root, "server.sock"), "server.sock"),
    applets: join(root, "bin"),
    log: (process) => join(root, "log", `${process}.log`),
    netns,
    node: (name) => {
      const home = join(root, "nodes", name);
      return {
        directory: home,
        netns: netns(name),
        token: join(home, "token"),
        cniSocket: short(join(home, "agent.sock"), `${name}.sock`),
        cniPlugins: join(home, "cni"),
        birdDirectory: short(join(home, "bird", "bird.ctl"), "") === join(home, "bird", "bird.ctl")
          ? join(home, "bird")
          : `/run/${prefix}-${name}-bird`,
      };
    },
  };
}

/** Address of a node on the fabric, by its number from 1. */
export function nodeAddress(number: number): string {
  return `${FABRIC.prefix}.${FABRIC.firstNode + number - 1}`;
}
