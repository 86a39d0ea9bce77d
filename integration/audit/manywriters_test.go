package audit

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/integration/pgtest"
)

// Writers of the benchmark: pools of connections, as processes have them, and
// writers on each.
const (
	pools          = 4
	writersPerPool = 8
)

// BenchmarkManyWriters compares recording from many processes on PostgreSQL
// with the usual way to keep a hash chain in a database: one transaction for each
// entry, which locks the row of the head, so that all wait for each other's
// commit. Both run by turns; times is how often faster recording is. With
// sequencer, every pool runs it meanwhile, and drain-ms is how long after the
// last entry the inbox was empty.
func BenchmarkManyWriters(b *testing.B) {
	for _, who := range []struct {
		name    string
		subject string
		kind    troth.ActorKind
	}{{"service", "", troth.Service}, {"person", "17", troth.Person}} {
		for _, sequencer := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/sequencer=%t", who.name, sequencer), func(b *testing.B) {
				s := benchSite(b)
				chain := newChain(b)
				programs := s.programs(b)
				record := func(writer int) error {
					ctx := troth.WithActor(b.Context(), troth.Actor{Kind: who.kind, ID: fmt.Sprintf("w%d", writer)})
					_, err := programs[writer%pools].trail.Record(ctx, troth.Entry{
						Act: act, Tenant: tenants[writer%len(tenants)], SubjectID: who.subject,
					})
					return err
				}
				for w := range pools * writersPerPool {
					require.NoError(b, record(w)) // the people are known
				}
				ctx, stop := context.WithCancel(b.Context())
				var running sync.WaitGroup
				if sequencer {
					for _, p := range programs {
						running.Go(func() { _ = p.trail.Run(ctx) })
					}
				}
				var ours, theirs, drain time.Duration
				const entries, links = 4000, 1000
				rounds := 0
				for b.Loop() {
					rounds++
					theirs += timed(b, links, chain.link)
					ours += timed(b, entries, record)
					if sequencer {
						drain = max(drain, drained(b, programs[0].trail))
					}
				}
				stop()
				running.Wait()
				recorded := float64(rounds*entries) / ours.Seconds()
				linked := float64(rounds*links) / theirs.Seconds()
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(recorded, "entries/s")
				b.ReportMetric(linked, "chained/s")
				b.ReportMetric(recorded/linked, "times")
				if sequencer {
					b.ReportMetric(float64(drain.Milliseconds()), "drain-ms")
				}
			})
		}
	}
}

// timed makes n calls from all writers together.
func timed(b *testing.B, n int, call func(writer int) error) time.Duration {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	began := time.Now()
	for w := range pools * writersPerPool {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := call(w); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

// drained waits until nothing waits in the inbox.
func drained(b *testing.B, trail *audit.Trail) time.Duration {
	b.Helper()
	for began := time.Now(); ; {
		backlog, err := trail.Backlog(b.Context())
		require.NoError(b, err)
		if backlog.Count == 0 {
			return time.Since(began)
		}
		time.Sleep(5 * time.Millisecond) //nolint:forbidigo // the database's own time is measured
	}
}

func benchSite(b *testing.B) site {
	b.Helper()
	key, err := audit.GenerateSigningKey(origin)
	require.NoError(b, err)
	s := site{Driver: "pgx", DSN: pgtest.DSN(b), Seed: make([]byte, 32)}
	s.Signer, err = key.Secret().Reveal("test")
	require.NoError(b, err)
	return s
}

// programs opens the site as many processes do.
func (s site) programs(b *testing.B) []*program {
	b.Helper()
	key, err := audit.ParseSigningKey(s.Signer)
	require.NoError(b, err)
	list := make([]*program, pools)
	for i := range list {
		p, db, err := s.connect(b.Context(), func(b audit.Backend) audit.Backend { return b }, audit.WithSigner(key))
		require.NoError(b, err)
		db.SetMaxIdleConns(12)
		b.Cleanup(func() { _ = db.Close() })
		list[i] = p
	}
	return list
}

// chain is a hash chain in a table of its own.
type chain struct {
	dbs [pools]*sql.DB
	ctx context.Context
}

func newChain(b *testing.B) *chain {
	b.Helper()
	dsn := pgtest.DSN(b)
	c := &chain{ctx: b.Context()}
	for i := range c.dbs {
		db, err := sql.Open("pgx", dsn)
		require.NoError(b, err)
		db.SetMaxOpenConns(writersPerPool)
		db.SetMaxIdleConns(writersPerPool)
		b.Cleanup(func() { _ = db.Close() })
		c.dbs[i] = db
	}
	for _, statement := range []string{
		`CREATE TABLE head (one INT PRIMARY KEY, size BIGINT NOT NULL, hash BYTEA NOT NULL)`,
		`INSERT INTO head VALUES (1, 0, '')`,
		`CREATE TABLE entry (idx BIGINT PRIMARY KEY, hash BYTEA NOT NULL, envelope BYTEA NOT NULL)`,
	} {
		_, err := c.dbs[0].ExecContext(b.Context(), statement)
		require.NoError(b, err)
	}
	return c
}

// link adds an entry of 256 bytes.
func (c *chain) link(writer int) error {
	tx, err := c.dbs[writer%pools].BeginTx(c.ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var size int64
	var hash []byte
	if err := tx.QueryRowContext(c.ctx, `SELECT size, hash FROM head WHERE one = 1 FOR UPDATE`).Scan(&size, &hash); err != nil {
		return err
	}
	envelope := make([]byte, 256)
	next := sha256.Sum256(append(hash, envelope...))
	if _, err := tx.ExecContext(c.ctx, `INSERT INTO entry VALUES ($1, $2, $3)`, size, next[:], envelope); err != nil {
		return err
	}
	if _, err := tx.ExecContext(c.ctx, `UPDATE head SET size = $1, hash = $2 WHERE one = 1`, size+1, next[:]); err != nil {
		return err
	}
	return tx.Commit()
}
