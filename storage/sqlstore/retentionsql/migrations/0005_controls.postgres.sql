-- What people decided, beside holds: exceptions, granted erasures, conflicts; and the
-- keeper's own account of all that forbids destroying.

CREATE TABLE troth_retention_control (
	tenant  TEXT COLLATE "C" NOT NULL,
	kind    TEXT COLLATE "C" NOT NULL,
	id      TEXT COLLATE "C" NOT NULL,
	open    BIGINT NOT NULL,
	due_at  BIGINT NOT NULL,
	body    BYTEA NOT NULL,
	state   BYTEA NOT NULL,
	mac     BYTEA NOT NULL,
	PRIMARY KEY (tenant, kind, id)
);

CREATE INDEX troth_retention_control_open ON troth_retention_control (tenant, kind, id) WHERE open <> 0;
CREATE INDEX troth_retention_control_due ON troth_retention_control (kind, due_at) WHERE due_at <> 0;

-- A hold may be narrowed by a condition; told_at is the review that people were told of.
ALTER TABLE troth_retention_hold ADD COLUMN condition BYTEA NOT NULL DEFAULT '';
ALTER TABLE troth_retention_hold ADD COLUMN told_at BIGINT NOT NULL DEFAULT 0;

CREATE INDEX troth_retention_hold_review ON troth_retention_hold (review_at) WHERE released_at = 0;
