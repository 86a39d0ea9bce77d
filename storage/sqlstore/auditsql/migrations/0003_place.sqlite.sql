-- Entries come in the order of the log. Rows with a whole number for their key are
-- put at the end of the table without moving those before, which rows with a key of
-- two columns are not. place is the number of the log, shifted by 48 bits, and the
-- index in it.
CREATE TABLE troth_audit_entry_placed (
	place       INTEGER NOT NULL PRIMARY KEY,
	log         INTEGER NOT NULL CHECK (log = place >> 48),
	idx         INTEGER NOT NULL AS (place & 281474976710655),
	tenant      TEXT    NOT NULL,
	id          BLOB    NOT NULL CHECK (length(id) = 16),
	number      INTEGER NOT NULL,
	hash        BLOB    NOT NULL CHECK (length(hash) = 32),
	leaf        BLOB,
	redacted_by BLOB    CHECK (length(redacted_by) = 16),
	recorded_at INTEGER,
	act         TEXT,
	subject     BLOB    CHECK (length(subject) = 16)
);

-- A row that stands where no log has one is refused, and nothing is changed then.
INSERT INTO troth_audit_entry_placed (place, log, tenant, id, number, hash, leaf, redacted_by, recorded_at, act, subject)
SELECT (log << 48) + idx, log, tenant, id, number, hash, leaf, redacted_by, recorded_at, act, subject
FROM troth_audit_entry ORDER BY log, idx;

DROP TABLE troth_audit_entry;
ALTER TABLE troth_audit_entry_placed RENAME TO troth_audit_entry;

CREATE UNIQUE INDEX troth_audit_entry_id ON troth_audit_entry (tenant, id);
CREATE UNIQUE INDEX troth_audit_entry_number ON troth_audit_entry (tenant, log, number);
CREATE INDEX troth_audit_entry_subject ON troth_audit_entry (tenant, subject, log, number) WHERE subject IS NOT NULL;
CREATE INDEX troth_audit_entry_act ON troth_audit_entry (tenant, act, log, number) WHERE act IS NOT NULL;
