-- The opt-out registry's rows. Instants are microseconds since 1970, UTC; 0 means
-- never. Keys are keyed hashes of addresses.

CREATE TABLE troth_unsubscribe_entry (
	addr_key      BLOB NOT NULL,
	-- A client, or the platform for everything.
	tenant        TEXT NOT NULL,
	channel       TEXT NOT NULL,
	-- Empty for all lists.
	list          TEXT NOT NULL,
	mailbox       BLOB NOT NULL,
	opted_out_at  INTEGER NOT NULL,
	imported_at   INTEGER NOT NULL,
	complained_at INTEGER NOT NULL,
	bounced_at    INTEGER NOT NULL,
	opted_in_at   INTEGER NOT NULL,
	generation    INTEGER NOT NULL,
	event         TEXT NOT NULL,
	PRIMARY KEY (addr_key, tenant, channel, list)
) STRICT, WITHOUT ROWID;

CREATE INDEX troth_unsubscribe_entry_tenant ON troth_unsubscribe_entry (tenant, addr_key, channel, list);
CREATE INDEX troth_unsubscribe_entry_mailbox ON troth_unsubscribe_entry (mailbox) WHERE mailbox <> addr_key;

CREATE TABLE troth_unsubscribe_event (
	tenant      TEXT NOT NULL,
	id          TEXT NOT NULL,
	addr_key    BLOB NOT NULL,
	mailbox     BLOB NOT NULL,
	recorded_at INTEGER NOT NULL,
	record      BLOB NOT NULL,
	-- The person and the sealed evidence; empty and NULL once they are erased.
	subject     TEXT NOT NULL,
	content     BLOB,
	PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX troth_unsubscribe_event_key ON troth_unsubscribe_event (tenant, addr_key, recorded_at, id);
CREATE INDEX troth_unsubscribe_event_subject ON troth_unsubscribe_event (tenant, subject) WHERE subject <> '';

CREATE TABLE troth_unsubscribe_delivery (
	tenant     TEXT NOT NULL,
	event      TEXT NOT NULL,
	provider   TEXT NOT NULL,
	state      TEXT NOT NULL,
	noted_at   INTEGER NOT NULL,
	due_at     INTEGER NOT NULL,
	told_at    INTEGER NOT NULL,
	rule       TEXT NOT NULL,
	attempts   INTEGER NOT NULL,
	alarmed    INTEGER NOT NULL,
	next_alarm INTEGER NOT NULL,
	PRIMARY KEY (tenant, event, provider)
) STRICT, WITHOUT ROWID;

-- What is due is looked for across all tenants.
CREATE INDEX troth_unsubscribe_delivery_alarm ON troth_unsubscribe_delivery (next_alarm) WHERE next_alarm <> 0;

-- The epoch of a registry's keys; 1 where there is no row.
CREATE TABLE troth_unsubscribe_epoch (
	tenant TEXT NOT NULL PRIMARY KEY,
	epoch  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE troth_unsubscribe_setting (
	name  TEXT NOT NULL PRIMARY KEY,
	value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One writer: rows commit in the order of their positions, and a rollback takes
-- its own back. AUTOINCREMENT keeps positions from starting again.
CREATE TABLE troth_unsubscribe_feed (
	position  INTEGER PRIMARY KEY AUTOINCREMENT,
	tenant    TEXT    NOT NULL,
	addr_key  BLOB    NOT NULL,
	raised_at INTEGER NOT NULL
) STRICT;
