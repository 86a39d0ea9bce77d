package main

import (
	"context"
	"encoding/binary"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/codenotary/immudb/embedded/logger"
	"github.com/codenotary/immudb/embedded/store"
)

// contestants are all that is measured. immudb's timer gathers transactions for
// one sync: of 20 ms by default, and 1 ms is the least that its own tests use. At
// zero it syncs as soon as there is something, and with the values beside their
// transactions in preallocated files, one fdatasync less and a cheaper one
// each: the fastest durable setting that was found.
func contestants(writers int) []*contestant {
	all := append(trails("sqlite", "trail"), &contestant{name: "SQLite alone", open: openFloor("sqlite", writers)})
	if inC != "" {
		all = append(all, trails(inC, "trail, SQLite in C")...)
	}
	return append(all,
		&contestant{name: immudb + " synced, 1 ms timer", open: openImmudb(time.Millisecond, false)},
		&contestant{name: immudb + " synced, no timer, embedded values, preallocated", open: openImmudb(0, true)},
	)
}

// inC is the name of the driver with SQLite in C, if it is compiled in.
var inC string

const immudb = "immudb"

func (c *contestant) isPeer() bool { return strings.HasPrefix(c.name, immudb) }

// openImmudb returns how immudb is opened: synced, so that a commit returns when
// it is durable. Commits do not wait for its index.
func openImmudb(timer time.Duration, compact bool) func(context.Context, string) (func(context.Context) error, func() error, error) {
	return func(_ context.Context, dir string) (func(context.Context) error, func() error, error) {
		opts := store.DefaultOptions().WithSynced(true).WithSyncFrequency(timer).
			WithEmbeddedValues(compact).WithPreallocFiles(compact).
			WithLogger(logger.NewSimpleLogger(immudb, io.Discard))
		st, err := store.Open(dir, opts)
		if err != nil {
			return nil, nil, err
		}
		var key atomic.Uint64
		value := make([]byte, 256)
		return func(ctx context.Context) error {
			tx, err := st.NewWriteOnlyTx(ctx)
			if err != nil {
				return err
			}
			if err := tx.Set(binary.BigEndian.AppendUint64(nil, key.Add(1)), nil, value); err != nil {
				return err
			}
			_, err = tx.AsyncCommit(ctx) // without the index, and durable
			return err
		}, st.Close, nil
	}
}
