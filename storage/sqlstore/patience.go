package sqlstore

import (
	"context"
	"fmt"
	"strconv"
)

// calm ends what hurry began. It may be called once, also when the statement
// failed, and while the session is in use.
type calm func() error

func unhurried() error { return nil }

// hurry bounds how long the next statement waits for locks in a host's
// transaction, as the handle's own are bounded: whoever holds the lock may be
// the caller itself, further up. The host keeps a setting of its own that is no
// longer, and what calm gives back to it holds for its own statements.
//
// It is done for every call anew, since a savepoint that the host rolls back
// takes settings of PostgreSQL along unheard. A savepoint of ours is one call.
func (b *binding) hurry(ctx context.Context) (calm, error) {
	switch {
	case !b.s.host || b.f != b.s.root:
		return unhurried, nil
	case b.s.h.dialect == SQLite:
		return b.hurrySQLite(ctx)
	}
	return b.hurryPostgres(ctx)
}

// hurryPostgres changes lock_timeout until the end of the transaction at most. A
// value that somebody else set meanwhile is not touched by its calm.
//
// Nothing is read, because a query while the host reads rows of its own would
// break the connection with some drivers, which only refuse to execute.
func (b *binding) hurryPostgres(ctx context.Context) (calm, error) {
	ctx = context.WithoutCancel(ctx) // drivers drop the connection for it
	ms := b.s.h.wait.Milliseconds()
	res, err := b.conn.ExecContext(ctx, hurryUp(ms))
	if err != nil {
		return unhurried, err
	}
	if changed, err := res.RowsAffected(); err == nil && changed == 0 {
		return unhurried, nil
	}
	return func() error {
		_, err := b.conn.ExecContext(ctx, calmDown(ms))
		return err
	}, nil
}

// hurryUp keeps the host's value in a setting of our own, which belongs to one
// bound, so that two handles in one transaction do not mix theirs up. It is
// without placeholders, so that drivers need not prepare it. The timeout reads
// as an interval in units of its own, or as 0, which is for ever.
func hurryUp(ms int64) string {
	return fmt.Sprintf(`SELECT set_config('troth.lock_timeout_%[1]d', current_setting('lock_timeout'), true), set_config('lock_timeout', '%[1]d', true)
	WHERE current_setting('lock_timeout') = '0' OR current_setting('lock_timeout')::interval > interval '%[1]d ms'`, ms)
}

func calmDown(ms int64) string {
	return fmt.Sprintf(`SELECT set_config('lock_timeout', current_setting('troth.lock_timeout_%[1]d'), true)
	WHERE current_setting('lock_timeout')::interval = interval '%[1]d ms'`, ms)
}

// hurrySQLite changes the busy timeout of the host's connection, which no
// savepoint takes back.
func (b *binding) hurrySQLite(ctx context.Context) (calm, error) {
	if b.s.timeout == 0 {
		return unhurried, nil
	}
	ctx = context.WithoutCancel(ctx)
	set := func(ms int64) error {
		_, err := queryText(ctx, b.conn, "PRAGMA busy_timeout = "+strconv.FormatInt(ms, 10))
		return err
	}
	return func() error { return set(b.s.timeout) }, set(b.s.h.wait.Milliseconds())
}

// hurries reads the host's busy timeout on SQLite, and remembers one that is
// longer than the wait bound.
func (b *binding) hurries(ctx context.Context) error {
	text, err := queryText(ctx, b.conn, "PRAGMA busy_timeout")
	if err != nil {
		return wrap("read setting busy_timeout", err)
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return wrap("read setting busy_timeout", err)
	}
	if ms > b.s.h.wait.Milliseconds() {
		b.s.timeout = ms
	}
	return nil
}
