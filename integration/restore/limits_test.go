package restore_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

const (
	claims troth.Purpose = "legal-claims"
	bank   troth.Tenant  = "bank-5"
)

// bankKEK is a tenant's own key, which can be taken away.
type bankKEK struct {
	vault.KEK
	away atomic.Bool
}

func (k *bankKEK) EncryptWithContext(ctx context.Context, plain, aad []byte) ([]byte, error) {
	if k.away.Load() {
		return nil, errors.New("access denied")
	}
	return k.KEK.EncryptWithContext(ctx, plain, aad)
}

func (k *bankKEK) DecryptWithContext(ctx context.Context, sealed, aad []byte) ([]byte, error) {
	if k.away.Load() {
		return nil, errors.New("access denied")
	}
	return k.KEK.DecryptWithContext(ctx, sealed, aad)
}

// bankKMS is where it is found.
type bankKMS struct{ key *bankKEK }

func (k bankKMS) KEK(context.Context, string) (vault.KEK, error) { return k.key, nil }

// restrict leaves claims alone.
func (d *drill) restrict(at troth.Context) vault.Restricted {
	d.Helper()
	r, err := d.site.vault.Restrict(service(d.Context()), vault.Restriction{
		Tenant: at.Subject.Tenant, SubjectID: at.Subject.ID, Except: []troth.Purpose{claims}, Ground: "accuracy-contested",
	})
	require.NoError(d, err)
	return r
}

func (d *drill) lift(r vault.Restricted) {
	d.Helper()
	g, err := d.site.vault.Grant(service(d.Context()), vault.Grant{
		Tenant: r.Tenant, SubjectID: r.SubjectID, Restriction: r.Entry, Ground: "accuracy-settled", Announced: time.Now(),
	})
	require.NoError(d, err)
	_, err = d.site.vault.Lift(service(d.Context()), g)
	require.NoError(d, err)
}

func (d *drill) export(at troth.Context) {
	d.Helper()
	k, err := d.site.vault.InsecureExportCleartextKeyset(service(d.Context()), insecuresecretdataaccess.Token{}, vault.KeysetExport{
		Tenant: at.Subject.Tenant, SubjectID: at.Subject.ID, Ground: "portability",
	})
	require.NoError(d, err)
	require.NotEmpty(d, k.Bytes)
}

// opensFor demands that a value opens for these purposes and no others.
func (d *drill) opensFor(at troth.Context, allowed ...troth.Purpose) {
	d.Helper()
	for _, p := range []troth.Purpose{purpose, claims} {
		want := vault.ErrRestricted
		for _, a := range allowed {
			if a == p {
				want = nil
			}
		}
		_, err := d.site.vault.AppendOpen(service(d.Context()), nil, at, p, d.values[at])
		require.ErrorIs(d, err, want, "%s for %s", at.Subject.ID, p)
	}
}

// exported demands that no horizon is promised for who is erased now, or that one is.
func (d *drill) exported(at troth.Context, want bool) {
	d.Helper()
	h, err := d.site.vault.Horizon(d.Context(), d.shred(vault.Target{Tenant: at.Subject.Tenant, SubjectID: at.Subject.ID}))
	require.NoError(d, err)
	require.Equal(d, want, h.Exported, at.Subject.ID)
}

// TestRestore_RestrictionsAndExports goes through the same steps with people who
// were restricted, and whose keys left, before the data's backup, between the two
// and after both, and with a tenant whose own key is away when it comes to erasing
// again.
func TestRestore_RestrictionsAndExports(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			d := newDrill(t, w)
			sink := filepath.Join(t.TempDir(), "checkpoint")
			key := &bankKEK{KEK: vaulttest.InsecureKEK()}
			d.site = d.restarted(func(w *wiring) { w.sink, w.keks = audit.FileSink(sink), bankKMS{key} })

			early, ended := d.seal(shop, "early", profile), d.seal(shop, "ended", profile)
			between, late := d.seal(shop, "between", profile), d.seal(shop, "late", profile)
			ends := d.seal(shop, "ends", profile)
			leftEarly, leftBetween := d.seal(shop, "left-early", profile), d.seal(shop, "left-between", profile)
			leftLate, neverLeft := d.seal(shop, "left-late", profile), d.seal(shop, "never-left", profile)
			teller, debtor, gone := d.seal(bank, "teller", profile), d.seal(bank, "debtor", profile), d.seal(bank, "gone", profile)
			_, err := d.site.vault.MoveTenant(service(t.Context()), bank, "kms://bank")
			require.NoError(t, err)

			d.restrict(early)
			endedBy, endsBy := d.restrict(ended), d.restrict(ends)
			d.export(leftEarly)
			require.NoError(t, d.site.vault.PumpJournal(t.Context()))
			d.sign()
			var restore func(t *testing.T) place
			d.step(2, "back up the data", func() { restore = d.backUp(t, d.where) })

			d.restrict(between)
			d.lift(endedBy)
			d.export(leftBetween)
			d.rotate()
			var keys []byte
			d.step(3, "back up the keys, and open the backup", func() { keys = d.backUpKeys() })

			d.restrict(late)
			d.lift(endsBy)
			d.export(leftLate)
			d.restrict(debtor)
			d.shred(vault.Target{Tenant: bank, SubjectID: "gone"})
			d.step(4, "watch what waits for the journal", func() { require.NoError(t, d.site.vault.Sweep(t.Context())) })
			checkpoint := d.sign()

			d.step(5, "stop every program", func() { require.NoError(t, d.site.close()) })
			d.step(6, "restore the data", func() { d.where = restore(t) })
			d.step(7, "open, which refuses", func() {
				_, err := d.open(t.Context())
				require.ErrorIs(t, err, vault.ErrJournalAhead)
			})
			key.away.Store(true)
			d.step(8, "open for the replay", func() { d.site = d.mustOpen(t, vault.ForReplay()) })
			d.step(9, "put the newest keys in", func() {
				_, err := d.site.vault.RestoreKeys(service(t.Context()), bytes.NewReader(keys))
				require.NoError(t, err)
				d.refuses(vault.ErrJournalAhead, early, ended, between, late, ends, teller, debtor, gone)
			})
			d.step(10, "erase again, without the bank's key", func() {
				done, err := d.site.vault.Replay(service(t.Context()))
				require.NoError(t, err)
				require.Equal(t, []troth.Tenant{bank}, done.Pending)
				d.opensFor(early, claims)
				d.opensFor(between, claims)
				d.opensFor(ended, claims, purpose)
				d.opensFor(late)
				d.opensFor(ends, claims, purpose)
				d.lives(leftEarly, leftBetween, leftLate, neverLeft)
				d.refuses(vault.ErrShredded, gone)
				d.refuses(vault.ErrJournalAhead, debtor)
				d.refuses(vault.ErrKEK, teller)
				require.Equal(t, 1, d.site.acts(t, bank)["vault.replay"])
				require.NoError(t, d.site.vault.Sweep(t.Context()), "what is owed waits, and stops nothing")
				_, err = d.open(t.Context())
				require.ErrorIs(t, err, vault.ErrJournalAhead, "a program that starts now is told")

				key.away.Store(false)
				require.Eventually(t, func() bool { // it is left alone for up to ten seconds
					_, err := d.site.vault.AppendOpen(service(t.Context()), nil, debtor, purpose, d.values[debtor])
					return errors.Is(err, vault.ErrRestricted) || d.site.vault.Sweep(t.Context()) != nil
				}, patience, 10*time.Millisecond)
				d.lives(teller)
				d.opensFor(debtor)
				d.refuses(vault.ErrShredded, gone)
			})
			d.step(11, "continue the trail under a new origin", func() { d.continueTrail(checkpoint, sink) })
			d.step(13, "back up anew", func() {
				keys = d.backUpKeys()
				restore = d.backUp(t, d.where)
				require.NoError(t, d.site.close())
				d.where = restore(t)
			})
			d.step(14, "start the programs", func() {
				d.site = d.mustOpen(t)
				_, err := d.site.vault.RestoreKeys(service(t.Context()), bytes.NewReader(keys))
				require.NoError(t, err)
				d.opensFor(early, claims)
				d.opensFor(between, claims)
				d.opensFor(ended, claims, purpose)
				d.opensFor(late)
				d.opensFor(debtor)
				restrictions, err := d.site.vault.Restrictions(t.Context(), shop, "late")
				require.NoError(t, err)
				require.Len(t, restrictions, 1)
				require.Equal(t, "restored", restrictions[0].Ground)
				d.lift(restrictions[0])
				d.opensFor(late, claims, purpose)
				d.exported(leftEarly, true)
				d.exported(leftBetween, true)
				d.exported(leftLate, true)
				d.exported(neverLeft, false)
			})
		})
	}
}
