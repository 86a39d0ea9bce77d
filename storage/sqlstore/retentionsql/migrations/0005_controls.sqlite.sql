-- What people decided, beside holds: exceptions, granted erasures, conflicts; and the
-- keeper's own account of all that forbids destroying.

CREATE TABLE troth_retention_control (
	tenant  TEXT NOT NULL,
	kind    TEXT NOT NULL,
	id      TEXT NOT NULL,
	open    INTEGER NOT NULL,
	due_at  INTEGER NOT NULL,
	body    BLOB NOT NULL,
	state   BLOB NOT NULL,
	mac     BLOB NOT NULL,
	PRIMARY KEY (tenant, kind, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX troth_retention_control_open ON troth_retention_control (tenant, kind, id) WHERE open <> 0;
CREATE INDEX troth_retention_control_due ON troth_retention_control (kind, due_at) WHERE due_at <> 0;

-- A hold may be narrowed by a condition; told_at is the review that people were told of.
ALTER TABLE troth_retention_hold ADD COLUMN condition BLOB NOT NULL DEFAULT x'';
ALTER TABLE troth_retention_hold ADD COLUMN told_at INTEGER NOT NULL DEFAULT 0;

CREATE INDEX troth_retention_hold_review ON troth_retention_hold (review_at) WHERE released_at = 0;
