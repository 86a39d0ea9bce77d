package task_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trothdev/troth/storage/sqlstore"
)

// handWritten drains the same number of rows by a loop as many people write it:
// one statement leases a batch, one deletes it.
func (x *bench) handWritten(b *testing.B, n, workers int) time.Duration {
	b.Helper()
	claim, ack := `UPDATE job SET lease_until = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + 30000000, attempt = attempt + 1
		WHERE id IN (SELECT id FROM job WHERE run_at <= $1 AND lease_until < $1 ORDER BY run_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)
		RETURNING id, payload`, `DELETE FROM job WHERE id = ANY($1::int[])`
	if x.dialect == sqlstore.SQLite {
		claim = `UPDATE job SET lease_until = unixepoch('now', 'subsec') * 1000000 + 30000000, attempt = attempt + 1
			WHERE id IN (SELECT id FROM job WHERE run_at <= ?1 AND lease_until < ?1 ORDER BY run_at, id LIMIT ?2) RETURNING id, payload`
		ack = `DELETE FROM job WHERE id IN (SELECT value FROM json_each(?))`
	}
	var running sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(n))
	began := time.Now()
	for range workers {
		running.Go(func() {
			for left.Load() > 0 {
				batch, err := x.leased(b.Context(), claim)
				if err == nil && len(batch) > 0 {
					err = x.acknowledge(b.Context(), ack, batch)
				}
				if err != nil {
					b.Error(err)
					return
				}
				left.Add(-int64(len(batch)))
			}
		})
	}
	running.Wait()
	return time.Since(began)
}

func (x *bench) leased(ctx context.Context, claim string) (batch []string, err error) {
	read := func(ctx context.Context) error {
		rows, err := x.h.Querier(ctx).Query(ctx, claim, time.Now().UnixMicro(), benchBatch)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var id int64
			var p []byte
			if err := rows.Scan(&id, &p); err != nil {
				return err
			}
			batch = append(batch, fmt.Sprint(id))
		}
		return rows.Err()
	}
	if x.dialect == sqlstore.SQLite {
		return batch, x.h.Atomically(ctx, read)
	}
	rows, err := x.db.QueryContext(ctx, claim, time.Now().UnixMicro(), benchBatch)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		var p []byte
		if err := rows.Scan(&id, &p); err != nil {
			return nil, err
		}
		batch = append(batch, fmt.Sprint(id))
	}
	return batch, rows.Err()
}

func (x *bench) acknowledge(ctx context.Context, ack string, batch []string) error {
	list := strings.Join(batch, ",")
	if x.dialect == sqlstore.SQLite {
		_, err := x.h.Querier(ctx).Exec(ctx, ack, "["+list+"]")
		return err
	}
	_, err := x.db.ExecContext(ctx, ack, "{"+list+"}")
	return err
}

func (x *bench) seedJobs(b *testing.B, n int) {
	b.Helper()
	series := "SELECT value FROM generate_series(1, " + fmt.Sprint(n) + ") AS g (value)"
	if x.dialect == sqlstore.SQLite {
		series = "SELECT value FROM (WITH RECURSIVE g(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM g WHERE value < " + fmt.Sprint(n) + ") SELECT value FROM g)"
	}
	x.exec(b, "INSERT INTO job (id, payload, run_at, lease_until, attempt) SELECT value, ?, 1, 0, 0 FROM ("+series+") s", append(slices.Clone(payload), make([]byte, 28)...))
}
