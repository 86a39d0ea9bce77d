package kit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
