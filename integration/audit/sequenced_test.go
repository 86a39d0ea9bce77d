package audit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

// BenchmarkSequenced is the whole way of evidence on SQLite: an entry is recorded
// and waited for until it stands in the log, both durable. file appends 256 bytes
// with a group commit, the least that any durable log costs. apart gives each
// record and each step a commit of its own; inbox shares them; run has the
// sequencer running, so that entries go past the inbox.
func BenchmarkSequenced(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("file/writers=%d", writers), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "log"))
			require.NoError(b, err)
			defer func() { _ = f.Close() }()
			a := newAppender(f)
			record := make([]byte, 256)
			together(b, writers, func(int) error { return a.append(b.Context(), record) })
		})
		for _, way := range []struct {
			name string
			run  bool
			opts []sqlstore.Option
		}{
			{"apart", false, []sqlstore.Option{sqlstore.WithBatch(1, 0)}},
			{"inbox", false, nil},
			{"run", true, nil},
		} {
			for _, who := range []struct {
				name    string
				actor   troth.Actor
				subject string
			}{
				{"service", troth.Actor{Kind: troth.Service, ID: "bench"}, ""},
				{"person", troth.Actor{Kind: troth.Person, ID: "kim"}, "17"},
			} {
				b.Run(fmt.Sprintf("%s/%s/writers=%d", way.name, who.name, writers), func(b *testing.B) {
					trail := newLog(b, way.opts...)
					if way.run {
						defer running(b, trail)()
					}
					ctx := troth.WithActor(b.Context(), who.actor)
					entry := troth.Entry{Act: act, Tenant: "acme", SubjectID: who.subject}
					sequenced := func(int) error {
						id, err := trail.Record(ctx, entry)
						if err == nil {
							_, err = trail.Await(ctx, "acme", id)
						}
						return err
					}
					require.NoError(b, sequenced(0)) // the people are known then
					together(b, writers, sequenced)
				})
			}
		}
	}
}

// newLog returns a trail that keeps the log, on a fresh SQLite database.
func newLog(b testing.TB, opts ...sqlstore.Option) *audit.Trail {
	b.Helper()
	h, err := sqlstore.Open(b.Context(), sqltest.SQLite(b), sqlstore.SQLite, opts...)
	require.NoError(b, err)
	b.Cleanup(func() { _ = h.Close() })
	store, err := auditsql.New(b.Context(), h)
	require.NoError(b, err)
	signer, err := audit.GenerateSigningKey("troth.example/bench")
	require.NoError(b, err)
	return audittest.NewTrail(b, store, audit.WithSigner(signer))
}

// running runs the sequencer until end is called.
func running(b testing.TB, trail *audit.Trail) (end func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- trail.Run(ctx) }()
	return func() {
		cancel()
		require.ErrorIs(b, <-ended, context.Canceled)
	}
}
