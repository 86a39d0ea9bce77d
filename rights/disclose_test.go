package rights_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
)

func exports(t *testing.T) rights.Exports {
	t.Helper()
	signer, err := export.NewSigner("acme.example/exports", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)))
	require.NoError(t, err)
	return rights.Exports{Signer: signer, TempDir: t.TempDir()}
}

func lock(t *testing.T) export.Lock {
	t.Helper()
	l, _, err := export.FreshKey()
	require.NoError(t, err)
	return l
}

// disclosing is a request to see everything that was approved.
func disclosing(t *testing.T, s *shop, opts ...rights.Option) (*world, rights.Request) {
	t.Helper()
	w := newWorld(t, s.options(append(opts, rights.WithExports(exports(t)))...)...)
	r := w.approved(rights.Access)
	require.Equal(t, rights.StateDelivering, r.State)
	return w, r
}

func TestExport_WritesWhatSourcesHold(t *testing.T) {
	s := newShop()
	w, r := disclosing(t, s, rights.WithSource(rights.Source{Name: "logs", Order: rights.Derived}))
	s.provider.fails = 1
	var out bytes.Buffer
	receipt, err := w.desk.Export(w.ctx, acme, r.ID, &out, lock(t))
	require.NoError(t, err)
	require.EqualValues(t, 1+3+2+4, receipt.Records)
	require.Len(t, receipt.Missing, 2)
	require.Equal(t, map[string]rights.Outcome{
		"account": rights.Done, "orders": rights.Done, "provider": rights.Failed, "index": rights.Done,
		"mailbox": rights.NothingFound, "logs": rights.Unsupported,
	}, w.outcomes(r.ID))
	r = w.get(r.ID)
	require.Equal(t, []int{4, 2}, []int{r.Done, r.Left})
	require.NotContains(t, out.String(), canary)

	// Asked once more the provider answers: what counts is the archive that was written last.
	out.Reset()
	receipt, err = w.desk.Export(w.ctx, acme, r.ID, &out, lock(t))
	require.NoError(t, err)
	require.Len(t, receipt.Missing, 1)
	require.EqualValues(t, 3, w.work(r.ID)["orders"].Records)
	r, err = w.desk.Fire(w.ctx, acme, r.ID, rights.Delivered)
	require.NoError(t, err)
	require.Equal(t, rights.StatePartiallyFulfilled, r.State)
	_, err = w.desk.Export(w.ctx, acme, r.ID, &out, lock(t))
	var late *rights.StateError
	require.ErrorAs(t, err, &late)
}

// full is a disk that is.
type full struct{ left int }

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errCrash
	}
	return len(b), nil
}

func TestExport_NothingIsSaidOfAnArchiveThatIsNone(t *testing.T) {
	s := newShop()
	w, r := disclosing(t, s)
	entries := len(w.trail.All())
	_, err := w.desk.Export(w.ctx, acme, r.ID, &full{left: 1000}, lock(t))
	require.ErrorIs(t, err, errCrash)
	s.orders.panics = true
	var out bytes.Buffer
	_, err = w.desk.Export(w.ctx, acme, r.ID, &out, lock(t))
	require.NoError(t, err, "a panic is a source that failed")
	require.Equal(t, rights.Failed, w.outcomes(r.ID)["orders"])
	require.Greater(t, len(w.trail.All()), entries)

	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	_, err = w.desk.Export(ctx, acme, r.ID, &out, lock(t))
	require.ErrorIs(t, err, context.Canceled)
}

func TestExport_NotBeforeItWasApproved(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options(rights.WithExports(exports(t)))...)
	r := w.accepted(rights.Access)
	w.step(r.ID)
	var out bytes.Buffer
	_, err := w.desk.Export(w.ctx, acme, r.ID, &out, lock(t))
	var early *rights.StateError
	require.ErrorAs(t, err, &early)
	require.Zero(t, out.Len())
	_, err = w.desk.Export(w.ctx, globex, r.ID, &out, lock(t))
	require.ErrorIs(t, err, rights.ErrNotFound)
	_, err = newWorld(t, s.options()...).desk.Export(w.ctx, acme, r.ID, &out, lock(t))
	require.ErrorIs(t, err, rights.ErrNeeds)
}

func TestExport_WithoutItsSheet(t *testing.T) {
	s := newShop()
	e := exports(t)
	e.Sheet = func(context.Context, rights.Inquiry) (*export.Sheet, error) {
		return nil, errors.New("no sheet for " + canary)
	}
	w := newWorld(t, s.options(rights.WithExports(e))...)
	r := w.approved(rights.Access)
	var out bytes.Buffer
	_, err := w.desk.Export(w.ctx, acme, r.ID, &out, lock(t))
	require.Error(t, err)
	require.NotContains(t, err.Error(), canary)
}

func TestDeliver_NothingThatWasNotWritten(t *testing.T) {
	s := newShop()
	w, r := disclosing(t, s)
	_, err := w.desk.Deliver(w.ctx, acme, r.ID, w.clock.Now())
	var early *rights.StateError
	require.ErrorAs(t, err, &early)
	var out bytes.Buffer
	_, err = w.desk.Export(w.ctx, acme, r.ID, &out, lock(t))
	require.NoError(t, err)
	r, err = w.desk.Deliver(w.ctx, acme, r.ID, w.clock.Now())
	require.NoError(t, err)
	require.Equal(t, rights.StateFulfilled, r.State)
}

func TestDeliver_NothingWhereNobodyCouldBeAsked(t *testing.T) {
	w := newWorld(t, rights.WithCoolingOff(0))
	r := w.step(w.approved(rights.Erase).ID)
	require.Equal(t, rights.StateDelivering, r.State)
	require.Equal(t, []rights.ObligationKind{rights.ManualTask}, w.obligations(r.ID))
	r, err := w.desk.Deliver(w.ctx, acme, r.ID, w.clock.Now())
	require.NoError(t, err)
	require.NotEqual(t, rights.StateFulfilled, r.State)
}
