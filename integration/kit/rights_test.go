package kit_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/task"
	"github.com/trothdev/troth/vault"
)

// TestRights_ErasesOneTenantsPersonAlone: two tenants have a person of the same id, and one
// of them asks to be erased. A hold that comes afterwards claims to keep nothing.
func TestRights_ErasesOneTenantsPersonAlone(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := &orders{}
		ahead := time.Duration(0)
		c := d.config(d.connect(t))
		c.Retention = func(k *kit.Kit) []retention.Option {
			h.k = k
			return []retention.Option{
				retention.WithRecords("order", retention.Registration{Handler: h}), retention.UnsafeWithoutApproval(),
			}
		}
		c.Rights = func(*kit.Kit) []rights.Option {
			return []rights.Option{
				rights.WithCoolingOff(0), rights.WithController("Acme"),
				rights.WithClock(func() time.Time { return time.Now().Add(ahead) }),
			}
		}
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
		p, err := retention.ParseYAML([]byte(kept))
		require.NoError(t, err)
		require.NoError(t, k.Keeper.Activate(as(t, "officer", "dpo"), p))
		for _, s := range k.Rights.Sources() {
			require.Equal(t, s.Name == "troth.retention", slices.Contains(s.Records, "order"), s.Name)
		}
		ctx := asService(t)
		opens := map[troth.Tenant]func() error{}
		for _, tenant := range []troth.Tenant{"acme", "globex"} {
			at := troth.Context{
				Subject: troth.Subject{Tenant: tenant, ID: "ada"}, Compartment: "orders",
				Cell: troth.Cell{Table: "t", Column: "c", Row: "1"},
			}
			sealed, err := k.Vault.AppendSeal(ctx, nil, at, []byte("x"))
			require.NoError(t, err)
			opens[tenant] = func() error { _, err := k.Vault.AppendOpen(ctx, nil, at, "test", sealed); return err }
			key := retention.RecordKey{Tenant: tenant, Type: "order", ID: string(tenant)}
			require.NoError(t, k.Keeper.Created(ctx, retention.NewRecord{RecordKey: key, SubjectID: "ada"}))
		}

		_, err = k.Rights.Submit(ctx, rights.Submission{Tenant: "acme", ID: "e", Right: rights.Erase, Via: rights.ViaAccount, SubjectID: "ada"})
		require.NoError(t, err)
		proof, err := k.Rights.Attest(ctx, rights.Attestation{Tenant: "acme", Request: "e", SubjectID: "ada", Method: rights.ByReauthentication})
		require.NoError(t, err)
		_, err = k.Rights.Accept(ctx, "acme", "e", proof)
		require.NoError(t, err)
		require.NoError(t, k.Rights.Step(ctx, "acme", "e"))
		_, err = k.Rights.Approve(ctx, "acme", "e")
		require.NoError(t, err)
		require.NoError(t, k.Rights.Step(ctx, "acme", "e"))
		require.ErrorIs(t, opens["acme"](), vault.ErrShredded)
		require.NoError(t, opens["globex"]())
		require.Equal(t, []string{"acme"}, h.destroyed())
		_, err = k.Rights.Work(ctx, "globex", "e")
		require.NoError(t, err)
		_, err = k.Rights.Certify(ctx, "globex", "e")
		require.ErrorIs(t, err, rights.ErrNotFound)

		hold := retention.Hold{Tenant: "acme", ID: "late", Matter: "m", SubjectID: "ada", Review: time.Now().AddDate(1, 0, 0)}
		require.NoError(t, k.Keeper.Place(as(t, "lawyer", "counsel"), hold))
		ahead = 40 * 24 * time.Hour
		require.NoError(t, k.Rights.Sweep(ctx))
		work, err := k.Rights.Work(ctx, "acme", "e")
		require.NoError(t, err)
		for _, w := range work {
			require.Empty(t, w.Kept, w.Source)
			if w.Source == "troth.vault" {
				require.NotEqual(t, rights.Retained, w.Outcome)
				require.EqualValues(t, 1, w.Records)
			}
		}
	})
}

// TestRun_CarriesAnErasureOut: while a kit runs its engine does everything of a request but
// what people decide.
func TestRun_CarriesAnErasureOut(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		c := d.config(d.connect(t))
		c.Rights = func(*kit.Kit) []rights.Option { return []rights.Option{rights.WithCoolingOff(0)} }
		c.Tasks = []task.Option{task.WithPoll(20 * time.Millisecond)}
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
		ctx, stop := context.WithCancel(asService(t))
		at := troth.Context{
			Subject: troth.Subject{Tenant: "acme", ID: "ada"}, Compartment: "orders",
			Cell: troth.Cell{Table: "t", Column: "c", Row: "1"},
		}
		sealed, err := k.Vault.AppendSeal(ctx, nil, at, []byte("x"))
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() { ended <- k.Run(ctx) }()
		_, err = k.Rights.Submit(ctx, rights.Submission{Tenant: "acme", ID: "e", Right: rights.Erase, Via: rights.ViaAccount, SubjectID: "ada"})
		require.NoError(t, err)
		proof, err := k.Rights.Attest(ctx, rights.Attestation{Tenant: "acme", Request: "e", SubjectID: "ada", Method: rights.ByReauthentication})
		require.NoError(t, err)
		_, err = k.Rights.Accept(ctx, "acme", "e", proof)
		require.NoError(t, err)
		comesTo := func(s rights.State) {
			t.Helper()
			require.Eventually(t, func() bool {
				r, err := k.Rights.Request(ctx, "acme", "e")
				return err == nil && r.State == s
			}, time.Minute, 10*time.Millisecond)
		}
		comesTo(rights.StateReviewing)
		_, err = k.Rights.Approve(ctx, "acme", "e")
		require.NoError(t, err)
		comesTo(rights.StateDelivering)
		_, err = k.Vault.AppendOpen(ctx, nil, at, "test", sealed)
		require.ErrorIs(t, err, vault.ErrShredded)
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			require.NoError(t, err)
		}
	})
}
