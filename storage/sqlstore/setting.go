package sqlstore

import (
	"context"
	"slices"
	"strconv"
)

// setting is a PRAGMA of SQLite that the guarantees rest on.
type setting struct {
	name string
	set  string   // the value that the handle sets on its own connection
	text string   // what is wanted, for people
	good []string // the answers that will do
}

func (s setting) holds(got string) bool { return slices.Contains(s.good, got) }

var (
	foreignKeys = setting{"foreign_keys", "ON", "on", []string{"1"}}
	synchronous = setting{"synchronous", "FULL", "full or extra", []string{"2", "3"}}
	journalWAL  = setting{"journal_mode", "WAL", "wal", []string{"wal"}}
	// Without it a destroyed key stays in the file's free pages until they are
	// used again.
	secureDelete = setting{"secure_delete", "ON", "on", []string{"1"}}
)

// hostSettings are those that must hold under a host's transaction.
func (w *writer) hostSettings() []setting {
	if w.memory {
		return []setting{foreignKeys}
	}
	return []setting{foreignKeys, synchronous, journalWAL}
}

// apply makes a setting hold on c. Some say so by an answer, some by silence,
// so it is read back.
func (s setting) apply(ctx context.Context, c conn) error {
	if got, err := queryText(ctx, c, "PRAGMA "+s.name); err == nil && s.holds(got) {
		return nil
	}
	if _, err := queryText(ctx, c, "PRAGMA "+s.name+" = "+s.set); err != nil {
		return err
	}
	got, err := queryText(ctx, c, "PRAGMA "+s.name)
	if err == nil && !s.holds(got) {
		err = &SettingError{Setting: s.name, Want: s.text, Got: got}
	}
	return err
}

// configure brings a connection into shape, and returns the busy timeout that it came with.
func (w *writer) configure(ctx context.Context, c conn) (timeout string, err error) {
	timeout, err = queryText(ctx, c, "PRAGMA busy_timeout")
	if err != nil {
		return "", err
	}
	for _, s := range append(w.hostSettings(), secureDelete) {
		if err := s.apply(ctx, c); err != nil {
			return "", err
		}
	}
	return timeout, nil
}

// checkPool refuses a database in memory whose pool may hold more than one
// connection.
func (w *writer) checkPool() error {
	limit := w.h.db.Stats().MaxOpenConnections
	if !w.memory || limit == 1 {
		return nil
	}
	got := strconv.Itoa(limit)
	if limit == 0 {
		got = "not limited"
	}
	return &SettingError{Setting: "connections to a database in memory", Want: "limited to 1", Got: got}
}

// databaseFile returns the path of the main database, empty if it is in memory.
func databaseFile(ctx context.Context, c conn) (string, error) {
	rows, err := c.QueryContext(ctx, "PRAGMA database_list")
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var seq int
		var name, file string
		if err := rows.Scan(&seq, &name, &file); err != nil {
			return "", err
		}
		if name == "main" {
			return file, nil
		}
	}
	return "", rows.Err()
}
