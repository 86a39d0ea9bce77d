package rights_test

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
)

func exportSigner(t *testing.T) interface {
	Name() string
	KeyHash() uint32
	Sign(msg []byte) ([]byte, error)
} {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	s, err := export.NewSigner("shop.example/exports", private)
	require.NoError(t, err)
	return s
}

// One address goes through an erasure whose sources fail, panic and hold things back, and
// an export; then everything that is no seal is searched for it.
func TestCanary_ThroughAnErasureAndAnExport(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	s, q := newShop(), &queue{}
	w := newWorld(t)
	q.tx = w.db
	w.desk = w.open(s.options(
		rights.WithLogger(zap.New(core)), rights.WithEnqueuer(q), rights.WithTries(2), rights.WithProver(prover{}),
		rights.WithExports(rights.Exports{Signer: exportSigner(t)}), rights.WithEvidence(w.trail),
	)...)
	var said strings.Builder
	tell := func(err error) { fmt.Fprintf(&said, "%v %+v\n", err, err) }
	look := w.submit(rights.Access)
	_, err := w.desk.Accept(w.ctx, acme, look.ID, w.prove(look.ID))
	require.NoError(t, err)
	s.orders.fails, s.provider.panics = 1, true
	for range 4 {
		tell(w.desk.Step(w.ctx, acme, look.ID))
		w.clock.Move(2 * time.Hour)
	}
	_, err = w.desk.Approve(w.ctx, acme, look.ID)
	require.NoError(t, err)
	s.index.fails = 1
	lock, _, err := export.FreshKey()
	require.NoError(t, err)
	receipt, err := w.desk.Export(w.ctx, acme, look.ID, io.Discard, lock)
	require.NoError(t, err)
	_, err = w.desk.Deliver(w.ctx, acme, look.ID, time.Time{})
	require.NoError(t, err)

	s.orders.fails, s.index.fails = 1, 3
	s.account.kept = []rights.Kept{{Basis: rights.LegalClaims, Records: 1, Review: w.clock.Now().AddDate(1, 0, 0)}}
	r := w.accepted(rights.Erase)
	for range 6 {
		tell(w.desk.Step(w.ctx, acme, r.ID))
		tell(w.desk.Sweep(w.ctx))
		w.clock.Move(2 * time.Hour)
		if w.get(r.ID).State == rights.StateReviewing {
			_, err = w.desk.Approve(w.ctx, acme, r.ID)
			require.NoError(t, err)
		}
	}
	require.Equal(t, rights.StateDelivering, w.get(r.ID).State)
	s.orders.fails = 1
	w.clock.Move(48 * time.Hour)
	tell(w.desk.Sweep(w.ctx))
	made, file := w.certified(r.ID)
	require.Equal(t, rights.Provisional, made.Stage)

	fmt.Fprintf(&said, "%s %+v %+v %+v\n", file, made, receipt, w.trail.All())
	for _, e := range logs.All() {
		fmt.Fprintf(&said, "%s %+v\n", e.Message, e.ContextMap())
	}
	require.NotZero(t, logs.Len())
	for _, work := range q.work {
		fmt.Fprintf(&said, "%s %s\n", work.Key, work.Payload)
	}
	for _, id := range []string{look.ID, r.ID} {
		all := w.dump(id)
		fmt.Fprintf(&said, "%+v %s\n", all.row, all.row.Record)
		for _, e := range all.events {
			fmt.Fprintf(&said, "%s\n", e.Record)
		}
		for _, i := range all.items {
			fmt.Fprintf(&said, "%+v %s %s\n", i.ItemKey, i.Record, i.Sealed)
		}
		fmt.Fprintf(&said, "%+v\n", w.work(id))
		open, err := w.desk.Obligations(w.ctx, acme, id)
		require.NoError(t, err)
		fmt.Fprintf(&said, "%+v\n", open)
	}
	for _, secret := range []string{canary, "ada.canary", "Ada Canary", "+999 555"} {
		require.NotContains(t, said.String(), secret)
	}
}
