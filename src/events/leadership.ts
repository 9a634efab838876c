/**
 * Who may write: a Postgres advisory lock on a connection of its own. It keeps two servers from deciding at the same time; that a server which has lost
 * it without noticing cannot append is the work of the fence on the head row (`postgres_log.ts`), not of this lock.
 *
 * @module
 */
import { OperationalError } from "#/base/errors.ts";
import { connectClient, type PgClient, storeError } from "#/events/pg.ts";

/** The lock's key, `tortie` in ASCII as a number below 2^53; the same in every version. */
const LEADER_KEY = 0x746f72746965;
/** The lock's connection is asked for a sign of life this often, so that a silent loss is noticed. */
export const LEADER_PROBE_MS = 5_000;
/** As many questions may stay without an answer before the connection counts as lost; more than one, because a busy process reads late. */
export const LEADER_PROBES_MISSED_MAX = 3;

/** The lock is ours until disposed of or lost. */
export interface Leadership extends AsyncDisposable {
  readonly kind: "leader";
  /** Aborts, with an `OperationalError` as reason, when the lock's connection is lost. Whoever decides must end then. */
  readonly lost: AbortSignal;
}

/** Somebody else leads. */
export interface LeadershipHeld {
  readonly kind: "held";
  /** Who, as Postgres knows it: `"tortie" on 10.0.0.2 (backend 4711)`. */
  readonly holder: string;
}

/**
 * Takes the lead, or says who has it. Does not wait: a server that may not write serves everything else meanwhile and asks again.
 *
 * @throws `OperationalError` when the database cannot be reached
 */
export async function acquireLeadership(connectionString: string): Promise<Leadership | LeadershipHeld> {
  const client = await connectClient(connectionString);
  try {
    // A server whose leader died without a word lets its lock go after about ten seconds. Unix sockets ignore these.
    await client.query("set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 2; set tcp_keepalives_count = 3");
    const { rows } = await client.query<{ taken: boolean }>("select pg_try_advisory_lock($1) as taken", [LEADER_KEY]);
    if (rows[0]?.taken === true) return lead(client);
    const holder = await readHolder(client);
    await client.end();
    return { kind: "held", holder };
  } catch (error) {
    await client.end().catch(() => {});
    throw storeError("take the lead", "advisory lock", error);
  }
}

async function readHolder(client: PgClient): Promise<string> {
  const { rows } = await client.query<{ pid: number; name: string | null; address: string | null }>(
    `select l.pid, a.application_name as name, host(a.client_addr) as address
     from pg_locks l left join pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'advisory' and l.granted and l.database = (select oid from pg_database where datname = current_database())
       and l.objsubid = 1 and (l.classid::int8 << 32 | l.objid::int8) = $1`,
    [LEADER_KEY],
  );
  const holder = rows[0];
  if (holder === undefined) return "a server that has just ended";
  return `"${holder.name ?? "unknown"}" on ${holder.address ?? "this host"} (backend ${holder.pid})`;
}

function lead(client: PgClient): Leadership {
  const lost = new AbortController();
  let released = false;
  const lose = (cause: unknown) => {
    clearInterval(probe);
    if (released) return;
    lost.abort(
      new OperationalError("Lost the lead: the connection that held it is gone", {
        operation: "lead",
        subject: "advisory lock",
        retry: "never",
        code: "LEADERSHIP_LOST",
        cause,
      }),
    );
  };
  let missed = 0;
  const probe = setInterval(() => {
    missed += 1;
    if (missed === 1) client.query("select 1").then(() => missed = 0, lose);
    if (missed > LEADER_PROBES_MISSED_MAX) lose(new Error(`No answer for ${missed * LEADER_PROBE_MS} ms`));
  }, LEADER_PROBE_MS);
  client.on("error", lose);
  client.on("end", () => lose(new Error("Connection ended")));
  return {
    kind: "leader",
    lost: lost.signal,
    async [Symbol.asyncDispose]() {
      released = true;
      clearInterval(probe);
      await client.end().catch(() => {});
    },
  };
}
