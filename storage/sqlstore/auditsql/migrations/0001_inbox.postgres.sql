-- Entries that wait to be sequenced. The bytes of an envelope are stored as
-- they were recorded and never made again from columns. The tag is a keyed hash
-- of them: nobody who can only write here can put evidence here.
CREATE TABLE troth_audit_inbox (
	tenant      TEXT COLLATE "C" NOT NULL,
	id          BYTEA  NOT NULL CHECK (octet_length(id) = 16),
	recorded_at BIGINT NOT NULL,
	envelope    BYTEA  NOT NULL,
	tag         BYTEA  NOT NULL CHECK (octet_length(tag) = 32),
	PRIMARY KEY (tenant, id)
);

-- For what crosses tenants: age of the inbox, sequencing.
CREATE INDEX troth_audit_inbox_age ON troth_audit_inbox (recorded_at);

CREATE TABLE troth_audit_pseudonym (
	tenant     TEXT COLLATE "C" NOT NULL,
	lookup     BYTEA  NOT NULL CHECK (octet_length(lookup) = 32),
	pseudonym  BYTEA  NOT NULL CHECK (octet_length(pseudonym) = 16),
	tag        BYTEA  NOT NULL CHECK (octet_length(tag) = 32),
	identity   BYTEA  NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, lookup)
);

-- One row once a retention keeper has taken the store over.
CREATE TABLE troth_audit_managed (
	one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1)
);
