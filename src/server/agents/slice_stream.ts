/**
 * `GET /tortie/v1/nodes/<node>/slice` as NDJSON: reads the resume point from the query and puts a session of the hub on the response's body.
 *
 * @module
 */
import { reject, type Rejection } from "#/base/problem.ts";
import type { ResumePoint, SliceSession } from "#/server/agents/slice_session.ts";
import type { LogIdentity, SyncHub } from "#/server/agents/sync_hub.ts";

/**
 * The stream of a node, or why there is none. An agent that has more of this very log than the server is refused: the server's database is an old copy,
 * and following it would take the node back.
 */
export function openSlice(hub: SyncHub, log: LogIdentity, node: string, query: URLSearchParams): Response | Rejection {
  const resume = readResumePoint(query);
  if (resume !== undefined && "kind" in resume) return resume;
  if (resume?.logId === log.logId && isAhead(resume, log, hub.position)) {
    return reject(
      "Conflict",
      `Node "${node}" must not be ahead of the server, at epoch ${log.epoch} and position ${hub.position}: ` +
        `epoch ${resume.epoch}, position ${resume.position}`,
    );
  }
  return new Response(streamOf(hub.open(node, resume)), {
    headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" },
  });
}

/** A session as a stream that holds nothing back: a piece is made when the socket asks for it. */
function streamOf(session: SliceSession): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      session.closed.then((failure) => {
        if (failure !== undefined) controller.error(failure);
      });
    },
    async pull(controller) {
      const piece = await session.next();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
    cancel() {
      session.close();
    },
  }, { highWaterMark: 0 });
}

function readResumePoint(query: URLSearchParams): ResumePoint | undefined | Rejection {
  const [from, epoch, logId] = ["from", "epoch", "logId"].map((name) => query.get(name));
  if (from === null && epoch === null && logId === null) return undefined;
  for (const [name, value] of [["from", from], ["epoch", epoch]] as const) {
    if (!/^[0-9]{1,15}$/.test(value ?? "")) {
      return reject("BadRequest", `Parameter "${name}" must be a whole number from 0: "${value ?? ""}"`);
    }
  }
  if (logId === null || logId === "") {
    return reject("BadRequest", 'Parameter "logId" must name the log that "from" is a position of');
  }
  return { logId: logId!, epoch: Number(epoch), position: Number(from) };
}

function isAhead(resume: ResumePoint, log: LogIdentity, position: number): boolean {
  return resume.epoch > log.epoch || (resume.epoch === log.epoch && resume.position > position);
}
