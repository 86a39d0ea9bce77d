package retention

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/retentionsql"
)

// accountPolicy is one class, kept while the account is open and 30 days out of sight.
func accountPolicy(t testing.TB) *retention.Policy {
	t.Helper()
	policy, err := retention.ParseYAML([]byte(`
format: troth.retention.policy/1
policy: documents
version: 1
title: Documents
effective: 2020-01-01
zone: UTC
sweep: P1D
events:
  - {event: account.closed, scope: account}
copies:
  - {copy: primary, kind: primary}
classes:
  - class: documents
    title: Documents
    records: [document]
    copies: [primary]
    stages:
      - {stage: active, visible: all, until: account.closed}
      - {stage: closed, visible: none, for: P30D}
promises:
  - {promise: closed, from: account.closed, within: P60D, cite: "Terms"}
`))
	require.NoError(t, err)
	return policy
}

// accounts activates the policy and makes n documents of an account.
func accounts(t *testing.T, p *process, n int) {
	t.Helper()
	require.NoError(t, p.k.Activate(person(t.Context(), "officer", "dpo"), accountPolicy(t)))
	_, err := p.h.Querier(t.Context()).Exec(t.Context(), `CREATE TABLE file (id TEXT PRIMARY KEY, visible TEXT NOT NULL)`)
	require.NoError(t, err)
	for i := range n {
		require.NoError(t, p.h.Atomically(t.Context(), func(ctx context.Context) error { return p.create(ctx, fmt.Sprintf("%04d", i)) }))
	}
}

func (p *process) create(ctx context.Context, id string) error {
	_, err := p.h.Querier(ctx).Exec(ctx, p.h.Dialect().Rebind(`INSERT INTO file (id, visible) VALUES (?, 'all')`), id)
	if err != nil {
		return err
	}
	return p.k.Created(ctx, retention.NewRecord{RecordKey: documentKey(id), SubjectID: "p", AccountID: "a", At: began})
}

func documentKey(id string) retention.RecordKey {
	return retention.RecordKey{Tenant: ours, Type: "document", ID: id}
}

func (p *process) closeAccount(t *testing.T) {
	t.Helper()
	require.NoError(t, p.k.HappenedTo(t.Context(), retention.Whole{Tenant: ours, ID: "a"}, retention.Occurrence{Event: "account.closed"}))
}

func (p *process) sweep(t *testing.T) retention.Swept {
	t.Helper()
	s, err := p.k.Sweep(t.Context())
	require.NoError(t, err)
	require.Empty(t, s.Failed)
	return s
}

// hidden counts the documents that nobody sees.
func (p *process) hidden(t *testing.T) (n int) {
	t.Helper()
	_, err := sqlstore.QueryRow(t.Context(), p.h.Querier(t.Context()), `SELECT COUNT(*) FROM file WHERE visible = 'none'`, nil, &n)
	require.NoError(t, err)
	return n
}

func TestMany_TwoProcesses(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqlstore.Handle) {
		at := began.AddDate(0, 0, 1)
		now := func() time.Time { return at }
		a, b := start(t, open(), now, retention.WithBatch(7)), start(t, open(), now, retention.WithBatch(7))
		var hides atomic.Int64
		a.seen, b.seen = func() { hides.Add(1) }, func() { hides.Add(1) }
		accounts(t, a, 60)
		a.closeAccount(t)
		reached := make(chan int, 2)
		for _, p := range []*process{a, b} {
			go func() {
				s, err := p.k.Sweep(t.Context())
				if err != nil || len(s.Failed) > 0 {
					t.Errorf("sweep: %v %v", err, s.Failed)
				}
				reached <- s.Reached
			}()
		}
		total := <-reached + <-reached
		s := a.sweep(t)
		require.Equal(t, 60, total+s.Reached)
		require.Zero(t, s.Open)
		require.EqualValues(t, 60, hides.Load())
		require.Equal(t, 60, a.hidden(t))
		at = at.AddDate(0, 0, 31)
		require.Equal(t, 60, b.sweep(t).Destroyed)
	})
}

// A record that was written before the account was closed, and is committed when the
// event has passed its place, is reached all the same; so is one of a transaction that
// reads what there was before.
func TestMany_ARecordWrittenMeanwhileIsUnderIt(t *testing.T) {
	db := pgtest.Open(t)
	at := began.AddDate(0, 0, 1)
	h, _ := open(t, db, sqlstore.Postgres)
	p := start(t, h, func() time.Time { return at })
	accounts(t, p, 3)

	host, commit, _, err := sqltest.Host(t.Context(), h, db)
	require.NoError(t, err)
	require.NoError(t, p.create(host, "0000-late"))
	old, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	defer func() { _ = old.Rollback() }()
	_, err = old.ExecContext(t.Context(), "SELECT COUNT(*) FROM file") // its snapshot
	require.NoError(t, err)

	p.closeAccount(t)
	for range 2 {
		s := p.sweep(t)
		require.Equal(t, 1, s.Open, "a transaction is open that has written")
		require.Equal(t, 3, p.hidden(t), "the first way does not wait")
	}
	require.NoError(t, commit())
	d, err := p.k.Record(t.Context(), documentKey("0000-late"))
	require.NoError(t, err)
	require.Equal(t, "closed", d.Stage)
	s := p.sweep(t)
	require.Equal(t, 1, s.Reached)
	require.Zero(t, s.Open)
	require.Equal(t, 4, p.hidden(t))

	require.NoError(t, p.create(h.WithTx(t.Context(), old), "0000-old"))
	require.NoError(t, old.Commit())
	p.sweep(t)
	require.Equal(t, 5, p.hidden(t))
}

// A record that somebody has locked is waited for on the last way, and nothing else is.
func TestMany_WhatIsLockedIsWaitedFor(t *testing.T) {
	db := pgtest.Open(t)
	h, s := open(t, db, sqlstore.Postgres)
	p := start(t, h, func() time.Time { return began.AddDate(0, 0, 1) })
	accounts(t, p, 3)
	p.closeAccount(t)
	require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
		_, found, err := s.LockRecord(ctx, documentKey("0001"), true)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, 1, p.sweep(t).Open)
		require.Equal(t, 2, p.hidden(t))
		return nil
	}))
	require.Zero(t, p.sweep(t).Open)
	require.Equal(t, 3, p.hidden(t))
}

// Another process takes the lanes of one that stands still, which commits nothing then.
func TestSweep_WhoStoodStillCommitsNothing(t *testing.T) {
	db := pgtest.Open(t)
	h, s := open(t, db, sqlstore.Postgres)
	now := func() time.Time { return began.AddDate(0, 0, 40) }
	still := start(t, h, now)
	documents(t, still, 4)
	// Who locks a tenant for the first time is alone with it.
	require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error { return s.LockTenant(ctx, ours, false) }))
	other, _ := open(t, db, sqlstore.Postgres)
	b := start(t, other, now)
	first := true
	still.destroyed = func() {
		if !first {
			return
		}
		first = false
		_, err := db.ExecContext(t.Context(), "UPDATE troth_retention_lease SET ends_at = 1") // much later
		require.NoError(t, err)
		// What this one has locked is passed over, and the lane was the other's since.
		require.Zero(t, b.sweep(t).Destroyed)
	}
	require.Zero(t, still.sweep(t).Destroyed)
	require.EqualValues(t, 4, still.left(t), "all that it did is undone")
	require.Equal(t, 4, b.sweep(t).Destroyed)
	require.Zero(t, b.left(t))
}

// carryElsewhere is another program, which stands still at the third record.
func carryElsewhere(ctx context.Context, h *sqlstore.Handle, s *retentionsql.Store) (err error) {
	n := 0
	p := &process{h: h, seen: func() {
		if n++; n == 3 {
			fmt.Println("third")
			select {}
		}
	}}
	p.k, err = retention.New(ctx, retention.Config{Store: s, Recorder: troth.UnsafeNoEvidence(h)}, retention.WithBatch(2),
		retention.WithLease(time.Second), retention.WithClock(func() time.Time { return began.AddDate(0, 0, 1) }),
		retention.WithRecords("document", retention.Registration{Handler: p}))
	if err != nil {
		return err
	}
	_, err = p.k.Sweep(ctx)
	return err
}

func TestMany_GoesOnAfterACrash(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		file := url.URL{Scheme: "file", Path: filepath.Join(t.TempDir(), "test.db")}
		crashes(t, "sqlite", file.String())
	})
	t.Run("postgres", func(t *testing.T) { crashes(t, "pgx", pgtest.DSN(t)) })
}

func crashes(t *testing.T, driver, source string) {
	t.Helper()
	sqltest.Programs(t)
	db, err := sql.Open(driver, source)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	h, err := sqlstore.Open(t.Context(), db, dialectOf(driver))
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	p := start(t, h, func() time.Time { return began.AddDate(0, 0, 1) }, retention.WithBatch(2))
	accounts(t, p, 7)
	p.closeAccount(t)

	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childEnv+"=carry "+driver+" "+source)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	require.Equal(t, "third", lines.Text())
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())

	require.Equal(t, 2, p.hidden(t), "what was committed stays, the rest is undone")
	reached, open := 0, 1
	for open > 0 { // until the lease of the dead is over
		s := p.sweep(t)
		reached, open = reached+s.Reached, s.Open
	}
	require.Equal(t, 5, reached)
	require.Equal(t, 7, p.hidden(t))
}
