-- What indexes look for: the phase of what waits, is delayed or is with a person, 3 of
-- what runs under a limit, and 0 of everything else. Nothing that a task's end changes
-- is in an index.
DROP INDEX troth_task_turn_due;
DROP INDEX troth_task_turn_waiting;
DROP INDEX troth_task_turn_delayed;
DROP INDEX troth_task_turn_running;
DROP INDEX troth_task_turn_manual;
ALTER TABLE troth_task_turn RENAME TO troth_task_turn_before;

CREATE TABLE troth_task_turn (
	-- Where the row lies, which lists name.
	place      INTEGER NOT NULL PRIMARY KEY,
	tenant     TEXT NOT NULL,
	id         BLOB   NOT NULL,
	kind       TEXT NOT NULL,
	line       TEXT NOT NULL,
	grp        BLOB   NOT NULL,
	phase      INTEGER NOT NULL CHECK (phase BETWEEN 1 AND 8),
	sought     INTEGER NOT NULL,
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
	UNIQUE (tenant, id),
	CHECK (CASE phase WHEN 1 THEN sought = 1 WHEN 2 THEN sought = 2 WHEN 3 THEN sought IN (0, 3) WHEN 5 THEN sought = 5 ELSE sought = 0 END)
) STRICT;

INSERT INTO troth_task_turn (tenant, id, kind, line, grp, phase, sought, wake_at, span, fence, attempt, blocked, leads,
		reason, owner, manual_due, ended_at, sealed, alarmed)
	SELECT tenant, id, kind, line, grp, phase, CASE WHEN phase IN (1, 2, 3, 5) THEN phase ELSE 0 END, wake_at, span, fence, attempt, blocked, leads,
		reason, owner, manual_due, ended_at, sealed, alarmed FROM troth_task_turn_before;

DROP TABLE troth_task_turn_before;

CREATE INDEX troth_task_turn_waiting ON troth_task_turn (kind, tenant, line, wake_at, id) WHERE sought = 1;
CREATE INDEX troth_task_turn_delayed ON troth_task_turn (wake_at) WHERE sought = 2;
CREATE INDEX troth_task_turn_limited ON troth_task_turn (kind, tenant, line) WHERE sought = 3;
CREATE INDEX troth_task_turn_manual ON troth_task_turn (tenant, owner, id) WHERE sought = 5;

-- What stood alone and was due for disposal.
INSERT INTO troth_task_disposal (tenant, grp, due_at)
	SELECT tenant, id, wake_at FROM troth_task_turn WHERE phase > 5 AND wake_at > 0 ON CONFLICT DO NOTHING;

-- Leases that end at one instant: one row for each claim and each extension. Of what
-- runs until some instant a row says so; whether what it names still does, the turns
-- tell. kind is that of what no limit held for, which those with a limit count. places
-- is a list in JSON of where their turns lie.
CREATE TABLE troth_task_lease (
	no     INTEGER NOT NULL PRIMARY KEY,
	until  INTEGER NOT NULL,
	span   INTEGER NOT NULL,
	kind   TEXT NOT NULL,
	places TEXT NOT NULL
) STRICT;

CREATE INDEX troth_task_lease_until ON troth_task_lease (until);
CREATE INDEX troth_task_lease_kind ON troth_task_lease (kind) WHERE kind <> '';

INSERT INTO troth_task_lease (until, span, kind, places)
	SELECT wake_at, span, '', json_array(place) FROM troth_task_turn WHERE phase = 3;

-- Tasks that stood alone and have ended, at one instant, some of which have something
-- sealed: one row for many that end together. They become disposals when somebody looks. names
-- is a list in JSON of texts: an id in 32 hexadecimal digits, a fence in 19, the tenant.
CREATE TABLE troth_task_due (
	no     INTEGER NOT NULL PRIMARY KEY,
	due_at INTEGER NOT NULL,
	names  TEXT NOT NULL
) STRICT;

CREATE INDEX troth_task_due_at ON troth_task_due (due_at, no);
