package vault_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
)

// TestImport_BesideManyWriters imports people in the host's transactions while
// the rest of 64 goroutines seals for others in own ones. Everything that was
// acknowledged opens afterwards in another vault.
func TestImport_BesideManyWriters(t *testing.T) {
	const (
		goroutines = 64
		importers  = 1
		people     = 2000 / slowdown
		batch      = 100
		beside     = 24 / slowdown // for each of the others
	)
	d := newStock(t, "sqlite")
	db := d.open(t)
	_, err := db.Exec("CREATE TABLE customer (id TEXT PRIMARY KEY, email BLOB NOT NULL)")
	require.NoError(t, err)
	im := &importing{d: d, db: db, kit: d.kitOn(t, db)}
	began := time.Now()
	var batches atomic.Int64
	errs := make([]error, goroutines)
	var all sync.WaitGroup
	for i := range goroutines {
		all.Go(func() {
			if i < importers {
				for errs[i] == nil {
					n := int(batches.Add(1)) - 1
					if n >= people/batch {
						return
					}
					errs[i] = again(func() error { return im.batch(t, n*batch, (n+1)*batch) })
				}
				return
			}
			for n := 0; errs[i] == nil && n < beside; n++ {
				subject := fmt.Sprintf("own-%d-%d", i, n)
				errs[i] = again(func() error { return im.own(t.Context(), subject) })
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, im.sealed, (goroutines-importers)*beside)
	require.Equal(t, people, im.opensAll(t))
	t.Logf("%d imported in %v", people, took)
}

// again repeats what the database was too busy for, for a while.
func again(do func() error) (err error) {
	for range 10 {
		if err = do(); err == nil || !troth.Retryable(err) {
			return err
		}
	}
	return err
}

// importing is a host that stores sealed e-mails in its own table.
type importing struct {
	d   database
	db  *sql.DB
	kit *kit.Kit

	mu sync.Mutex
	// sealed are the values of own transactions.
	sealed map[string][]byte
}

// batch imports people in one transaction of the host's.
func (im *importing) batch(t *testing.T, from, to int) (err error) {
	tx, err := im.db.BeginTx(t.Context(), nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	ctx := im.kit.WithTx(t.Context(), tx)
	for i := from; i < to; i++ {
		subject := fmt.Sprint(i)
		v, err := im.kit.Vault.AppendSeal(ctx, nil, emailOf(shop, subject), plaintextOf(subject))
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO customer (id, email) VALUES (?, ?)", subject, v); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (im *importing) own(ctx context.Context, subject string) error {
	v, err := im.kit.Vault.AppendSeal(ctx, nil, emailOf(shop, subject), plaintextOf(subject))
	if err != nil {
		return err
	}
	im.mu.Lock()
	defer im.mu.Unlock()
	if im.sealed == nil {
		im.sealed = map[string][]byte{}
	}
	im.sealed[subject] = v
	return nil
}

// opensAll opens everything in a vault that has nothing cached, and returns how
// many rows the host's table has.
func (im *importing) opensAll(t *testing.T) (rows int) {
	t.Helper()
	values := im.sealed
	list, err := im.d.open(t).Query("SELECT id, email FROM customer")
	require.NoError(t, err)
	defer func() { _ = list.Close() }()
	for list.Next() {
		var id string
		var v []byte
		require.NoError(t, list.Scan(&id, &v))
		values[id] = v
		rows++
	}
	require.NoError(t, list.Err())
	fresh, ctx := im.d.kit(t), service(t.Context(), "reader")
	for subject, v := range values {
		plain, err := fresh.Vault.AppendOpen(ctx, nil, emailOf(shop, subject), orders, v)
		require.Equal(t, ok, openedAs(subject, plain, err), subject)
	}
	return rows
}
