package consent_test

import (
	"bytes"
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/vault"
)

// signed moves what waits into the log and signs it.
func signed(t testing.TB, k *kit.Kit) {
	t.Helper()
	_, err := k.Trail.Sequence(t.Context())
	require.NoError(t, err)
	_, err = k.Trail.Checkpoint(t.Context())
	require.NoError(t, err)
}

func TestKit_AReceiptIsProvenByTheSignedLog(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		k, l, ctx := d.open(t)
		publish(ctx, t, l)
		who := troth.Subject{Tenant: shop, ID: "42"}
		events, err := l.Record(ctx, form("f1", who, consent.Granted))
		require.NoError(t, err)
		issued, err := l.Receipt(ctx, who, events[0].ID)
		require.NoError(t, err)
		if d.Driver != "sqlite" { // with one writer an entry may be in the log at once
			_, err = l.ProveReceipt(ctx, issued)
			require.ErrorIs(t, err, troth.ErrPending)
		}
		signed(t, k)
		file, err := l.ProveReceipt(ctx, issued)
		require.NoError(t, err)
		r, err := consent.VerifyReceipt(file, k.Verifiers().Proven)
		require.NoError(t, err)
		require.Equal(t, letter, r.Record.Process.Purpose)
		for old, other := range map[string]string{`"newsletter"`: `"statistics"`, events[0].GivenAt.Format(time.DateOnly): "2020-01-01"} {
			require.Contains(t, string(file), old)
			_, err = consent.VerifyReceipt([]byte(strings.ReplaceAll(string(file), old, other)), k.Verifiers().Proven)
			require.ErrorIs(t, err, consent.ErrReceiptProof, other)
		}
	})
}

// TestKit_ErasureWithTheVault: the keys of content die with the person, those of
// the proof in the end, and both stand on the trail.
func TestKit_ErasureWithTheVault(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		now := time.Now()
		var k *kit.Kit
		k, l, ctx := d.open(t, consent.Unmanaged("test"), consent.WithClock(func() time.Time { return now }),
			consent.WithShredder(func(ctx context.Context, p troth.Permit, s troth.Subject, cs ...troth.Compartment) error {
				_, err := k.Vault.Shred(ctx, p, vault.Target{Tenant: s.Tenant, SubjectID: s.ID, Compartments: cs})
				return err
			}))
		publish(ctx, t, l)
		who := troth.Subject{Tenant: shop, ID: "42"}
		f := form("f1", who, consent.Granted)
		f.Evidence = consent.Evidence{IP: troth.Protect(netip.MustParseAddr("203.0.113.77")), Address: troth.Protect("ada@example.org")}
		_, err := l.Record(ctx, f)
		require.NoError(t, err)
		h, err := l.History(ctx, who, "court")
		require.NoError(t, err)
		require.Equal(t, "ada@example.org", h.Entries[0].Content.Address)
		_, err = l.Erase(ctx, who, "erasure-request")
		require.NoError(t, err)
		// The rest of the person dies too; the proof is spared, as a host does it.
		_, err = k.Vault.Shred(ctx, troth.UnmanagedPermit("erasure-request"), vault.Target{
			Tenant: shop, SubjectID: who.ID, Except: []troth.Compartment{consent.ProofCompartment},
		})
		require.NoError(t, err)
		h, err = l.History(ctx, who, "court")
		require.NoError(t, err)
		require.Len(t, h.Entries, 1)
		require.True(t, h.Entries[0].ContentGone)
		require.Equal(t, "203.0.113.0/24", h.Entries[0].Proof.Network)
		now = now.AddDate(3, 0, 2)
		require.NoError(t, l.Sweep(ctx))
		h, err = l.History(ctx, who, "court")
		require.NoError(t, err)
		require.Empty(t, h.Entries)
		acts := map[string]int{}
		shreds := 0
		for r, err := range k.Trail.Entries(ctx, shop, audit.Query{}) {
			require.NoError(t, err)
			acts[r.Act]++
			if r.Act == troth.ShredAct {
				shreds++
			}
		}
		require.Equal(t, 1, acts["consent.erase"])
		require.Equal(t, 1, acts["consent.proof-erase"])
		require.Equal(t, 3, shreds)
	})
}

// TestKit_InTheHostsTransaction: the host's row and the consent commit together.
func TestKit_InTheHostsTransaction(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		k, l, ctx := d.open(t)
		publish(ctx, t, l)
		who := troth.Subject{Tenant: shop, ID: "42"}
		err := k.Handle.Atomically(ctx, func(ctx context.Context) error {
			if _, err := k.Handle.Querier(ctx).Exec(ctx, "CREATE TABLE host_row (id INTEGER)"); err != nil {
				return err
			}
			if _, err := l.Record(ctx, form("f1", who, consent.Granted)); err != nil {
				return err
			}
			return context.Canceled
		})
		require.ErrorIs(t, err, context.Canceled)
		dec, err := l.Check(ctx, who, letter, time.Time{})
		require.NoError(t, err)
		require.Equal(t, consent.ReasonUnknown, dec.Reason)
		entries := 0
		for r, err := range k.Trail.Entries(ctx, shop, audit.Query{}) {
			require.NoError(t, err)
			if r.Act == "consent.event" {
				entries++
			}
		}
		require.Zero(t, entries)
	})
}

// TestCanary_IsFoundNowhere sends one address through everything that the ledger
// does, and looks for it in errors, entries and every row.
func TestCanary_IsFoundNowhere(t *testing.T) {
	const canary = "canary.quetzal-7719@harbour-lantern.example"
	each(t, func(t *testing.T, d database) {
		k, l, ctx := d.open(t, consent.Unmanaged("test"))
		publish(ctx, t, l)
		who := troth.Subject{Tenant: shop, ID: "42"}
		f := form("f1", who, consent.Granted)
		f.Evidence = consent.Evidence{
			UserAgent: troth.Protect("Mozilla/5.0 " + canary), Page: troth.Protect("/sign-up?email=" + canary),
			Address: troth.Protect(canary), Note: troth.Protect("written by " + canary),
		}
		_, err := l.Record(ctx, f)
		require.NoError(t, err)
		var told bytes.Buffer
		for _, bad := range []func() error{
			func() error { g := f; g.ID = canary + "\n"; _, err := l.Record(ctx, g); return err },
			func() error { g := f; g.Subject.ID = canary + "\x00"; _, err := l.Record(ctx, g); return err },
			func() error { _, err := l.Confirm(ctx, consent.Confirmation{Tenant: shop, Token: canary}); return err },
			func() error { _, err := l.Receipt(ctx, who, canary); return err },
			func() error { return l.Object(ctx, troth.Objection{Subject: who, OriginID: canary + "\t"}) },
			func() error { _, err := consent.ParseReceipt([]byte(canary)); return err },
			func() error {
				_, err := l.Do(ctx, troth.Work{Tenant: shop, Kind: canary, Payload: []byte(canary)})
				return err
			},
			func() error {
				_, err := l.Publish(ctx, consent.Terms{Tenant: shop, Purpose: letter, Title: canary + "\n"})
				return err
			},
		} {
			err := bad()
			require.Error(t, err)
			told.WriteString(err.Error())
		}
		dec, err := l.Check(ctx, who, letter, time.Time{})
		require.NoError(t, err)
		told.WriteString(dec.String())
		for r, err := range k.Trail.Entries(ctx, shop, audit.Query{}) {
			require.NoError(t, err)
			told.WriteString(r.String())
		}
		for _, table := range []string{"event", "person", "state", "text", "due", "request", "delivery", "terms"} {
			rows, err := k.Handle.Querier(ctx).Query(ctx, "SELECT * FROM troth_consent_"+table) //nolint:unqueryvet // every column is searched
			require.NoError(t, err)
			values := make([]any, columns[table])
			for i := range values {
				values[i] = new(any)
			}
			n := 0
			for rows.Next() {
				n++
				require.NoError(t, rows.Scan(values...))
				for _, v := range values {
					switch v := (*v.(*any)).(type) {
					case []byte:
						told.Write(v)
					case string:
						told.WriteString(v)
					}
				}
			}
			require.NoError(t, rows.Err())
			if table == "event" || table == "person" || table == "state" {
				require.Positive(t, n, table)
			}
		}
		require.NotContains(t, told.String(), canary)
		require.NotContains(t, told.String(), "harbour-lantern")
		require.Contains(t, told.String(), string(letter), "the search finds what is there")
	})
}

// columns are how many each table has.
var columns = map[string]int{
	"event": 8, "person": 4, "state": 4, "text": 3, "due": 6, "request": 5, "delivery": 5, "terms": 4,
}
