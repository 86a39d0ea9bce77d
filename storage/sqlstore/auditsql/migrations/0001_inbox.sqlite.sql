-- Entries that wait to be sequenced. The bytes of an envelope are stored as
-- they were recorded and never made again from columns. The tag is a keyed hash
-- of them: nobody who can only write here can put evidence here.
CREATE TABLE troth_audit_inbox (
	tenant      TEXT    NOT NULL,
	id          BLOB    NOT NULL CHECK (length(id) = 16),
	recorded_at INTEGER NOT NULL,
	envelope    BLOB    NOT NULL,
	tag         BLOB    NOT NULL CHECK (length(tag) = 32),
	PRIMARY KEY (tenant, id)
);

-- For what crosses tenants: age of the inbox, sequencing.
CREATE INDEX troth_audit_inbox_age ON troth_audit_inbox (recorded_at);

CREATE TABLE troth_audit_pseudonym (
	tenant     TEXT    NOT NULL,
	lookup     BLOB    NOT NULL CHECK (length(lookup) = 32),
	pseudonym  BLOB    NOT NULL CHECK (length(pseudonym) = 16),
	tag        BLOB    NOT NULL CHECK (length(tag) = 32),
	identity   BLOB    NOT NULL,
	created_at INTEGER NOT NULL,
	PRIMARY KEY (tenant, lookup)
) WITHOUT ROWID;

-- One row once a retention keeper has taken the store over.
CREATE TABLE troth_audit_managed (
	one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1)
);
