-- Tasks. Instants are microseconds since 1970, UTC; 0 means never.

-- What a task is. But for what is sealed nothing here ever changes.
CREATE TABLE troth_task (
	tenant       TEXT NOT NULL,
	id           BLOB   NOT NULL CHECK (length(id) = 16),
	kind         TEXT NOT NULL,
	key          TEXT,
	line         TEXT NOT NULL,
	grp          BLOB   NOT NULL CHECK (length(grp) = 16),
	payload      BLOB   CHECK (length(payload) <= 524288),
	instructions BLOB   CHECK (length(instructions) <= 524288),
	created_at   INTEGER NOT NULL,
	deadline     INTEGER NOT NULL,
	PRIMARY KEY (tenant, id)
) STRICT;

CREATE UNIQUE INDEX troth_task_key ON troth_task (tenant, kind, key) WHERE key IS NOT NULL;
CREATE INDEX troth_task_group_of ON troth_task (tenant, grp) WHERE grp <> id;
CREATE INDEX troth_task_age ON troth_task (created_at, id);

-- Where a task stands: 1 waiting, 2 delayed, 3 running, 4 blocked, 5 manual; 6
-- completed, 7 failed, 8 cancelled. Rows are short, because claims and ends write
-- them anew. Each phase that is looked for has an index of its own, so that looking
-- costs nothing for the others, and what has ended is in none of them.
CREATE TABLE troth_task_turn (
	tenant     TEXT NOT NULL,
	id         BLOB   NOT NULL,
	kind       TEXT NOT NULL,
	line       TEXT NOT NULL,
	grp        BLOB   NOT NULL,
	phase      INTEGER NOT NULL CHECK (phase BETWEEN 1 AND 8),
	wake_at    INTEGER NOT NULL,
	span       INTEGER NOT NULL DEFAULT 0,
	fence      INTEGER NOT NULL DEFAULT 0,
	attempt    INTEGER NOT NULL DEFAULT 0,
	blocked    INTEGER NOT NULL DEFAULT 0,
	leads      INTEGER NOT NULL DEFAULT 0,
	reason     TEXT NOT NULL DEFAULT '',
	owner      TEXT NOT NULL DEFAULT '',
	manual_due INTEGER NOT NULL DEFAULT 0,
	ended_at   INTEGER NOT NULL DEFAULT 0,
	-- Whether the task has something sealed, and an alarm.
	sealed     INTEGER NOT NULL,
	alarmed    INTEGER NOT NULL,
	PRIMARY KEY (tenant, id)
) STRICT;

CREATE INDEX troth_task_turn_waiting ON troth_task_turn (kind, tenant, line, wake_at, id) WHERE phase = 1;
CREATE INDEX troth_task_turn_delayed ON troth_task_turn (wake_at) WHERE phase = 2;
CREATE INDEX troth_task_turn_running ON troth_task_turn (wake_at) WHERE phase = 3;
CREATE INDEX troth_task_turn_manual ON troth_task_turn (tenant, owner, id) WHERE phase = 5;

-- Who waits for whom, as long as they do.
CREATE TABLE troth_task_edge (
	tenant    TEXT NOT NULL,
	before_id BLOB  NOT NULL,
	after_id  BLOB  NOT NULL,
	PRIMARY KEY (tenant, before_id, after_id)
) STRICT;

CREATE INDEX troth_task_edge_after ON troth_task_edge (tenant, after_id);

-- Groups of tasks whose payloads are sealed under one key, and how many of them
-- are open.
CREATE TABLE troth_task_group (
	tenant TEXT NOT NULL,
	name   TEXT NOT NULL,
	id     BLOB   NOT NULL CHECK (length(id) = 16),
	open   INTEGER NOT NULL,
	PRIMARY KEY (tenant, name),
	UNIQUE (tenant, id)
) STRICT;

-- Groups, and tasks that stood alone, whose key is to be destroyed.
CREATE TABLE troth_task_disposal (
	tenant TEXT NOT NULL,
	grp    BLOB   NOT NULL CHECK (length(grp) = 16),
	due_at INTEGER NOT NULL,
	tries  INTEGER NOT NULL DEFAULT 0,
	reason TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (tenant, grp)
) STRICT;

CREATE INDEX troth_task_disposal_due ON troth_task_disposal (due_at);

CREATE TABLE troth_task_alarm (
	tenant  TEXT NOT NULL,
	id      BLOB   NOT NULL,
	stage   INTEGER NOT NULL,
	ring_at INTEGER NOT NULL,
	PRIMARY KEY (tenant, id)
) STRICT;

CREATE INDEX troth_task_alarm_due ON troth_task_alarm (ring_at);

-- When the next task of a kind, or of a line of it, would begin at an even pace.
CREATE TABLE troth_task_rate (
	kind    TEXT NOT NULL,
	tenant  TEXT NOT NULL,
	line    TEXT NOT NULL,
	next_at INTEGER NOT NULL,
	PRIMARY KEY (kind, tenant, line)
) STRICT;

-- One row once a retention keeper has taken the store over.
CREATE TABLE troth_task_managed (
	one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1)
) STRICT;
