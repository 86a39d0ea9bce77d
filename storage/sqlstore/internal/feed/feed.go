// Package feed keeps the events that processes follow to learn what others changed,
// in a table of a store.
//
// On SQLite, where one transaction writes at a time, an event gets its position as it
// is raised. On PostgreSQL rows land without one, and whoever follows and gets the
// lock numbers those that are committed.
package feed

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

// Table is where the events of a store are. It has the columns position, unique, and on
// PostgreSQL id.
type Table struct {
	Name string
	// Columns are those of an event, the tenant first; At is the one of its instant.
	Columns []string
	At      string
	// Values are how the columns of a row e are read by [Follow].
	Values string
	// Lock is the key of the advisory lock under which the feed is numbered.
	Lock int64
}

// No store numbers above MaxPosition, and raising for as long as the world lasts does
// not come near it. Rows above it, or below 1, are not the feed's, whoever wrote them:
// nothing counts them.
const (
	MaxPosition = 1 << 62
	// lastPosition is the highest that leaves room to number what is waiting.
	lastPosition = MaxPosition - 1<<32
)

// Plausible is what positions may be.
var Plausible = "BETWEEN 1 AND " + strconv.FormatInt(MaxPosition, 10)

// Feed is a feed in a table.
type Feed struct {
	db   *statement.DB
	lock int64

	raise, raiseAt, head, look, numberLock, number, prune string
	// clear and restart begin a new era of positions.
	clear, restart string
}

// New returns the feed in a table of a store.
func New(db *statement.DB, t Table) *Feed {
	f := &Feed{db: db, lock: t.Lock}
	columns, marks := strings.Join(t.Columns, ", "), "?"+strings.Repeat(", ?", len(t.Columns)-1)
	in := strings.NewReplacer("$feed", t.Name, "$columns", columns, "$marks", marks, "$at", t.At, "$values", t.Values, "$plausible", Plausible,
		"$last", strconv.FormatInt(lastPosition, 10))
	for to, text := range map[*string]string{
		&f.head: `SELECT COALESCE(MAX(position), 0) FROM $feed WHERE position $plausible`,
		// One statement and so one snapshot: the head must not run ahead of the events,
		// nor a pruning come between them.
		&f.look: `SELECT b.head, e.position, $values
			FROM (SELECT COALESCE(MAX(position), 0) AS head FROM $feed WHERE position $plausible) b
			LEFT JOIN $feed e ON (e.position > ? AND e.position $plausible)`, // and a limit
		&f.prune: `DELETE FROM $feed WHERE position NOT $plausible OR ($at < ?
			AND position < (SELECT MAX(position) FROM $feed WHERE position $plausible))`,
		&f.clear:   `DELETE FROM $feed WHERE position IS NOT NULL`,
		&f.raise:   `INSERT INTO $feed ($columns) VALUES ($marks)`,
		&f.raiseAt: `INSERT INTO $feed (position, $columns) VALUES (?, $marks)`,
		&f.restart: `UPDATE sqlite_sequence SET seq = ? WHERE name = '$feed'`,

		&f.numberLock: `SELECT pg_try_advisory_xact_lock(?)`,
		&f.number: `UPDATE $feed f SET position = n.position
			FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) + ? AS position FROM $feed WHERE position IS NULL) n
			WHERE f.id = n.id`,
	} {
		*to = in.Replace(text)
	}
	if db.Postgres() {
		f.look += " OR e.position IS NULL"
	} else {
		// The next position, as AUTOINCREMENT would give it if nobody forged any: it
		// does not start again when rows are gone.
		f.raise = in.Replace(`INSERT INTO $feed (position, $columns)
			SELECT n.position, $marks FROM (SELECT 1 + MAX(
				COALESCE((SELECT MAX(position) FROM $feed WHERE position $plausible), 0),
				COALESCE((SELECT MAX(seq) FROM sqlite_sequence
					WHERE name = '$feed' AND typeof(seq) = 'integer' AND seq $plausible), 0)) AS position) n
			WHERE n.position <= $last`)
	}
	f.look += " LIMIT ?"
	for _, text := range []*string{&f.raise, &f.raiseAt, &f.head, &f.look, &f.numberLock, &f.number, &f.prune, &f.clear, &f.restart} {
		*text = db.Dialect().Rebind(*text)
	}
	return f
}

// Raise inserts an event: the values of its columns.
func (f *Feed) Raise(ctx context.Context, event ...any) error {
	raised, err := f.db.Affects(ctx, f.raise, event...)
	if err == nil && !raised && !f.db.Postgres() {
		err = f.db.Atomically(ctx, func(ctx context.Context) error {
			var head int64
			if head, err = f.newEra(ctx); err != nil {
				return err
			}
			raised, err = f.db.Affects(ctx, f.raiseAt, append([]any{head + 1}, event...)...)
			return err
		})
	}
	if err == nil && !raised {
		err = f.db.ErrLost
	}
	return err
}

// newEra makes room where somebody has forged a high position: it empties the feed
// of what has a position, and returns a head from which to count on. It is drawn at
// random, so that nobody who followed stands there: all others find a gap and forget
// everything, which covers what was removed.
func (f *Feed) newEra(ctx context.Context) (head int64, err error) {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand documents
	head = 1<<60 + int64(binary.BigEndian.Uint64(b[:])>>4)
	q := f.db.Querier(ctx)
	if _, err = q.Exec(ctx, f.clear); err == nil && !f.db.Postgres() {
		_, err = q.Exec(ctx, f.restart, head)
	}
	return head, err
}

// Number gives positions to the committed events that have none, unless somebody else
// is at it.
func (f *Feed) Number(ctx context.Context) error {
	return f.db.Atomically(ctx, func(ctx context.Context) error {
		q := f.db.Querier(ctx)
		var gained bool
		_, err := sqlstore.QueryRow(ctx, q, f.numberLock, []any{f.lock}, &gained)
		if err != nil || !gained {
			return err
		}
		// A statement of its own: its snapshot is younger than the lock, so it sees
		// what the last holder numbered.
		var head int64
		if _, err := sqlstore.QueryRow(ctx, q, f.head, nil, &head); err != nil {
			return err
		}
		if head >= lastPosition {
			if head, err = f.newEra(ctx); err != nil {
				return err
			}
		}
		_, err = q.Exec(ctx, f.number, head)
		return err
	})
}

// Prune deletes what is older, but for the newest. An event without a position stays:
// nobody could tell that it was ever there. What no store wrote goes.
func (f *Feed) Prune(ctx context.Context, at int64) error {
	_, err := f.db.Exec(ctx, f.prune, at)
	return err
}
