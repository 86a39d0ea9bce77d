package consent_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/deadline"
)

// vectorEvent is the event of docs/formats/consent.md, vectorTerms the version.
func vectorEvent() consent.Event {
	return consent.Event{
		ID: "form-1/newsletter", Tenant: "acme", Pseudonym: consent.Pseudonym{0: 1, 15: 2}, Purpose: "newsletter", Version: 1,
		Kind: consent.Granted, GivenAt: time.UnixMicro(1_795_000_000_000_001).UTC(), RecordedAt: time.UnixMicro(1_795_000_000_000_002).UTC(),
		Until: time.UnixMicro(1_858_072_000_000_001).UTC(), Method: consent.ByCheckbox, Channel: consent.OnWeb,
		Notice:  consent.NoticeRef{ID: "sign-up", Version: 1, Language: "en", Text: sha256.Sum256([]byte("We write once a month."))},
		Wording: sha256.Sum256([]byte("Yes")), Nonce: [16]byte{0: 3, 15: 4},
	}
}

func vectorTerms() consent.Terms {
	return consent.Terms{
		Tenant: "acme", Purpose: "newsletter", Version: 1, Title: "Our monthly letter", Basis: consent.Consent, DirectMarketing: true,
		Data: []string{"email"}, Recipients: []string{"mailer"}, Validity: deadline.Period{Years: 2}, Age: consent.AnyAge,
		DoubleOptIn: true, Change: consent.NewPurpose,
		EffectiveAt: time.UnixMicro(1_794_000_000_000_000).UTC(), PublishedAt: time.UnixMicro(1_794_000_000_000_000).UTC(),
	}
}

// TestFormats_Vectors keeps the page true.
func TestFormats_Vectors(t *testing.T) {
	page, err := os.ReadFile("../docs/formats/consent.md")
	require.NoError(t, err)
	e := vectorEvent()
	hash := e.Hash()
	require.Contains(t, string(page), hex.EncodeToString(hash[:]))
	read, err := consent.ParseEvent(e.Append(nil))
	require.NoError(t, err)
	require.Equal(t, e, read)
	terms := vectorTerms()
	sum := sha256.Sum256(terms.Append(nil))
	require.Contains(t, string(page), hex.EncodeToString(sum[:]))
	back, err := consent.ParseTerms(terms.Append(nil))
	require.NoError(t, err)
	require.Equal(t, terms, back)
	// A receipt of the same, without a proof.
	file, err := os.ReadFile("testdata/receipt.json")
	require.NoError(t, err)
	r, err := consent.ParseReceipt(file)
	require.NoError(t, err)
	rh, err := r.Hash()
	require.NoError(t, err)
	require.Contains(t, string(page), hex.EncodeToString(rh[:]))
}

// TestEvent_EveryFieldCounts: no field of an event can change without the hash.
func TestEvent_EveryFieldCounts(t *testing.T) {
	whole := vectorEvent()
	seen := map[[32]byte]string{whole.Hash(): "the vector"}
	for name, change := range map[string]func(e *consent.Event){
		"ID": func(e *consent.Event) { e.ID += "x" }, "Tenant": func(e *consent.Event) { e.Tenant = globex },
		"Pseudonym": func(e *consent.Event) { e.Pseudonym[3]++ }, "Purpose": func(e *consent.Event) { e.Purpose = stats },
		"Version": func(e *consent.Event) { e.Version++ }, "Kind": func(e *consent.Event) { e.Kind = consent.Refused },
		"GivenAt":    func(e *consent.Event) { e.GivenAt = e.GivenAt.Add(time.Microsecond) },
		"RecordedAt": func(e *consent.Event) { e.RecordedAt = e.RecordedAt.Add(time.Microsecond) },
		"Until":      func(e *consent.Event) { e.Until = time.Time{} }, "Method": func(e *consent.Event) { e.Method = consent.ByPaper },
		"Channel": func(e *consent.Event) { e.Channel = consent.ByPost }, "Notice": func(e *consent.Event) { e.Notice = consent.NoticeRef{} },
		"Notice text": func(e *consent.Event) { e.Notice.Text[0]++ }, "Wording": func(e *consent.Event) { e.Wording = [32]byte{} },
		"Confirms": func(e *consent.Event) { e.Confirms = "x" }, "Age": func(e *consent.Event) { e.Age = consent.AgeResult{Country: "DE", Limit: 16} },
		"Guardian": func(e *consent.Event) { e.Guardian.Relation = "mother" }, "Proof": func(e *consent.Event) { e.Proof[0]++ },
		"Import": func(e *consent.Event) { e.Import = consent.Import{From: "a", By: "b"} }, "Imported from": func(e *consent.Event) { e.Import.From = "ab" },
		"Content": func(e *consent.Event) { e.Content[0]++ }, "Nonce": func(e *consent.Event) { e.Nonce[1]++ },
	} {
		e := vectorEvent()
		change(&e)
		require.Empty(t, seen[e.Hash()], name)
		seen[e.Hash()] = name
		read, err := consent.ParseEvent(e.Append(nil))
		require.NoError(t, err, name)
		require.Equal(t, e, read, name)
	}
}
