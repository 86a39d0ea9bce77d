package kit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/vault"
)

// TestRights_AWithdrawnErasureThatIsPutBackIsNotCarriedOut: a writer of the database puts the
// rows of a request back as they were before it was withdrawn. The kit's trail contradicts.
func TestRights_AWithdrawnErasureThatIsPutBackIsNotCarriedOut(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		clock := &hand{at: time.Now()}
		c := d.config(d.connect(t))
		c.Clock = clock.now
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
		ctx := asService(t)
		place := troth.Context{
			Subject: reader("ada"), Compartment: "orders", Cell: troth.Cell{Table: "t", Column: "c", Row: "1"},
		}
		sealed, err := k.Vault.AppendSeal(ctx, nil, place, []byte("x"))
		require.NoError(t, err)
		opens := func() error { _, err := k.Vault.AppendOpen(ctx, nil, place, "test", sealed); return err }

		r := asked(t, k, rights.Submission{ID: "e", Right: rights.Erase, SubjectID: "ada"})
		require.Equal(t, rights.StateCoolingOff, r.State)
		require.NoError(t, k.Rights.Reconcile(ctx, "acme"))
		do := func(texts ...string) {
			for _, text := range texts {
				_, err := c.DB.ExecContext(ctx, text)
				require.NoError(t, err, text)
			}
		}
		tables := []string{"troth_rights_request", "troth_rights_event", "troth_rights_item"}
		columns := []string{
			"tenant, id, subject, state, entitlement, owner, due_at, open, received_at, record", "tenant, request, seq, record",
			"tenant, owner, kind, id, due_at, record, sealed",
		}
		for i, table := range tables {
			do("CREATE TABLE old_" + table + " AS SELECT " + columns[i] + " FROM " + table)
		}
		p, err := k.Rights.Proof(ctx, "acme", "e")
		require.NoError(t, err)
		_, err = k.Rights.Withdraw(ctx, "acme", "e", p)
		require.NoError(t, err)
		clock.move(time.Second)
		require.NoError(t, k.Rights.Reconcile(ctx, "acme"))
		for i, table := range tables {
			do("DELETE FROM "+table, "INSERT INTO "+table+" ("+columns[i]+") SELECT "+columns[i]+" FROM old_"+table)
		}
		clock.move(73 * time.Hour)
		r, err = k.Rights.Request(ctx, "acme", "e")
		require.NoError(t, err)
		require.Equal(t, rights.StateCoolingOff, r.State, "each record is genuine")
		err = k.Rights.Step(ctx, "acme", "e")
		bad, ok := errors.AsType[*rights.TamperedError](err)
		require.True(t, ok, err)
		require.Equal(t, []rights.Tampering{{Request: "e", Kind: rights.RequestOld}}, bad.Found)
		require.NoError(t, opens())
		require.ErrorAs(t, k.Rights.Reconcile(ctx, "acme"), &bad)

		do("DELETE FROM troth_rights_request", "DELETE FROM troth_rights_event", "DELETE FROM troth_rights_item")
		require.ErrorAs(t, k.Rights.Reconcile(ctx, "acme"), &bad)
		require.Equal(t, rights.RequestGone, bad.Found[0].Kind)

		// One that nobody touched is carried out.
		r = asked(t, k, rights.Submission{ID: "f", Right: rights.Erase, SubjectID: "ada"})
		require.Equal(t, rights.StateCoolingOff, r.State)
		clock.move(73 * time.Hour)
		require.NoError(t, k.Rights.Step(ctx, "acme", "f"))
		require.ErrorIs(t, opens(), vault.ErrShredded)
	})
}

// TestRun_ComparesRequestsWithTheTrail: while a kit runs it finds by itself what a writer of the
// database did to a request, of whatever tenant, and goes on; what fails with one tenant keeps it
// from no other.
func TestRun_ComparesRequestsWithTheTrail(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		core, logs := observer.New(zapcore.WarnLevel)
		c := d.config(d.connect(t))
		found := make(chan *rights.TamperedError, 100)
		c.Logger, c.ReconcileEvery = zap.New(core), 20*time.Millisecond
		c.Tampered = func(e *rights.TamperedError) {
			select {
			case found <- e:
			default:
			}
		}
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
		for _, tenant := range []troth.Tenant{"acme", "globex", "initech"} {
			_, err = k.Rights.Submit(troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "order-desk"}),
				rights.Submission{Tenant: tenant, ID: "e", Right: rights.Access, Via: rights.ViaAccount, SubjectID: "ada"})
			require.NoError(t, err)
		}
		_, err = c.DB.ExecContext(t.Context(), "DELETE FROM troth_rights_request WHERE tenant = 'globex'")
		require.NoError(t, err)
		_, err = c.DB.ExecContext(t.Context(), "UPDATE troth_rights_item SET due_at = 0 WHERE tenant = 'initech' AND kind = 'alarm'")
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- k.Run(ctx) }()
		want := map[troth.Tenant]rights.TamperingKind{"globex": rights.RequestGone, "initech": rights.NotScheduled}
		for left := 6; left > 0; left-- { // again each time
			select {
			case e := <-found:
				require.Equal(t, []rights.Tampering{{Request: "e", Kind: want[e.Tenant]}}, e.Found, e.Tenant)
			case err := <-ended:
				require.NoError(t, err, "it ended")
			case <-time.After(time.Minute):
				require.Fail(t, "nothing was found")
			}
		}
		stop()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.NotZero(t, host{Kit: k}.countOf(t, "globex", "rights.tampered"))
		require.Zero(t, host{Kit: k}.countOf(t, "acme", "rights.tampered"))
		require.NotZero(t, logs.FilterMessage("kit: a request and the trail disagree").Len())
	})
}
