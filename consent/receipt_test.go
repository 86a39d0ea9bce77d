package consent_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
)

// prover gives the id of the entry as its proof; a real one is a signed log.
type prover struct{ pending bool }

func (p *prover) Prove(_ context.Context, _ troth.Tenant, id troth.EntryID) ([]byte, error) {
	if p.pending {
		return nil, troth.ErrPending
	}
	return []byte("proof of " + id.String()), nil
}

// prove is what verifies the proofs of prover.
func (w *world) prove(proof []byte) (consent.Proven, error) {
	for _, e := range w.trail.Of("consent.receipt") {
		if string(proof) == "proof of "+e.ID.String() {
			return consent.Proven{Act: e.Act.Name, ActVersion: e.Act.Version, Outcome: troth.Done, Tenant: e.Tenant, Purpose: e.Purpose, Facts: e.Facts}, nil
		}
	}
	return consent.Proven{}, errUnproven
}

var errUnproven = errors.New("not proven")

// receiptOf issues a receipt with everything in it.
func receiptOf(t *testing.T) (*world, consent.Event, []byte) {
	t.Helper()
	w := newWorld(t, consent.WithProver(&prover{}))
	w.publish(consent.Terms{Purpose: letter, Title: "A <monthly> letter", Data: []string{"email"}, Recipients: []string{"mailer"}, Validity: years(2)})
	_, err := w.ledger.PublishNotice(w.ctx, consent.Notice{
		Tenant: acme, ID: "sign-up", Texts: map[string]string{"en": "We write."}, Asks: []consent.Ask{{Control: "a", Purpose: letter}},
	})
	require.NoError(t, err)
	f := w.form(ada, letter, consent.Granted)
	f.Notice = consent.NoticeRef{ID: "sign-up", Version: 1, Language: "en"}
	f.Choices[0].Wording = "Yes"
	e := w.sayForm(f)
	issued, err := w.ledger.Receipt(w.ctx, ada, e.ID)
	require.NoError(t, err)
	file, err := w.ledger.ProveReceipt(w.ctx, issued)
	require.NoError(t, err)
	return w, e, file
}

func TestReceipt_HoldsAndSaysWhatWasSaid(t *testing.T) {
	w, e, file := receiptOf(t)
	r, err := consent.VerifyReceipt(file, w.prove)
	require.NoError(t, err)
	require.Equal(t, "dpv:ConsentReceipt", r.Type)
	require.Equal(t, letter, r.Record.Process.Purpose)
	require.Equal(t, "eu-gdpr:A6-1-a", r.Record.Process.LegalBasis)
	require.Equal(t, "dpv:ConsentGiven", r.Record.Event.Status)
	require.True(t, e.GivenAt.Equal(r.Record.Event.Given.Time))
	require.True(t, e.Until.Equal(r.Record.Event.Until.Time))
	require.Equal(t, "Acme Ltd", r.Publisher.Name)
	again, err := r.Marshal()
	require.NoError(t, err)
	require.Equal(t, file, again)
	// Layout is nothing.
	compact := bytes.ReplaceAll(bytes.ReplaceAll(file, []byte("\n"), nil), []byte("  "), nil)
	_, err = consent.VerifyReceipt(compact, w.prove)
	require.NoError(t, err)
}

func TestVerifyReceipt_NoDateNorPurposeCanBeEdited(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	w, e, file := receiptOf(t)
	for name, edit := range map[string][2]string{
		"when it was said":   {e.GivenAt.Format("2006-01-02T15:04:05"), "2020-01-01T00:00:00"},
		"the purpose":        {`"dpv:hasPurpose": "newsletter"`, `"dpv:hasPurpose": "statistics"`},
		"the recipients":     {`"mailer"`, `"ads"`},
		"the data":           {`"email"`, `"health"`},
		"the version":        {`"schema:version": 1,` + "\n" + `      "dct:title"`, `"schema:version": 2,` + "\n" + `      "dct:title"`},
		"the controller":     {"Acme Ltd", "Globex"},
		"who":                {`"c-17"`, `"c-18"`},
		"the tenant":         {`"troth:tenant": "acme"`, `"troth:tenant": "globex"`},
		"what was said":      {`"troth:kind": "granted"`, `"troth:kind": "refused"`},
		"the title":          {"monthly", "weekly"},
		"the basis":          {"A6-1-a", "A6-1-f"},
		"the hash of a text": {`"troth:sha256": "`, `"troth:sha256": "0`},
		"the nonce":          {`"troth:nonce": "`, `"troth:nonce": "0`},
	} {
		require.Contains(t, string(file), edit[0], name)
		_, err := consent.VerifyReceipt([]byte(strings.Replace(string(file), edit[0], edit[1], 1)), w.prove)
		require.ErrorIs(t, err, consent.ErrReceiptProof, name)
	}
	for name, edit := range map[string][2]string{
		"an unknown member": {`{`, `{"x": 1,`},
		"a member twice":    {`"troth:tenant": "acme",`, `"troth:tenant": "acme", "troth:tenant": "acme",`},
		"another spelling":  {`"newsletter"`, "\"\\u006eewsletter\""},
		"another case":      {`"troth:tenant"`, `"Troth:tenant"`},
		"no proof":          {`"troth:proof"`, `"troth:prof"`},
		"something behind":  {"", "{}"},
		"a day for a time":  {e.GivenAt.Format("2006-01-02T15:04:05") + ".000000Z", "2026-01-01"},
	} {
		text := string(file)
		if edit[0] == "" {
			text += edit[1]
		} else {
			require.Contains(t, text, edit[0], name)
			text = strings.Replace(text, edit[0], edit[1], 1)
		}
		_, err := consent.VerifyReceipt([]byte(text), w.prove)
		require.ErrorIs(t, err, consent.ErrReceipt, name)
	}
	// No byte can change.
	for i := range file {
		for _, change := range []byte{0x01, 0x20, 0x80} {
			b := bytes.Clone(file)
			b[i] ^= change
			if r, err := consent.VerifyReceipt(b, w.prove); err == nil {
				same, err := r.Marshal()
				require.NoError(t, err)
				require.Equal(t, file, same, "byte %d ^ %#x: only layout", i, change)
			}
		}
	}
}

func TestVerifyReceipt_AnotherEntryProvesNothing(t *testing.T) {
	w, e, file := receiptOf(t)
	other, err := w.ledger.Receipt(w.ctx, ada, e.ID)
	require.NoError(t, err)
	r, err := consent.ParseReceipt(file)
	require.NoError(t, err)
	r.Proof = "proof of " + other.Entry.String()
	swapped, err := r.Marshal()
	require.NoError(t, err)
	_, err = consent.VerifyReceipt(swapped, w.prove)
	require.ErrorIs(t, err, consent.ErrReceiptProof)
	for name, change := range map[string]func(p *consent.Proven){
		"another act":     func(p *consent.Proven) { p.Act = "consent.event" },
		"another outcome": func(p *consent.Proven) { p.Outcome = troth.Refused },
		"another tenant":  func(p *consent.Proven) { p.Tenant = globex },
		"no facts":        func(p *consent.Proven) { p.Facts = nil },
	} {
		_, err = consent.VerifyReceipt(file, func(b []byte) (consent.Proven, error) {
			p, err := w.prove(b)
			change(&p)
			return p, err
		})
		require.ErrorIs(t, err, consent.ErrReceiptProof, name)
	}
	r.Proof = "nonsense"
	b, err := r.Marshal()
	require.NoError(t, err)
	_, err = consent.VerifyReceipt(b, w.prove)
	require.ErrorIs(t, err, errUnproven)
}

func TestReceipt_OfOthersOrWithoutAProof(t *testing.T) {
	p := &prover{pending: true}
	w := newWorld(t, consent.WithProver(p))
	w.publish(consent.Terms{Purpose: letter})
	e := w.say(ada, letter, consent.Granted)
	_, err := w.ledger.Receipt(w.ctx, subject("c-18"), e.ID)
	require.ErrorIs(t, err, consent.ErrEvent)
	_, err = w.ledger.Receipt(w.ctx, troth.Subject{Tenant: globex, ID: "c-17"}, e.ID)
	require.ErrorIs(t, err, consent.ErrEvent)
	issued, err := w.ledger.Receipt(w.ctx, ada, e.ID)
	require.NoError(t, err)
	_, err = w.ledger.ProveReceipt(w.ctx, issued)
	require.ErrorIs(t, err, troth.ErrPending)
	b, err := issued.Marshal()
	require.NoError(t, err)
	_, err = consent.VerifyReceipt(b, w.prove)
	require.ErrorIs(t, err, consent.ErrReceipt)
}

func FuzzParseReceipt(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"@context":{"dpv":"x"},"@type":"a"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := consent.ParseReceipt(b)
		if err != nil {
			return
		}
		again, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := consent.ParseReceipt(again); err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
	})
}

func FuzzParseEvent(f *testing.F) {
	e := ev(consent.Granted, 0, 1)
	e.Age = consent.AgeResult{Country: "DE", Limit: 16, Table: "t", Minor: true}
	e.Notice = consent.NoticeRef{ID: "n", Version: 1, Language: "en"}
	f.Add(e.Append(nil))
	f.Add([]byte{1, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := consent.ParseEvent(b)
		if err == nil && !bytes.Equal(e.Append(nil), b) {
			t.Fatal("a second encoding was accepted")
		}
	})
}
