package rights

import (
	"context"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"hash"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
)

// fixedKeys are derived from a name, so that every desk has the same. They are remembered, as
// the vault does.
type fixedKeys struct{}

var derived sync.Map // of troth.KeyRef, to a *sync.Pool of HMACs

func (fixedKeys) MAC(_ context.Context, ref troth.KeyRef, message []byte) (mac [32]byte, err error) {
	known, ok := derived.Load(ref)
	if !ok {
		key := fmt.Appendf(nil, "%+v", ref)
		known, _ = derived.LoadOrStore(ref, &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }})
	}
	h := known.(*sync.Pool).Get().(hash.Hash)
	h.Reset()
	h.Write(message)
	h.Sum(mac[:0])
	known.(*sync.Pool).Put(h)
	return mac, nil
}

func (fixedKeys) AEAD(context.Context, troth.KeyRef) (cipher.AEAD, error) {
	return nil, errors.New("not here")
}

func desk(t *testing.T, db *sql.DB, d sqlstore.Dialect) *rights.Desk {
	t.Helper()
	h, s := open(t, db, d)
	made, err := rights.New(t.Context(), rights.Config{Store: s, Recorder: troth.UnsafeNoEvidence(h), Keys: fixedKeys{}},
		rights.WithRegimes("gdpr"))
	require.NoError(t, err)
	return made
}

// Two processes work on one database. Of many who are identified at once in requests
// about the same one goes on, in whichever process; and of many who refuse one request
// one does.
func TestDesk_TwoProcesses(t *testing.T) {
	for name, on := range map[string]struct {
		db *sql.DB
		d  sqlstore.Dialect
	}{"SQLite": {sqltest.SQLite(t), sqlstore.SQLite}, "Postgres": {pgtest.Open(t), sqlstore.Postgres}} {
		t.Run(name, func(t *testing.T) {
			desks := []*rights.Desk{desk(t, on.db, on.d), desk(t, on.db, on.d)}
			ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
			var ids []string
			for i := range 6 {
				r, err := desks[i%2].Submit(ctx, rights.Submission{Tenant: "acme", Right: rights.Access, Via: rights.ViaAccount, SubjectID: "c-17"})
				require.NoError(t, err)
				ids = append(ids, r.ID)
			}
			atOnce(t, len(ids), func(i int) error {
				_, err := desks[i%2].Attest(ctx, rights.Attestation{
					Tenant: "acme", Request: ids[i], SubjectID: "c-17", Method: rights.ByReauthentication,
				})
				return err
			})
			going := ""
			for _, id := range ids {
				r, err := desks[0].Request(ctx, "acme", id)
				require.NoError(t, err)
				if r.State == rights.StateReceived {
					require.Empty(t, going, "two go on")
					going = id
				} else {
					require.Equal(t, rights.StateDuplicate, r.State)
				}
			}
			require.NotEmpty(t, going)

			refused := 0
			var mu sync.Mutex
			atOnce(t, 6, func(i int) error {
				_, err := desks[i%2].Refuse(ctx, rights.Refusal{
					Tenant: "acme", Request: going, Reason: rights.Excessive, Evidence: sha256.Sum256(nil),
				})
				if _, late := errors.AsType[*rights.StateError](err); late {
					return nil
				}
				mu.Lock()
				defer mu.Unlock()
				refused++
				return err
			})
			require.Equal(t, 1, refused)
			all, err := desks[1].Refusals(ctx, "acme", going)
			require.NoError(t, err)
			require.Len(t, all, 1)
			events, err := desks[1].Events(ctx, "acme", going)
			require.NoError(t, err)
			require.Equal(t, rights.WasRefused, events[len(events)-1].Kind)
		})
	}
}

func atOnce(t *testing.T, n int, do func(i int) error) {
	t.Helper()
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- do(i) }()
	}
	for range n {
		require.NoError(t, <-errs)
	}
}
