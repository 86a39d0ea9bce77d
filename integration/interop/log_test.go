// Package interop has programs of others read what troth writes: the client
// libraries of transparency-dev, which have no code in common with troth, verify
// what the trail serves, publishes and proves.
package interop

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
)

const origin = "troth.example/interop"

var actTouch = &troth.Act{
	Name: "test.touch", Version: 1, Doc: "Something was touched.",
	Fields: []troth.Field{{Name: "n", Kind: troth.CountFact, Doc: "which"}},
}

// world is a trail with a log, in memory.
type world struct {
	*testing.T
	db    *memory.DB
	store audit.Backend
	keys  troth.Keys
	key   audit.SigningKey
	trail *audit.Trail
	ids   []troth.EntryID
	// verifier is the log's key in the eyes of others.
	verifier note.Verifier
}

func newLog(t *testing.T, opts ...audit.Option) *world {
	t.Helper()
	key, err := audit.GenerateSigningKey(origin)
	require.NoError(t, err)
	l := &world{T: t, db: memory.Open(), key: key, keys: audittest.NewKeys()}
	l.store = auditmem.New(l.db)
	opts = append(opts, audit.WithSigner(key))
	l.trail, err = audit.New(t.Context(), l.store, l.keys, audittest.NewSealer(), opts...)
	require.NoError(t, err)
	l.verifier, err = note.NewVerifier(key.VerifierKey())
	require.NoError(t, err)
	return l
}

// grow makes the log as large as size and signs it. Its first entry is its own.
func (l *world) grow(size int) (checkpoint []byte) {
	l.Helper()
	ctx := troth.WithActor(l.Context(), troth.Actor{Kind: troth.Service, ID: "test"})
	require.NoError(l, l.db.Atomically(ctx, func(ctx context.Context) error {
		for len(l.ids)+1 < size {
			id, err := l.trail.Record(ctx, troth.Entry{
				Act: actTouch, Tenant: troth.Tenant(fmt.Sprintf("tenant-%d", len(l.ids)%3)),
				Facts: troth.Facts{"n": troth.Count(len(l.ids))},
			})
			if err != nil {
				return err
			}
			l.ids = append(l.ids, id)
		}
		return nil
	}))
	for {
		n, err := l.trail.Sequence(l.Context())
		require.NoError(l, err)
		if n == 0 {
			break
		}
	}
	checkpoint, err := l.trail.Checkpoint(l.Context())
	require.NoError(l, err)
	return checkpoint
}

// proof returns the i-th proof of what was recorded.
func (l *world) proof(i int) []byte {
	l.Helper()
	b, err := l.trail.Prove(l.Context(), troth.Tenant(fmt.Sprintf("tenant-%d", i%3)), l.ids[i])
	require.NoError(l, err)
	return b
}
