package vault_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// A machine that lost its clock begins in 1970, and a zero stands for "never" in
// every row: what happens in that very instant has happened all the same.
func TestClock_TheFirstInstantIsNotNever(t *testing.T) {
	for name, now := range map[string]time.Time{
		"the instant":       time.Unix(0, 0),
		"within its micro":  time.Unix(0, 999),
		"long before":       {},
		"far in the future": time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			w := journalWorld(t)
			stopped := vault.WithClock(func() time.Time { return now })
			v := w.vault(stopped)
			at, spared := emailOf(shop, "42", profile), emailOf(shop, "42", invoice)
			other := emailOf(shop, "43", profile)
			sealed, kept, others := w.seal(v, at, "ada"), w.seal(v, spared, "bill"), w.seal(v, other, "eve")
			r, err := v.Restrict(w.ctx, restriction("43"))
			require.NoError(t, err)
			require.ErrorIs(t, lookup(v.AppendOpen(w.ctx, nil, other, orders, others)), vault.ErrRestricted)
			g := grantFor(r)
			g.Announced = now
			switch {
			case now.IsZero():
				g.Announced = now.Add(time.Second)
			case now.UnixMicro() == 0:
				g.Announced = time.UnixMicro(1)
			}
			g, err = v.Grant(w.ctx, g)
			require.NoError(t, err)
			_, err = v.Lift(w.ctx, g)
			if now.IsZero() {
				require.ErrorIs(t, err, vault.ErrUnannounced)
			} else {
				require.NoError(t, err)
				_, err = v.Lift(w.ctx, g)
				require.Error(t, err, "a grant lifts once")
				w.opens(v, other, others, "eve")
			}

			w.shred(v, vault.Target{Tenant: shop, SubjectID: "42", Compartments: []troth.Compartment{profile}})
			for _, v := range []*vault.Vault{v, w.vault(stopped)} {
				w.refuses(v, at, sealed, vault.ErrShredded)
				w.opens(v, spared, kept, "bill")
			}
			w.shred(v, personOf(shop, "42"))
			require.NoError(t, v.PumpJournal(w.ctx))
			s, err := v.JournalStatus(w.ctx)
			require.NoError(t, err)
			require.Zero(t, s.Waiting)
			for _, v := range []*vault.Vault{v, w.vault(stopped), w.vault()} {
				w.refuses(v, at, sealed, vault.ErrShredded)
				w.refuses(v, spared, kept, vault.ErrShredded)
				require.ErrorIs(t, lookup(v.AppendSeal(w.ctx, nil, emailOf(shop, "42", "new"), nil)), vault.ErrShredded)
			}
			w.shred(v, vault.Target{Tenant: shop, WholeTenant: true})
			for _, v := range []*vault.Vault{v, w.vault()} {
				require.ErrorIs(t, lookup(v.AppendSeal(w.ctx, nil, emailOf(shop, "new", profile), nil)), vault.ErrShredded)
				require.ErrorIs(t, lookup(v.MAC(w.ctx, someKey, nil)), vault.ErrShredded)
			}
		})
	}
}
