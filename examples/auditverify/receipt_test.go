package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
	"github.com/trothdev/troth/storage/memory/consentmem"
)

// The receipts in testdata/bundles are of a log of their own. They stay, as the
// other files there.
var receiptFixture = flag.Bool("receipt-fixture", false, "make the receipts in testdata/bundles anew; then run with -update")

func TestReceiptFixture(t *testing.T) {
	if !*receiptFixture {
		require.FileExists(t, filepath.Join(bundles, "receipt.json"))
		return
	}
	at := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	clock := func() time.Time { at = at.Add(1_000_123 * time.Microsecond); return at }
	signer, err := audit.NewSigningKey("shop.example/receipts", [32]byte(slices.Repeat([]byte{7}, 32)))
	require.NoError(t, err)
	db, keys := memory.Open(), audittest.NewKeys()
	trail, err := audit.New(t.Context(), auditmem.New(db), keys, audittest.NewSealer(), audit.WithClock(clock), audit.WithSigner(signer))
	require.NoError(t, err)
	ledger, err := consent.New(t.Context(), consent.Config{Store: consentmem.New(db), Recorder: trail, Keys: keys},
		consent.WithClock(clock), consent.WithProver(trail),
		consent.WithController(consent.Controller{
			Name: "Acme Ltd", Contact: "privacy@acme.example", Address: "1 Harbour Road, Dublin", ID: "IE 1234567",
			Jurisdiction: "IE", Withdraw: "https://acme.example/preferences",
		}))
	require.NoError(t, err)
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	_, err = ledger.Publish(ctx, consent.Terms{
		Tenant: "acme", Purpose: "newsletter", Title: "Our monthly letter", Basis: consent.Consent,
		Data: []string{"email"}, Recipients: []string{"mailer"}, Validity: deadline.Period{Years: 2},
		StoredIn: []string{"IE"}, Retention: deadline.Period{Years: 3},
	})
	require.NoError(t, err)
	_, err = ledger.PublishNotice(ctx, consent.Notice{
		Tenant: "acme", ID: "sign-up", Texts: map[string]string{"en": "We write once a month."},
		Asks: []consent.Ask{{Control: "letter", Purpose: "newsletter"}},
	})
	require.NoError(t, err)
	ada := troth.Subject{Tenant: "acme", ID: "c-17"}
	events, err := ledger.Record(ctx, consent.Form{
		ID: "form-1", Subject: ada, Method: consent.ByCheckbox, Channel: consent.OnWeb, Notice: consent.NoticeRef{ID: "sign-up", Version: 1, Language: "en"},
		Choices: []consent.Choice{{Purpose: "newsletter", Kind: consent.Granted, Wording: "Yes, send me the letter"}},
	})
	require.NoError(t, err)
	issued, err := ledger.Receipt(ctx, ada, events[0].ID)
	require.NoError(t, err)
	sign(t, trail)
	file, err := ledger.ProveReceipt(ctx, issued)
	require.NoError(t, err)
	write(t, "receipts.pub", []byte(signer.VerifierKey()+"\n"))
	write(t, "receipt.json", file)
	write(t, "receipt-date.json", bytes.Replace(file, []byte("2026-11-26T10:00"), []byte("2025-11-26T10:00"), 1))
	write(t, "receipt-purpose.json", bytes.Replace(file, []byte(`"newsletter"`), []byte(`"advertising"`), 1))
	bare, err := issued.Marshal()
	require.NoError(t, err)
	write(t, "receipt-bare.json", bare)
}

// TestReceipt_NoByteOfWhatItSaysCanChange changes every byte in three ways: what is
// still read and holds says the same.
func TestReceipt_NoByteOfWhatItSaysCanChange(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	whole, err := os.ReadFile(filepath.Join(bundles, "receipt.json"))
	require.NoError(t, err)
	fresh := &verifier{}
	require.NoError(t, fresh.readKeys(filepath.Join(bundles, "receipts.pub")))
	judge := func(b []byte) (string, int) {
		v := *fresh
		text, err := v.judge(bytes.NewReader(b))
		return text, statusOf(err)
	}
	text, status := judge(whole)
	require.Equal(t, holds, status)
	for i := range whole {
		if i%slowdown != 0 {
			continue
		}
		for _, change := range []byte{0x01, 0x20, 0x80} {
			b := bytes.Clone(whole)
			b[i] ^= change
			if changed, status := judge(b); status == holds {
				require.Equal(t, text, changed, "byte %d ^ %#x: no more than layout", i, change)
			}
		}
		if strings.TrimSpace(string(whole[i:])) != "" {
			_, status := judge(whole[:i])
			require.NotEqual(t, holds, status, "cut off at byte %d", i)
		}
	}
	_, status = judge([]byte("{" + strings.Repeat(" ", 2*maxFile)))
	assert.Equal(t, unreadable, status)
}
