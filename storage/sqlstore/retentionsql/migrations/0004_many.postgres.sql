-- What a record belongs to, events of all that belongs to something, and who sweeps.

ALTER TABLE troth_retention_record ADD COLUMN account TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE troth_retention_record ADD COLUMN purpose TEXT COLLATE "C" NOT NULL DEFAULT '';

-- Sweeps go on behind a record, and many records share an instant.
DROP INDEX troth_retention_record_cut;
DROP INDEX troth_retention_record_due;
DROP INDEX troth_retention_record_stale;
CREATE INDEX troth_retention_record_cut ON troth_retention_record (class, stage, cohort, since, tenant, type, id) WHERE due_at = 0;
CREATE INDEX troth_retention_record_due ON troth_retention_record (due_at, tenant, type, id) WHERE due_at <> 0;
CREATE INDEX troth_retention_record_stale ON troth_retention_record (policy, tenant, type, id) WHERE due_at <> 0;

CREATE INDEX troth_retention_record_account ON troth_retention_record (tenant, account, type, id) WHERE account <> '';
CREATE INDEX troth_retention_record_person ON troth_retention_record (tenant, subject, type, id) WHERE subject <> '';
CREATE INDEX troth_retention_record_purpose ON troth_retention_record (tenant, purpose, type, id) WHERE purpose <> '';

CREATE TABLE troth_retention_event (
	tenant      TEXT COLLATE "C" NOT NULL,
	scope       TEXT COLLATE "C" NOT NULL,
	scoped      TEXT COLLATE "C" NOT NULL,
	at          BIGINT NOT NULL,
	event       TEXT COLLATE "C" NOT NULL,
	handle      TEXT COLLATE "C" NOT NULL,
	reported_at BIGINT NOT NULL,
	horizon     BIGINT NOT NULL,
	last        BIGINT NOT NULL,
	after_type  TEXT COLLATE "C" NOT NULL,
	after_id    TEXT COLLATE "C" NOT NULL,
	reached     BIGINT NOT NULL,
	done_at     BIGINT NOT NULL,
	PRIMARY KEY (tenant, scope, scoped, at, event)
);

CREATE INDEX troth_retention_event_open ON troth_retention_event (reported_at) WHERE done_at = 0;

CREATE TABLE troth_retention_lease (
	name    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	holder  TEXT COLLATE "C" NOT NULL,
	fence   BIGINT NOT NULL,
	length  BIGINT NOT NULL,
	ends_at BIGINT NOT NULL
);
