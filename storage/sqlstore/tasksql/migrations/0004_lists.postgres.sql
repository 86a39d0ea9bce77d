-- What indexes look for: the phase of what waits, is delayed or is with a person, 3 of
-- what runs under a limit, and 0 of everything else. Nothing that a task's end changes
-- is in an index, so that PostgreSQL writes it beside the row, where there is room.
ALTER TABLE troth_task_turn ADD COLUMN sought SMALLINT NOT NULL DEFAULT 0;
UPDATE troth_task_turn SET sought = phase WHERE phase IN (1, 2, 3, 5);
ALTER TABLE troth_task_turn ADD CONSTRAINT troth_task_turn_sought
	CHECK (CASE phase WHEN 1 THEN sought = 1 WHEN 2 THEN sought = 2 WHEN 3 THEN sought IN (0, 3) WHEN 5 THEN sought = 5 ELSE sought = 0 END);
ALTER TABLE troth_task_turn SET (fillfactor = 40);

-- What stood alone and was due for disposal.
INSERT INTO troth_task_disposal (tenant, grp, due_at)
	SELECT tenant, id, wake_at FROM troth_task_turn WHERE phase > 5 AND wake_at > 0 ON CONFLICT DO NOTHING;

DROP INDEX troth_task_turn_due;
DROP INDEX troth_task_turn_waiting;
DROP INDEX troth_task_turn_delayed;
DROP INDEX troth_task_turn_running;
DROP INDEX troth_task_turn_manual;
-- Claims ask for lines in this order by operators of which no other index knows.
CREATE INDEX troth_task_turn_waiting ON troth_task_turn (kind, tenant text_pattern_ops, line text_pattern_ops, wake_at, id) WHERE sought = 1;
CREATE INDEX troth_task_turn_delayed ON troth_task_turn (wake_at) WHERE sought = 2;
CREATE INDEX troth_task_turn_limited ON troth_task_turn (kind, tenant, line) WHERE sought = 3;
CREATE INDEX troth_task_turn_manual ON troth_task_turn (tenant, owner, id) WHERE sought = 5;

-- Leases that end at one instant: one row for each claim and each extension. Of what
-- runs until some instant a row says so; whether what it names still does, the turns
-- tell. kind is that of what no limit held for, which those with a limit count.
CREATE TABLE troth_task_lease (
	no      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	until   BIGINT NOT NULL,
	span    BIGINT NOT NULL,
	kind    TEXT COLLATE "C" NOT NULL,
	tenants TEXT[] COLLATE "C" NOT NULL,
	ids     BYTEA[] NOT NULL
);

-- Ids cannot be compressed, and to try costs as much as to end the tasks.
ALTER TABLE troth_task_lease ALTER COLUMN tenants SET STORAGE EXTERNAL;
ALTER TABLE troth_task_lease ALTER COLUMN ids SET STORAGE EXTERNAL;
CREATE INDEX troth_task_lease_until ON troth_task_lease (until);
CREATE INDEX troth_task_lease_kind ON troth_task_lease (kind) WHERE kind <> '';

INSERT INTO troth_task_lease (until, span, kind, tenants, ids)
	SELECT wake_at, span, '', ARRAY[tenant], ARRAY[id] FROM troth_task_turn WHERE phase = 3;

-- Tasks that stood alone and have ended, at one instant, some of which have something
-- sealed: one row for many that end together. They become disposals when somebody looks.
CREATE TABLE troth_task_due (
	no      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	due_at  BIGINT NOT NULL,
	tenants TEXT[] COLLATE "C" NOT NULL,
	ids     BYTEA[] NOT NULL
);

ALTER TABLE troth_task_due ALTER COLUMN tenants SET STORAGE EXTERNAL;
ALTER TABLE troth_task_due ALTER COLUMN ids SET STORAGE EXTERNAL;
CREATE INDEX troth_task_due_at ON troth_task_due (due_at, no);
