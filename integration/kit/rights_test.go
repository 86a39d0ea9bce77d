package kit_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
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

// TestRights_ExportsAreSignedAsTheLogIs: a host that names no signer of exports has the
// log's.
func TestRights_ExportsAreSignedAsTheLogIs(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		c := d.config(d.connect(t))
		c.Secrets.Signer = signerOf(t, origin, 1)
		c.Rights = func(*kit.Kit) []rights.Option {
			return []rights.Option{rights.WithController("Acme"), rights.WithRegimes("gdpr")}
		}
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
		ctx := asService(t)
		_, err = k.Rights.Submit(ctx, rights.Submission{Tenant: "acme", ID: "a", Right: rights.Access, Via: rights.ViaAccount, SubjectID: "ada"})
		require.NoError(t, err)
		proof, err := k.Rights.Attest(ctx, rights.Attestation{Tenant: "acme", Request: "a", SubjectID: "ada", Method: rights.ByReauthentication})
		require.NoError(t, err)
		_, err = k.Rights.Accept(ctx, "acme", "a", proof)
		require.NoError(t, err)
		require.NoError(t, k.Rights.Step(ctx, "acme", "a"))
		_, err = k.Rights.Approve(ctx, "acme", "a")
		require.NoError(t, err)
		_, err = k.Rights.Deliver(ctx, "acme", "a", time.Time{})
		require.EqualError(t, err, "rights: a request that is delivering cannot be delivered: Desk.Export comes first")

		lock, secret, err := export.FreshKey()
		require.NoError(t, err)
		var file bytes.Buffer
		_, err = k.Rights.Export(ctx, "acme", "a", &file, lock)
		require.NoError(t, err)
		unlock, err := export.UnlockWithKey(secret)
		require.NoError(t, err)
		_, err = export.Open(bytes.NewReader(file.Bytes()), int64(file.Len()), export.OpenConfig{
			Unlock: unlock, Key: c.Secrets.Signer.VerifierKey(), Tenant: "acme",
		})
		require.NoError(t, err)
	})
}
