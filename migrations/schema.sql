-- What the migrations make, for reading. Written by "deno run -A tests/support/schema_dump.ts"; a test keeps it equal.

create table events (
  position bigint not null,
  stream text not null,
  revision integer not null,
  type text not null,
  schema_version integer not null,
  occurred_at timestamp with time zone not null,
  observed_at text,
  actor_user text not null,
  actor_groups jsonb not null,
  actor_auth_method text not null,
  source_via text not null,
  source_ip text,
  source_user_agent text,
  source_field_manager text,
  request_id text not null,
  causation_id text,
  correlation_id text,
  reason text,
  vcs_repo text,
  vcs_commit text,
  vcs_change text,
  object_group text not null,
  object_kind text not null,
  object_namespace text not null,
  object_name text not null,
  object_uid text not null,
  payload text not null,
  hash text not null,
  constraint events_pkey PRIMARY KEY ("position"),
  constraint events_position_check CHECK (("position" > 0)),
  constraint events_revision_check CHECK ((revision > 0))
);
CREATE INDEX events_occurred_at_position ON public.events USING btree (occurred_at, "position");
CREATE INDEX events_stream_position ON public.events USING btree (stream, "position");

create table log_head (
  singleton boolean default true not null,
  log_id text not null,
  epoch bigint not null,
  position bigint not null,
  hash text not null,
  occurred_at timestamp with time zone not null,
  constraint log_head_pkey PRIMARY KEY (singleton),
  constraint log_head_singleton_check CHECK (singleton)
);

create table node_status (
  node text not null,
  log_id text not null,
  epoch bigint not null,
  position bigint not null,
  applied_at text not null,
  agent_version text not null,
  errors jsonb not null,
  unsupported jsonb not null,
  received_at timestamp with time zone not null,
  constraint node_status_pkey PRIMARY KEY (node)
);

create table secrets (
  name text not null,
  value text not null,
  updated_at timestamp with time zone not null,
  constraint secrets_pkey PRIMARY KEY (name)
);
