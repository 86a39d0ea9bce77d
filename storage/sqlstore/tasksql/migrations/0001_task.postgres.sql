-- Tasks. Instants are microseconds since 1970, UTC; 0 means never. Names are
-- compared by their bytes, whatever the database's own order is.

-- What a task is. But for what is sealed nothing here ever changes.
CREATE TABLE troth_task (
	tenant       TEXT COLLATE "C" NOT NULL,
	id           BYTEA  NOT NULL CHECK (octet_length(id) = 16),
	kind         TEXT COLLATE "C" NOT NULL,
	key          TEXT COLLATE "C",
	line         TEXT COLLATE "C" NOT NULL,
	grp          BYTEA  NOT NULL CHECK (octet_length(grp) = 16),
	payload      BYTEA  CHECK (octet_length(payload) <= 524288),
	instructions BYTEA  CHECK (octet_length(instructions) <= 524288),
	created_at   BIGINT NOT NULL,
	deadline     BIGINT NOT NULL,
	PRIMARY KEY (tenant, id)
);

CREATE UNIQUE INDEX troth_task_key ON troth_task (tenant, kind, key) WHERE key IS NOT NULL;
CREATE INDEX troth_task_group_of ON troth_task (tenant, grp) WHERE grp <> id;
CREATE INDEX troth_task_age ON troth_task (created_at, id);

-- Where a task stands: 1 waiting, 2 delayed, 3 running, 4 blocked, 5 manual; 6
-- completed, 7 failed, 8 cancelled. Rows are short, because claims and ends write
-- them anew. Each phase that is looked for has an index of its own, so that looking
-- costs nothing for the others, and what has ended is in none of them.
CREATE TABLE troth_task_turn (
	tenant     TEXT COLLATE "C" NOT NULL,
	id         BYTEA  NOT NULL,
	kind       TEXT COLLATE "C" NOT NULL,
	line       TEXT COLLATE "C" NOT NULL,
	grp        BYTEA  NOT NULL,
	phase      SMALLINT NOT NULL CHECK (phase BETWEEN 1 AND 8),
	wake_at    BIGINT NOT NULL,
	span       BIGINT NOT NULL DEFAULT 0,
	fence      BIGINT NOT NULL DEFAULT 0,
	attempt    BIGINT NOT NULL DEFAULT 0,
	blocked    BIGINT NOT NULL DEFAULT 0,
	leads      BIGINT NOT NULL DEFAULT 0,
	reason     TEXT COLLATE "C" NOT NULL DEFAULT '',
	owner      TEXT COLLATE "C" NOT NULL DEFAULT '',
	manual_due BIGINT NOT NULL DEFAULT 0,
	ended_at   BIGINT NOT NULL DEFAULT 0,
	-- Whether the task has something sealed, and an alarm.
	sealed     BOOLEAN NOT NULL,
	alarmed    BOOLEAN NOT NULL,
	PRIMARY KEY (tenant, id)
);

CREATE INDEX troth_task_turn_waiting ON troth_task_turn (kind, tenant, line, wake_at, id) WHERE phase = 1;
CREATE INDEX troth_task_turn_delayed ON troth_task_turn (wake_at) WHERE phase = 2;
CREATE INDEX troth_task_turn_running ON troth_task_turn (wake_at) WHERE phase = 3;
CREATE INDEX troth_task_turn_manual ON troth_task_turn (tenant, owner, id) WHERE phase = 5;

-- Who waits for whom, as long as they do.
CREATE TABLE troth_task_edge (
	tenant    TEXT COLLATE "C" NOT NULL,
	before_id BYTEA NOT NULL,
	after_id  BYTEA NOT NULL,
	PRIMARY KEY (tenant, before_id, after_id)
);

CREATE INDEX troth_task_edge_after ON troth_task_edge (tenant, after_id);

-- Groups of tasks whose payloads are sealed under one key, and how many of them
-- are open.
CREATE TABLE troth_task_group (
	tenant TEXT COLLATE "C" NOT NULL,
	name   TEXT COLLATE "C" NOT NULL,
	id     BYTEA  NOT NULL CHECK (octet_length(id) = 16),
	open   BIGINT NOT NULL,
	PRIMARY KEY (tenant, name),
	UNIQUE (tenant, id)
);

-- Groups, and tasks that stood alone, whose key is to be destroyed.
CREATE TABLE troth_task_disposal (
	tenant TEXT COLLATE "C" NOT NULL,
	grp    BYTEA  NOT NULL CHECK (octet_length(grp) = 16),
	due_at BIGINT NOT NULL,
	tries  BIGINT NOT NULL DEFAULT 0,
	reason TEXT COLLATE "C" NOT NULL DEFAULT '',
	PRIMARY KEY (tenant, grp)
);

CREATE INDEX troth_task_disposal_due ON troth_task_disposal (due_at);

CREATE TABLE troth_task_alarm (
	tenant  TEXT COLLATE "C" NOT NULL,
	id      BYTEA  NOT NULL,
	stage   BIGINT NOT NULL,
	ring_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, id)
);

CREATE INDEX troth_task_alarm_due ON troth_task_alarm (ring_at);

-- When the next task of a kind, or of a line of it, would begin at an even pace.
CREATE TABLE troth_task_rate (
	kind    TEXT COLLATE "C" NOT NULL,
	tenant  TEXT COLLATE "C" NOT NULL,
	line    TEXT COLLATE "C" NOT NULL,
	next_at BIGINT NOT NULL,
	PRIMARY KEY (kind, tenant, line)
);

-- One row once a retention keeper has taken the store over.
CREATE TABLE troth_task_managed (
	one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1)
);
