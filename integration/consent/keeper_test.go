package consent_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/internal/permit"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/vault"
)

var errHeld = errors.New("held")

// keeper mints for what it is asked about, unless that is held.
type keeper struct {
	tx   troth.Transactor
	held map[string]bool
}

func (k *keeper) Dispose(ctx context.Context, ref troth.DisposalRef, ground string, destroy func(context.Context, troth.Permit) error) error {
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		if k.held[ref.ID] {
			return errHeld
		}
		return destroy(ctx, permit.Managed(consent.PermitFor(ref), ground, [32]byte{9}, k.tx.Scope(ctx)))
	})
}

// TestKeeper_ItsPermitsAreGoodForTheVault erases with a keeper and a real vault, both
// of which judge the permit: a hold found half-way takes everything back, keys too,
// and what was held goes when it no longer is.
func TestKeeper_ItsPermitsAreGoodForTheVault(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		now := time.Now()
		var k *kit.Kit
		retention := &keeper{held: map[string]bool{}}
		k, l, ctx := d.open(t, consent.WithDisposer(retention), consent.WithClock(func() time.Time { return now }),
			consent.WithShredder(func(ctx context.Context, p troth.Permit, s troth.Subject, cs ...troth.Compartment) error {
				_, err := k.Vault.Shred(ctx, p, vault.Target{Tenant: s.Tenant, SubjectID: s.ID, Compartments: cs})
				return err
			}))
		retention.tx = k.Handle
		publish(ctx, t, l)
		who, device := troth.Subject{Tenant: shop, ID: "42"}, troth.Subject{Tenant: shop, ID: "device"} // in this order
		for i, s := range []troth.Subject{device, who} {
			f := form([]string{"f1", "f2"}[i], s, consent.Granted)
			f.Evidence = consent.Evidence{Page: troth.Protect("/sign-up"), Address: troth.Protect("ada@example.org")}
			_, err := l.Record(ctx, f)
			require.NoError(t, err)
		}
		require.NoError(t, l.Link(ctx, consent.LinkParams{Tenant: shop, Device: device.ID, Account: who.ID}))
		evidence := func(address, page string) {
			h, err := l.History(ctx, who, "court")
			require.NoError(t, err)
			require.Len(t, h.Entries, 2)
			for _, e := range h.Entries {
				require.Equal(t, address, e.Content.Address)
				require.Equal(t, page, e.Proof.Page)
			}
		}
		retention.held[device.ID] = true
		_, err := l.Erase(ctx, who, "erasure-request")
		require.ErrorIs(t, err, errHeld)
		evidence("ada@example.org", "/sign-up")
		dec, err := l.Check(ctx, who, letter, time.Time{})
		require.NoError(t, err)
		require.True(t, dec.Allowed, "%v", dec)

		delete(retention.held, device.ID)
		_, err = l.Erase(ctx, who, "erasure-request")
		require.NoError(t, err)
		evidence("", "/sign-up")

		now = now.AddDate(3, 0, 2)
		retention.held[who.ID] = true
		require.ErrorIs(t, l.Sweep(ctx), errHeld)
		h, err := l.History(ctx, who, "court")
		require.NoError(t, err)
		require.Len(t, h.Entries, 1, "the device's proof is over")
		delete(retention.held, who.ID)
		now = now.Add(2 * time.Hour)
		require.NoError(t, l.Sweep(ctx))
		h, err = l.History(ctx, who, "court")
		require.NoError(t, err)
		require.Empty(t, h.Entries)
	})
}
