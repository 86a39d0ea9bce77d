package auditsql

import (
	"fmt"
	"strings"
	"time"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// logStatements are the SQL texts for the log. Those that end in All take a
// whole batch on PostgreSQL. On SQLite the statement for one row is run for each,
// but for those of append.
type logStatements struct {
	elect                        string
	electArgs                    []any
	heads, createHead, closeHead string
	moveHead                     string

	takeInbox         string
	quarantine, leave string
	quarantineAll     string
	// Of rows whose tenant is none, by what was read in its place.
	quarantineOdd, leaveOdd string
	quarantineOddAll        string
	// Of rows that cannot be read.
	quarantineUnread, leaveUnread string
	// append is of one row on SQLite, of two, of four and so on.
	append               [5]string
	appendAll            string
	logRange, leafHashes string
	known, knownAll      string
	logEntries, logEntry string
	stretch, nextInTime  string
	stray                string
	proofRows            string
	redact               string

	putTile, putTilesAll     string
	tile, tiles              string
	putTenant, putTenantsAll string
	tenantHead, tenantHeads  string
	putCheckpoint            string
	checkpoint, checkpoints  string
	dropCheckpoint           string
	insertPart, parts        string
	dropPartsOf              string
	dropPartsBefore          string
	pruneTo, pruneLeft       string
	pruneParts, pruneEntries string
	pruneTiles, pruned       string
}

// silence is how long a transaction that moves the log may send nothing on
// PostgreSQL. A pause of the process is shorter, and what it computes between two
// statements too.
const silence = 10 * time.Second

func bindLog(d sqlstore.Dialect) *logStatements {
	in := stretchesOf(d)
	entry := `SELECT ` + entryRow(d, "") + ` FROM troth_audit_entry`
	tenant := `SELECT ` + short(d, "tenant") + `, ` + whole(d, "number") + `, ` + whole(d, "idx") + `, ` + bounded(d, "hash", 32) + ` FROM troth_audit_tenant`
	checkpoint := `SELECT ` + whole(d, "size") + `, ` + whole(d, "signed_at") + `, ` + bounded(d, "note", audit.MaxNote) + ` FROM troth_audit_checkpoint`
	taken := ` RETURNING ` + short(d, "tenant") + `, ` + bounded(d, "id", 16) + `, recorded_at, ` +
		bounded(d, "envelope", audit.MaxEnvelope) + `, ` + bounded(d, "tag", 32)
	tile := `SELECT ` + whole(d, "n") + `, ` + bounded(d, "hashes", maxTile) + ` FROM troth_audit_tile WHERE log = ? AND level = ?`
	s := &logStatements{
		heads: `SELECT ` + whole(d, "log") + `, ` + short(d, "origin") + `, ` + whole(d, "size") + `, ` + bounded(d, "root", 32) + `, ` + bounded(d, "salt", 32) + `, ` +
			short(d, "signer") + `, ` + bounded(d, "tag", 32) + `, ` + whole(d, "closed") + `, ` + whole(d, "pruned") + `, ` + optional(d, "pruned_by", 16) + ` FROM troth_audit_head WHERE log >= ? ORDER BY log`,
		createHead: `INSERT INTO troth_audit_head (log, origin, size, root, salt, signer, tag, closed, pruned, pruned_by)
			SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE (SELECT COALESCE(MAX(log), 0) FROM troth_audit_head) = ?
			ON CONFLICT DO NOTHING`,
		closeHead: `UPDATE troth_audit_head SET closed = TRUE WHERE log = ?`,
		moveHead: `UPDATE troth_audit_head SET size = ?, root = ?, signer = ?, tag = ?
			WHERE log = ? AND size = ? AND root = ? AND signer = ? AND NOT closed`,

		logRange:   entry + ` WHERE ` + in.from + ` ORDER BY ` + in.order + ` LIMIT ?`,
		logEntries: entry + ` WHERE tenant = ? AND (log, number) > (?, ?)`, // and more
		logEntry:   entry + ` WHERE tenant = ? AND id = ?`,
		stretch:    entry + ` WHERE tenant = ? AND log = ? AND number > ? AND number <= ?`, // and more
		nextInTime: nextInTime(d),
		stray:      strayText(d),
		proofRows:  proofRows(d),
		leafHashes: `SELECT ` + bounded(d, "hash", 32) + ` FROM troth_audit_entry WHERE ` + in.between + ` ORDER BY ` + in.order,
		redact: `UPDATE troth_audit_entry SET leaf = NULL, recorded_at = NULL, act = NULL, subject = NULL, redacted_by = ?
			WHERE tenant = ? AND id = ? AND redacted_by IS NULL`,

		tile:        tile + ` AND n = ?`,
		tiles:       tile + ` AND n >= ? ORDER BY n LIMIT ?`,
		tenantHead:  tenant + ` WHERE log = ? AND tenant = ?`,
		tenantHeads: tenant + ` WHERE log = ? AND tenant > ? ORDER BY troth_audit_tenant.tenant LIMIT ?`,

		putCheckpoint: `INSERT INTO troth_audit_checkpoint (log, size, signed_at, note) VALUES (?, ?, ?, ?)
			ON CONFLICT (log, size) DO UPDATE SET signed_at = excluded.signed_at, note = excluded.note
				WHERE troth_audit_checkpoint.signed_at <= excluded.signed_at`,
		checkpoint:     checkpoint + ` WHERE log = ? AND size <= ? ORDER BY size DESC LIMIT 1`,
		checkpoints:    checkpoint + ` WHERE log = ? AND size >= ? ORDER BY size LIMIT ?`,
		dropCheckpoint: `DELETE FROM troth_audit_checkpoint WHERE log = ? AND size = ?`,

		insertPart: `INSERT INTO troth_audit_part (tenant, entry, part, name, subject, compartment, recorded_at, salt, box, dropped_by)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		parts: `SELECT ` + whole(d, "part") + `, ` + short(d, "name") + `, ` + bounded(d, "subject", 16) + `, ` + short(d, "compartment") + `, ` + whole(d, "recorded_at") + `, ` +
			bounded(d, "salt", 32) + `, ` + bounded(d, "box", audit.MaxBox) + `, ` + optional(d, "dropped_by", 16) + `,
			salt IS NULL AND box IS NULL FROM troth_audit_part WHERE tenant = ? AND entry = ? ORDER BY part`,
		dropPartsOf: `UPDATE troth_audit_part SET salt = NULL, box = NULL, dropped_by = ?
			WHERE tenant = ? AND entry = ? AND dropped_by IS NULL`,
		// The plus keeps SQLite from walking over all that is old enough.
		dropPartsBefore: `UPDATE troth_audit_part SET salt = NULL, box = NULL, dropped_by = ?
			WHERE tenant = ? AND dropped_by IS NULL AND +recorded_at < ? AND entry IN (SELECT entry FROM (
				SELECT DISTINCT recorded_at, entry FROM troth_audit_part
				WHERE tenant = ? AND dropped_by IS NULL AND recorded_at < ? ORDER BY recorded_at, entry LIMIT ?) oldest)`,

		pruneTo: `SELECT idx FROM troth_audit_entry WHERE ` + in.before + ` ORDER BY ` + in.order + ` LIMIT 1 OFFSET ?`,
		pruneParts: `DELETE FROM troth_audit_part WHERE (tenant, entry) IN (
			SELECT tenant, id FROM troth_audit_entry WHERE ` + in.before + `)`,
		pruneEntries: `DELETE FROM troth_audit_entry WHERE ` + in.before,
		pruneTiles:   `DELETE FROM troth_audit_tile WHERE log = ? AND level = 0 AND n < ?`,
		pruned:       `UPDATE troth_audit_head SET pruned = ?, pruned_by = ? WHERE log = ? AND pruned < ?`,
		pruneLeft:    `SELECT COUNT(*) FROM troth_audit_entry WHERE ` + in.before,
	}
	for _, text := range []*string{
		&s.nextInTime, &s.proofRows, &s.heads, &s.createHead, &s.closeHead, &s.moveHead, &s.logRange, &s.logEntry, &s.leafHashes, &s.redact, &s.tile, &s.tiles, &s.tenantHead,
		&s.tenantHeads, &s.putCheckpoint, &s.checkpoint, &s.checkpoints, &s.dropCheckpoint, &s.insertPart, &s.parts,
		&s.dropPartsOf, &s.dropPartsBefore, &s.pruneTo, &s.pruneParts, &s.pruneEntries, &s.pruneTiles, &s.pruned, &s.pruneLeft,
	} {
		*text = d.Rebind(*text)
	}
	s.quarantineUnread = `INSERT INTO troth_audit_quarantine (` + inboxColumns + `) SELECT ` + inboxColumns +
		` FROM troth_audit_inbox WHERE ` + unread(d)
	s.leaveUnread = `DELETE FROM troth_audit_inbox WHERE ` + unread(d)
	if d == sqlstore.Postgres {
		s.forPostgres(taken)
	} else {
		s.forSQLite(taken)
	}
	return s
}

// entryRow selects the columns of an entry; of is where they are from, such as "e.".
func entryRow(d sqlstore.Dialect, of string) string {
	return strings.Join([]string{
		placed(d, of), whole(d, of+"idx"), short(d, of+"tenant"), bounded(d, of+"id", 16), whole(d, of+"number"),
		bounded(d, of+"hash", 32), optional(d, of+"leaf", audit.MaxLeaf), optional(d, of+"redacted_by", 16), timeLeft(d),
		short(d, of+"act"), optional(d, of+"subject", 16),
	}, ", ")
}

// proofRows finds an entry with what its proof is made of: the newest checkpoint of
// its log and the tile of its neighbours, as far as they are there.
func proofRows(d sqlstore.Dialect) string {
	return `SELECT ` + entryRow(d, "e.") + `, ` + whole(d, "c.size") + `, ` + whole(d, "c.signed_at") + `, ` + bounded(d, "c.note", audit.MaxNote) + `,
		(SELECT ` + bounded(d, "hashes", maxTile) + ` FROM troth_audit_tile WHERE log = e.log AND level = 0 AND n = e.idx / 256)
		FROM troth_audit_entry e JOIN troth_audit_checkpoint c
			ON c.log = e.log AND c.size = (SELECT MAX(size) FROM troth_audit_checkpoint WHERE log = e.log)
		WHERE e.tenant = ? AND e.id = ?`
}

// nextInTime goes by the index of ids on SQLite because it is told to, and on
// PostgreSQL because no other one has the bounds: the pluses keep it from walking
// through the log in order until it meets the first.
func nextInTime(d sqlstore.Dialect) string {
	index := ""
	if d == sqlstore.SQLite {
		index = ` INDEXED BY troth_audit_entry_id`
	}
	return `SELECT ` + whole(d, "log") + `, ` + whole(d, "number") + ` FROM troth_audit_entry` + index + `
		WHERE tenant = ? AND id BETWEEN ? AND ? AND recorded_at BETWEEN ? AND ? AND (log + 0, number + 0) > (?, ?)
		ORDER BY log + 0, number + 0 LIMIT 1`
}

const (
	entryColumns  = `(log, idx, ` + entryContent
	entryContent  = `tenant, id, number, hash, leaf, redacted_by, recorded_at, act, subject)`
	overTile      = ` ON CONFLICT (log, level, n) DO UPDATE SET hashes = excluded.hashes`
	overTenant    = ` ON CONFLICT (log, tenant) DO UPDATE SET number = excluded.number, idx = excluded.idx, hash = excluded.hash`
	inboxColumns  = `tenant, id, recorded_at, envelope, tag`
	tenantColumns = `(log, tenant, number, idx, hash)`
)

// forSQLite: what every step of the sequencer runs has an argument, since only
// such statements are kept prepared, and no bare LIMIT ?, since SQLite plans
// anew for each value of that.
func (s *logStatements) forSQLite(taken string) {
	s.elect, s.electArgs = `SELECT 1 = ?, ''`, []any{1}
	s.takeInbox = `DELETE FROM troth_audit_inbox WHERE rowid IN (
		SELECT rowid FROM troth_audit_inbox ORDER BY recorded_at, id LIMIT 0 + ?)` + taken
	s.quarantine, s.leave = quarantineOne("tenant")
	s.quarantineOdd, s.leaveOdd = quarantineOne("(" + short(sqlstore.SQLite, "tenant") + ")")
	one := `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	for n := range s.append {
		s.append[n] = `INSERT INTO troth_audit_entry (place, log, ` + entryContent + ` VALUES ` + one +
			strings.Repeat(`, `+one, 1<<n-1) + ` ON CONFLICT DO NOTHING`
	}
	s.known = `SELECT ` + short(sqlstore.SQLite, "tenant") + `, ` + bounded(sqlstore.SQLite, "id", 16) + ` FROM troth_audit_entry
		WHERE tenant = ? AND id = ?`
	s.putTile = `INSERT INTO troth_audit_tile (log, level, n, hashes) VALUES (?, ?, ?, ?)` + overTile
	s.putTenant = `INSERT INTO troth_audit_tenant ` + tenantColumns + ` VALUES (?, ?, ?, ?, ?)` + overTenant
}

// unread chooses the rows of the inbox that scanEntry refuses.
func unread(d sqlstore.Dialect) string {
	if d == sqlstore.SQLite {
		return `(tenant IS NULL OR typeof(id) <> 'blob' OR length(id) <> 16 OR typeof(recorded_at) <> 'integer')`
	}
	return `(tenant IS NULL OR id IS NULL OR octet_length(id) <> 16 OR recorded_at IS NULL)`
}

// quarantineOne copies and deletes one row of the inbox on SQLite.
func quarantineOne(tenant string) (insert, leave string) {
	one := ` FROM troth_audit_inbox WHERE ` + tenant + ` = ? AND id = ?`
	return `INSERT INTO troth_audit_quarantine (` + inboxColumns + `) SELECT ` + inboxColumns + one, `DELETE` + one
}

// quarantineMany moves rows of the inbox on PostgreSQL.
func quarantineMany(named, tenant string) string {
	return `WITH gone AS (DELETE FROM troth_audit_inbox i USING ` + named + `
		WHERE ` + tenant + ` = r.tenant AND i.id = ` + nth("$2", 16) + `
		RETURNING i.tenant, i.id, i.recorded_at, i.envelope, i.tag)
		INSERT INTO troth_audit_quarantine (` + inboxColumns + `) SELECT ` + inboxColumns + ` FROM gone`
}

// nth is the n-th of values of one length that were joined.
func nth(param string, length int) string {
	return fmt.Sprintf("substr(%s::bytea, (%d * r.n - %d)::int, %[2]d)", param, length, length-1)
}

// nthID is nth for ids that may be zeros, which stand for NULL.
func nthID(param string) string {
	return "NULLIF(" + nth(param, 16) + `, '\x00000000000000000000000000000000'::bytea)`
}

func (s *logStatements) forPostgres(taken string) {
	// Every handle on these tables asks for the same lock, and no other: not the
	// one on tables of these names in another schema.
	s.elect = fmt.Sprintf(`SELECT pg_try_advisory_xact_lock((1953656692::bigint << 32) | to_regclass('troth_audit_head')::oid::bigint),
		CASE WHEN current_setting(%[1]s) = '0' OR current_setting(%[1]s)::interval > interval '%[2]d ms'
		THEN set_config(%[1]s, '%[2]d', true) ELSE '' END`, `'idle_in_transaction_session_timeout'`, silence.Milliseconds())
	s.takeInbox = `DELETE FROM troth_audit_inbox WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM troth_audit_inbox ORDER BY recorded_at, id LIMIT $1 FOR UPDATE SKIP LOCKED))` + taken
	named := `unnest($1::text[]) WITH ORDINALITY AS r (tenant, n)`
	s.quarantineAll = quarantineMany(named, "i.tenant")
	s.quarantineOddAll = quarantineMany(named, "("+short(sqlstore.Postgres, "i.tenant")+")")
	s.knownAll = `SELECT ` + short(sqlstore.Postgres, "e.tenant") + `, ` + bounded(sqlstore.Postgres, "e.id", 16) + ` FROM ` + named + `
		JOIN troth_audit_entry e ON e.tenant = r.tenant AND e.id = ` + nth("$2", 16)
	s.appendAll = `INSERT INTO troth_audit_entry ` + entryColumns + `
		SELECT r.log, r.idx, r.tenant, ` + nth("$4", 16) + `, r.number, ` + nth("$6", 32) + `,
			CASE WHEN r.length >= 0 THEN substr($11::bytea, r.start, r.length) END,
			` + nthID("$7") + `, r.recorded_at, r.act, ` + nthID("$10") + `
		FROM unnest($1::bigint[], $2::bigint[], $3::text[], $5::bigint[], $8::bigint[], $9::text[], $12::int[], $13::int[])
			WITH ORDINALITY AS r (log, idx, tenant, number, recorded_at, act, start, length, n)
		ON CONFLICT DO NOTHING`
	// Of two rows for one place the later counts.
	s.putTilesAll = `INSERT INTO troth_audit_tile (log, level, n, hashes)
		SELECT DISTINCT ON (r.level, r.tile) $1::bigint, r.level, r.tile, substr($4::bytea, r.start, r.length)
		FROM unnest($2::bigint[], $3::bigint[], $5::int[], $6::int[]) WITH ORDINALITY AS r (level, tile, start, length, n)
		ORDER BY r.level, r.tile, r.n DESC` + overTile
	s.putTenantsAll = `INSERT INTO troth_audit_tenant ` + tenantColumns + `
		SELECT DISTINCT ON (r.tenant) $1::bigint, r.tenant, r.number, r.idx, ` + nth("$5", 32) + `
		FROM unnest($2::text[] COLLATE "C", $3::bigint[], $4::bigint[]) WITH ORDINALITY AS r (tenant, number, idx, n)
		ORDER BY r.tenant, r.n DESC` + overTenant
}
