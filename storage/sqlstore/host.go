package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"weak"

	"github.com/trothdev/troth"
)

// WithTx returns ctx inside tx, a transaction that the host began on the same
// database and will end itself. Every call with the same tx joins the same
// [troth.Scope]. On SQLite the first use checks that foreign keys, synchronous
// and the journal mode of its connection are as the guarantees need them, else
// [*SettingError]; and switches secure_delete on, which the connection keeps.
// Waiting for locks is bounded for the statements of the handle, and the host's
// setting is as it was after each of them. The host leaves the checked settings
// and the isolation level alone while tx runs; all but secure_delete the database
// itself refuses to change by then.
func (h *Handle) WithTx(ctx context.Context, tx *sql.Tx) context.Context {
	if b := h.bound(ctx); b != nil && b.tx == tx && tx != nil {
		return ctx
	}
	s := h.hostSession(tx)
	return h.with(ctx, &binding{s: s, f: s.root, conn: tx, tx: tx})
}

// hostSession returns the session of tx, which lives as long as tx does.
func (h *Handle) hostSession(tx *sql.Tx) *session {
	fresh := newSession(h, &frame{})
	fresh.host = true
	if tx == nil {
		fresh.dead = errors.New("sqlstore: WithTx was given no transaction")
		return fresh
	}
	key := weak.Make(tx)
	known, loaded := h.hosts.LoadOrStore(key, fresh)
	if !loaded {
		runtime.AddCleanup(tx, func(key weak.Pointer[sql.Tx]) { h.hosts.Delete(key) }, key)
	}
	return known.(*session)
}

// scope returns the scope of b's level. That of a host's transaction is made
// when it is first asked for.
func (b *binding) scope(ctx context.Context) *troth.Scope {
	if !b.s.host || b.f != b.s.root {
		return b.f.scope
	}
	b.s.askScope.Do(func() { b.f.scope = troth.NewHostScope(b.hostIsCurrent(ctx)) })
	return b.f.scope
}

// hostIsCurrent asks whether the host's transaction sees every commit made
// before each of its reads. On SQLite it reads a snapshot, unless it writes: then
// nobody else can. Where the question cannot be put, no is the safe answer.
func (b *binding) hostIsCurrent(ctx context.Context) bool {
	if b.s.enter(b.f) != nil {
		return false
	}
	defer b.s.leave()
	if b.s.h.dialect == SQLite {
		return b.becomesWriter(ctx)
	}
	// Not to be cancelled: PostgreSQL drivers drop the connection for it. A
	// SELECT and not SHOW, since after a query PostgreSQL refuses to change the
	// level, and the answer stays true.
	level, err := queryText(context.WithoutCancel(ctx), b.conn, "SELECT current_setting('transaction_isolation')")
	return err == nil && level == "read committed"
}

// becomesWriter makes a host's transaction on SQLite take the write lock, where
// it costs nobody anything: in a pool of one connection. There it is needed,
// since committed rows can be seen in no other way while the transaction runs.
func (b *binding) becomesWriter(ctx context.Context) bool {
	if b.s.h.db.Stats().MaxOpenConnections != 1 {
		return false
	}
	_, err := b.conn.ExecContext(context.WithoutCancel(ctx), "DELETE FROM troth_migration WHERE 0")
	return err == nil
}

// checkHost looks once at the settings of the connection under a host's
// transaction on SQLite, and sets the one that does no harm to the host. It is called while the session is in use.
func (b *binding) checkHost(ctx context.Context) error {
	if !b.s.host || b.s.checked || b.s.h.dialect != SQLite {
		return nil
	}
	if err := b.s.h.writer.file.check(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	for _, want := range b.s.h.writer.hostSettings() {
		got, err := queryText(ctx, b.conn, "PRAGMA "+want.name)
		if err != nil {
			return wrap("read setting "+want.name, err)
		}
		if !want.holds(got) {
			return fmt.Errorf("%w, in the data source of the host's database", &SettingError{Setting: want.name, Want: want.text, Got: got})
		}
	}
	// What is destroyed in the host's transaction must not stay in the file's
	// free pages either.
	if err := secureDelete.apply(ctx, b.conn); err != nil {
		return wrap("set "+secureDelete.name, err)
	}
	if err := b.hurries(ctx); err != nil {
		return err
	}
	b.s.checked = true
	return nil
}

// queryText reads one value as text.
func queryText(ctx context.Context, c conn, query string) (string, error) {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	var v any
	for rows.Next() {
		if err := rows.Scan(&v); err != nil {
			return "", err
		}
	}
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10), rows.Err()
	case []byte:
		return string(v), rows.Err()
	}
	return fmt.Sprint(v), rows.Err()
}
