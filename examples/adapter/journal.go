package main

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

// schema is the host's own: its names, its columns, its way to create them. Two
// things matter. The keys begin with the shop, and so does every statement's
// condition: "no method sees, changes or counts another tenant's rows". And
// SQLite compares BLOBs, and TEXT by default, by bytes: the contract wants
// entries in byte order, and an order that takes "Acme" for "acme" would tear
// down the wall between two tenants.
const schema = `
CREATE TABLE IF NOT EXISTS journal (
	shop TEXT NOT NULL, id BLOB NOT NULL CHECK (length(id) = 16), written INTEGER NOT NULL, entry BLOB NOT NULL,
	tag BLOB NOT NULL CHECK (length(tag) = 32), PRIMARY KEY (shop, id));
CREATE TABLE IF NOT EXISTS odd_journal (shop TEXT, id BLOB, written INTEGER, entry BLOB, tag BLOB);
CREATE INDEX IF NOT EXISTS journal_by_age ON journal (written);
CREATE TABLE IF NOT EXISTS alias (
	shop TEXT NOT NULL, hash BLOB NOT NULL, alias BLOB NOT NULL CHECK (length(alias) = 16),
	tag BLOB NOT NULL CHECK (length(tag) = 32), who BLOB NOT NULL, made INTEGER NOT NULL,
	PRIMARY KEY (shop, hash));
CREATE TABLE IF NOT EXISTS setting (name TEXT NOT NULL PRIMARY KEY);
CREATE TABLE IF NOT EXISTS parcel (number INTEGER PRIMARY KEY);`

// Journal is an audit.Backend: entries wait, and people are named, in the tables
// above; the log, which the host only reads through the trail, stays in troth's
// own tables, so its stores are embedded. Every statement runs on
// handle.Querier(ctx). This one call keeps most of the contract: the statement
// joins the transaction of ctx, troth's or the host's; without one it stands for
// itself and sees committed rows only; and it refuses a context that was
// cancelled or whose transaction has ended.
type Journal struct {
	audit.LogStore
	audit.LogSystem
	handle *sqlstore.Handle
}

var _ audit.Backend = Journal{}

// newJournal makes the tables of the log; those above are the host's business.
func newJournal(ctx context.Context, handle *sqlstore.Handle) (Journal, error) {
	logs, err := auditsql.New(ctx, handle)
	return Journal{LogStore: logs, LogSystem: logs, handle: handle}, err
}

// Transactor "is the one whose transactions the methods join": the handle, and
// the same one each time. Services compare it to see that they share it.
func (j Journal) Transactor() troth.Transactor { return j.handle }

// Append "puts an entry into the inbox, its bytes verbatim. appended is false,
// and nothing changed, if the tenant has one of that ID." The conflict is not
// an error of the database, which would end the transaction on PostgreSQL. Its
// target is named, so that any other constraint still fails. "A row that does
// not pass Validate is refused with its error."
func (j Journal) Append(ctx context.Context, row audit.InboxRow) (appended bool, err error) {
	if err := row.Validate(); err != nil {
		return false, err
	}
	return j.change(ctx, `INSERT INTO journal (shop, id, written, entry, tag) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (shop, id) DO NOTHING`, string(row.Tenant), row.ID[:], row.RecordedAt, row.Envelope, row.Tag[:])
}

// Entries "returns the tenant's entries whose IDs are above After, in ascending
// byte order of ID, at most Limit." What somebody else made too long "is not
// loaded".
func (j Journal) Entries(ctx context.Context, p audit.EntriesPage) ([]audit.InboxRow, error) {
	return j.rows(ctx, `SELECT `+columns+` FROM journal WHERE shop = ? AND id > ? ORDER BY id LIMIT ?`,
		audit.MaxEnvelope, string(p.Tenant), p.After[:], p.Limit)
}

const columns = `shop, id, written, CASE WHEN typeof(entry) = 'blob' AND length(entry) <= ? THEN entry END, tag`

// rows reads and closes all rows before it returns, so that a loop over the
// trail may write even if the pool has one connection. Scan copies bytes:
// "returned slices belong to the caller".
func (j Journal) rows(ctx context.Context, query string, args ...any) ([]audit.InboxRow, error) {
	rows, err := j.handle.Querier(ctx).Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	var found []audit.InboxRow
	for rows.Next() {
		var row audit.InboxRow
		var id, tag []byte
		if err := rows.Scan(&row.Tenant, &id, &row.RecordedAt, &row.Envelope, &tag); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		if len(id) != len(row.ID) || len(tag) != len(row.Tag) {
			return nil, errors.Join(errLength, rows.Close())
		}
		row.ID, row.Tag = troth.EntryID(id), [32]byte(tag)
		found = append(found, row)
	}
	return found, rows.Close() // also tells what ended the rows too early
}

// TakeInbox "removes rows of all tenants from the inbox and returns them, in
// ascending order of time and ID". What a DELETE returns is in no order.
func (j Journal) TakeInbox(ctx context.Context, limit int) ([]audit.InboxRow, error) {
	found, err := j.rows(ctx, `DELETE FROM journal WHERE rowid IN (
		SELECT rowid FROM journal ORDER BY written, id LIMIT ?2) RETURNING `+strings.Replace(columns, "?", "?1", 1),
		audit.MaxEnvelope, limit)
	slices.SortFunc(found, func(a, b audit.InboxRow) int {
		return cmp.Or(cmp.Compare(a.RecordedAt, b.RecordedAt), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return found, err
}

// Quarantine "moves rows from the inbox to a place of their own, verbatim, and
// returns how many were there". Two statements make it one act in a transaction
// only.
func (j Journal) Quarantine(ctx context.Context, ids []audit.TenantEntry) (moved int, err error) {
	err = j.handle.Atomically(ctx, func(ctx context.Context) error {
		for _, id := range ids {
			_, err := j.change(ctx, `INSERT INTO odd_journal (shop, id, written, entry, tag)
				SELECT shop, id, written, entry, tag FROM journal WHERE shop = ? AND id = ?`, string(id.Tenant), id.ID[:])
			if err != nil {
				return err
			}
			gone, err := j.change(ctx, `DELETE FROM journal WHERE shop = ? AND id = ?`, string(id.Tenant), id.ID[:])
			if err != nil {
				return err
			}
			if gone {
				moved++
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return moved, nil
}

// errLength says that somebody else changed an id or a tag of the journal.
var errLength = errors.New("journal: id or tag has the wrong length")

// Pseudonym "returns the row of that name". There being none is no error. "A row
// whose pseudonym or tag has the wrong length, or whose pseudonym is zero, is
// ErrPseudonym."
func (j Journal) Pseudonym(ctx context.Context, name audit.PseudonymName) (row audit.PseudonymRow, found bool, err error) {
	var alias, tag []byte
	row.PseudonymName = name
	found, err = sqlstore.QueryRow(ctx, j.handle.Querier(ctx),
		`SELECT alias, tag, who, made FROM alias WHERE shop = ? AND hash = ?`,
		[]any{string(name.Tenant), name.Lookup[:]}, &alias, &tag, &row.Identity, &row.CreatedAt)
	if err != nil || !found {
		return audit.PseudonymRow{}, false, err
	}
	if len(alias) != len(row.Pseudonym) || len(tag) != len(row.Tag) {
		return audit.PseudonymRow{}, false, audit.ErrPseudonym
	}
	row.Pseudonym, row.Tag = audit.Pseudonym(alias), [32]byte(tag)
	if row.Pseudonym.IsZero() {
		return audit.PseudonymRow{}, false, audit.ErrPseudonym
	}
	return row, true, nil
}

// InsertPseudonym "adds a row. inserted is false, and nothing changed, if there
// is one of that name; a transaction that is about to add one is waited for."
// SQLite has one writer, so the waiting is the handle's; on PostgreSQL the
// unique key would do it.
func (j Journal) InsertPseudonym(ctx context.Context, row audit.PseudonymRow) (inserted bool, err error) {
	return j.change(ctx, `INSERT INTO alias (shop, hash, alias, tag, who, made) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (shop, hash) DO NOTHING`,
		string(row.Tenant), row.Lookup[:], row.Pseudonym[:], row.Tag[:], row.Identity, row.CreatedAt)
}

// DeletePseudonym "removes the row. deleted is false if there is none."
func (j Journal) DeletePseudonym(ctx context.Context, name audit.PseudonymName) (deleted bool, err error) {
	return j.change(ctx, `DELETE FROM alias WHERE shop = ? AND hash = ?`, string(name.Tenant), name.Lookup[:])
}

// Backlog "counts the entries of all tenants that wait in the inbox". It and
// the two below are the SystemStore: the only methods that name no tenant.
func (j Journal) Backlog(ctx context.Context) (b audit.Backlog, err error) {
	var oldest sql.NullInt64 // of no rows
	_, err = sqlstore.QueryRow(ctx, j.handle.Querier(ctx),
		`SELECT count(*), min(written), (SELECT count(*) FROM odd_journal) FROM journal`, nil, &b.Count, &oldest, &b.Quarantined)
	if oldest.Valid {
		b.Oldest = time.UnixMicro(oldest.Int64).UTC()
	}
	return b, err
}

// Managed "reports whether a retention keeper has taken the store over": here a
// row among the host's other settings.
func (j Journal) Managed(ctx context.Context) (bool, error) {
	var name string
	return sqlstore.QueryRow(ctx, j.handle.Querier(ctx), `SELECT name FROM setting WHERE name = 'journal-managed'`, nil, &name)
}

// SetManaged "makes Managed true, for ever": nothing here takes it back.
func (j Journal) SetManaged(ctx context.Context) error {
	_, err := j.change(ctx, `INSERT INTO setting (name) VALUES ('journal-managed') ON CONFLICT (name) DO NOTHING`)
	return err
}

// change runs a statement and reports whether it changed a row.
func (j Journal) change(ctx context.Context, statement string, args ...any) (bool, error) {
	result, err := j.handle.Querier(ctx).Exec(ctx, statement, args...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}
