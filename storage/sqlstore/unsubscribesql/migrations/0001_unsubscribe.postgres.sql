-- The opt-out registry's rows. Instants are microseconds since 1970, UTC; 0 means
-- never. Keys are keyed hashes of addresses. Names are compared by their bytes,
-- whatever the database's own order is.

CREATE TABLE troth_unsubscribe_entry (
	addr_key      BYTEA NOT NULL,
	-- A client, or the platform for everything.
	tenant        TEXT COLLATE "C" NOT NULL,
	channel       TEXT COLLATE "C" NOT NULL,
	-- Empty for all lists.
	list          TEXT COLLATE "C" NOT NULL,
	mailbox       BYTEA NOT NULL,
	opted_out_at  BIGINT NOT NULL,
	imported_at   BIGINT NOT NULL,
	complained_at BIGINT NOT NULL,
	bounced_at    BIGINT NOT NULL,
	opted_in_at   BIGINT NOT NULL,
	generation    BIGINT NOT NULL,
	event         TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (addr_key, tenant, channel, list)
);

CREATE INDEX troth_unsubscribe_entry_tenant ON troth_unsubscribe_entry (tenant, addr_key, channel, list);
CREATE INDEX troth_unsubscribe_entry_mailbox ON troth_unsubscribe_entry (mailbox) WHERE mailbox <> addr_key;

CREATE TABLE troth_unsubscribe_event (
	tenant      TEXT COLLATE "C" NOT NULL,
	id          TEXT COLLATE "C" NOT NULL,
	addr_key    BYTEA NOT NULL,
	mailbox     BYTEA NOT NULL,
	recorded_at BIGINT NOT NULL,
	record      BYTEA NOT NULL,
	-- The person and the sealed evidence; empty and NULL once they are erased.
	subject     TEXT COLLATE "C" NOT NULL,
	content     BYTEA,
	PRIMARY KEY (tenant, id)
);

CREATE INDEX troth_unsubscribe_event_key ON troth_unsubscribe_event (tenant, addr_key, recorded_at, id);
CREATE INDEX troth_unsubscribe_event_subject ON troth_unsubscribe_event (tenant, subject) WHERE subject <> '';

CREATE TABLE troth_unsubscribe_delivery (
	tenant     TEXT COLLATE "C" NOT NULL,
	event      TEXT COLLATE "C" NOT NULL,
	provider   TEXT COLLATE "C" NOT NULL,
	state      TEXT COLLATE "C" NOT NULL,
	noted_at   BIGINT NOT NULL,
	due_at     BIGINT NOT NULL,
	told_at    BIGINT NOT NULL,
	rule       TEXT COLLATE "C" NOT NULL,
	attempts   BIGINT NOT NULL,
	alarmed    BIGINT NOT NULL,
	next_alarm BIGINT NOT NULL,
	PRIMARY KEY (tenant, event, provider)
);

-- What is due is looked for across all tenants.
CREATE INDEX troth_unsubscribe_delivery_alarm ON troth_unsubscribe_delivery (next_alarm) WHERE next_alarm <> 0;

-- The epoch of a registry's keys; 1 where there is no row.
CREATE TABLE troth_unsubscribe_epoch (
	tenant TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	epoch  BIGINT NOT NULL
);

CREATE TABLE troth_unsubscribe_setting (
	name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	value BIGINT NOT NULL
);

-- Events land without a position, because ids commit out of order. Whoever
-- follows numbers those that are committed.
CREATE TABLE troth_unsubscribe_feed (
	id        BIGSERIAL PRIMARY KEY,
	position  BIGINT,
	tenant    TEXT COLLATE "C" NOT NULL,
	addr_key  BYTEA NOT NULL,
	raised_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX troth_unsubscribe_feed_position ON troth_unsubscribe_feed (position) WHERE position IS NOT NULL;
CREATE INDEX troth_unsubscribe_feed_unnumbered ON troth_unsubscribe_feed (id) WHERE position IS NULL;
