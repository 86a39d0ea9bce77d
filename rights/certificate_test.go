package rights_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// prover proves by an id alone; proven finds the entry again.
type prover struct{}

func (prover) Prove(_ context.Context, _ troth.Tenant, id troth.EntryID) ([]byte, error) {
	return []byte(id.String()), nil
}

// proven reads what a proof shows: the newest certificate on the trail.
func (w *world) proven(edit func(p *rights.Proven)) func([]byte) (rights.Proven, error) {
	return func([]byte) (rights.Proven, error) {
		var p rights.Proven
		for _, e := range w.trail.All() {
			if e.Act.Name == "rights.certificate" {
				p = rights.Proven{Act: e.Act.Name, ActVersion: e.Act.Version, Outcome: troth.Done, Tenant: e.Tenant, Facts: e.Facts}
			}
		}
		if edit != nil {
			edit(&p)
		}
		return p, nil
	}
}

func (w *world) certified(id string) (rights.Certificate, []byte) {
	w.Helper()
	c, err := w.desk.Certify(w.ctx, acme, id)
	require.NoError(w, err)
	file, err := w.desk.ProveCertificate(w.ctx, c)
	require.NoError(w, err)
	return c.Certificate, file
}

func erasedShop(t *testing.T, change func(s *shop, now time.Time)) (*world, *shop, rights.Request) {
	t.Helper()
	s := newShop()
	w := newWorld(t, s.options(rights.WithProver(prover{}))...)
	if change != nil {
		change(s, w.clock.Now())
	}
	r := w.step(w.approved(rights.Erase).ID)
	return w, s, r
}

func TestCertify_FinalWhenNothingIsLeft(t *testing.T) {
	w, _, r := erasedShop(t, nil)
	c, file := w.certified(r.ID)
	require.Equal(t, rights.Final, c.Stage)
	require.Nil(t, c.Complete)
	got, err := rights.VerifyCertificate(file, w.proven(nil))
	require.NoError(t, err)
	c.Proof = got.Proof
	require.Equal(t, c, got)
	require.Len(t, c.Sources, 5)
	for _, secret := range []string{canary, "Ada", ada.ID, `"4711"`, "+999 555"} { // digits alone may be in a hash
		require.NotContains(t, string(file), secret)
	}
}

// What was issued is kept as it was, the latest of each stage, until the record goes; its
// contents go before.
func TestCertificates_TheLatestOfEachStageStays(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options(rights.WithProver(prover{}), rights.WithContentsLife(0))...)
	s.orders.copies = w.clock.Now().AddDate(0, 0, 30)
	r := w.step(w.approved(rights.Erase).ID)
	kept := func() []rights.Certified {
		t.Helper()
		all, err := w.desk.Certificates(w.ctx, acme, r.ID)
		require.NoError(t, err)
		return all
	}
	require.Empty(t, kept())
	_, err := w.desk.Certify(w.ctx, acme, r.ID)
	require.NoError(t, err)
	second, err := w.desk.Certify(w.ctx, acme, r.ID)
	require.NoError(t, err)
	require.Equal(t, []rights.Certified{second}, kept())
	_, err = w.desk.Deliver(w.ctx, acme, r.ID, time.Time{})
	require.NoError(t, err)
	w.clock.Move(31 * 24 * time.Hour)
	w.sweep()
	_, err = w.desk.Contents(w.ctx, acme, r.ID, "rights-request")
	require.ErrorIs(t, err, rights.ErrGone)
	final, err := w.desk.Certify(w.ctx, acme, r.ID)
	require.NoError(t, err)
	require.Equal(t, rights.Final, final.Stage)
	require.Equal(t, []rights.Certified{final, second}, kept())
	file, err := w.desk.ProveCertificate(w.ctx, kept()[0])
	require.NoError(t, err)
	_, err = rights.VerifyCertificate(file, w.proven(nil))
	require.NoError(t, err)

	_, err = w.desk.Certificates(w.ctx, "", r.ID)
	require.Error(t, err)
	other, err := w.desk.Certificates(w.ctx, globex, r.ID)
	require.NoError(t, err)
	require.Empty(t, other)
	w.clock.Move(800 * 24 * time.Hour)
	w.sweep()
	require.Empty(t, kept())
}

func TestCertify_ProvisionalUntilCopiesAreGone(t *testing.T) {
	var gone time.Time
	w, _, r := erasedShop(t, func(s *shop, now time.Time) {
		gone = now.AddDate(0, 0, 30)
		s.orders.copies, s.account.copies = gone, now.AddDate(0, 0, 8)
	})
	require.Equal(t, []rights.ObligationKind{rights.BackupExpiry, rights.BackupExpiry}, w.obligations(r.ID))
	c, _ := w.certified(r.ID)
	require.Equal(t, rights.Provisional, c.Stage)
	require.Equal(t, gone, c.Complete.Time)
	w.clock.Set(gone.Add(-time.Minute))
	w.sweep()
	c, _ = w.certified(r.ID)
	require.Equal(t, rights.Provisional, c.Stage)
	w.clock.Set(gone.Add(time.Minute))
	w.sweep()
	require.Empty(t, w.obligations(r.ID))
	require.NotContains(t, w.bells.stages(), rights.Late, "it went as it was to")
	c, _ = w.certified(r.ID)
	require.Equal(t, rights.Final, c.Stage)
}

func TestCertify_SaysWhatIsKeptAndNotInWhichMatter(t *testing.T) {
	w, s, r := erasedShop(t, func(s *shop, now time.Time) {
		s.orders.kept = []rights.Kept{{Basis: rights.LegalClaims, Records: 1, Review: now.AddDate(1, 0, 0)}}
	})
	c, _ := w.certified(r.ID)
	require.Equal(t, rights.Provisional, c.Stage)
	require.Nil(t, c.Complete, "nobody knows when")
	s.orders.kept = nil
	w.clock.Move(25 * time.Hour)
	w.sweep()
	c, _ = w.certified(r.ID)
	require.Equal(t, rights.Final, c.Stage)
}

func TestCertify_NothingThatWasNotDone(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options(rights.WithSource(rights.Source{Name: "logs", Order: rights.Derived}))...)
	r := w.approved(rights.Erase)
	_, err := w.desk.Certify(w.ctx, acme, r.ID)
	var early *rights.StateError
	require.ErrorAs(t, err, &early, "before anything was done")
	r = w.step(r.ID)
	c, err := w.desk.Certify(w.ctx, acme, r.ID)
	require.NoError(t, err)
	require.Equal(t, rights.Provisional, c.Stage, "nobody erased the logs")
	w.clock.Move(10000 * time.Hour)
	c, err = w.desk.Certify(w.ctx, acme, r.ID)
	require.NoError(t, err)
	require.Equal(t, rights.Provisional, c.Stage)

	see := w.approved(rights.Access)
	_, err = w.desk.Certify(w.ctx, acme, see.ID)
	require.ErrorIs(t, err, rights.ErrRight)
}

// TestVerifyCertificate_RefusesEveryChange changes every byte, and everything around the
// certificate.
func TestVerifyCertificate_RefusesEveryChange(t *testing.T) {
	w, _, r := erasedShop(t, func(s *shop, now time.Time) {
		s.orders.kept = []rights.Kept{{Basis: rights.LegalObligation, Records: 1, Until: now.AddDate(8, 0, 0), Cite: "§ 147 AO"}}
		s.index.copies = now.AddDate(0, 0, 8)
	})
	_, file := w.certified(r.ID)
	var plain bytes.Buffer
	require.NoError(t, json.Compact(&plain, file))
	proof := bytes.Index(plain.Bytes(), []byte(`"proof"`))
	for i, b := range plain.Bytes() {
		for _, x := range []byte{b ^ 1, b ^ 0x20, '0', '"'} {
			if x == b {
				continue
			}
			changed := bytes.Clone(plain.Bytes())
			changed[i] = x
			_, err := rights.VerifyCertificate(changed, w.proven(nil))
			if proof >= 0 && i > proof && err == nil {
				continue // the proof itself is judged by who verifies it
			}
			require.Error(t, err, "byte %d, %q for %q", i, x, b)
		}
	}
	for name, edit := range map[string]func(p *rights.Proven){
		"another act":     func(p *rights.Proven) { p.Act = "rights.event" },
		"another version": func(p *rights.Proven) { p.ActVersion++ },
		"another tenant":  func(p *rights.Proven) { p.Tenant = globex },
		"not done":        func(p *rights.Proven) { p.Outcome = troth.Refused },
		"nothing":         func(p *rights.Proven) { p.Facts = nil },
	} {
		_, err := rights.VerifyCertificate(file, w.proven(edit))
		require.ErrorIs(t, err, rights.ErrCertificateProof, name)
	}
	for name, text := range map[string]string{
		"empty": "", "cut": string(file[:len(file)-3]), "more": string(file) + "{}",
		"a member": strings.Replace(string(file), `"format"`, `"x": 1, "format"`, 1),
		"no proof": string(plain.Bytes()[:proof-1]) + "}",
	} {
		_, err := rights.VerifyCertificate([]byte(text), w.proven(nil))
		require.ErrorIs(t, err, rights.ErrCertificate, name)
	}
	_, err := rights.VerifyCertificate(file, func([]byte) (rights.Proven, error) { return rights.Proven{}, errCrash })
	require.ErrorIs(t, err, errCrash)
}

// A certificate that the host signed and that contradicts itself is none.
func TestParseCertificate_RefusesContradictions(t *testing.T) {
	at := rights.CertificateTime{Time: time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)}
	later := rights.CertificateTime{Time: at.Add(time.Hour)}
	final := func() rights.Certificate {
		return rights.Certificate{
			Format: rights.CertificateFormat, Stage: rights.Final, Issued: at, Tenant: acme, Request: "r", Right: rights.Erase,
			Received: at, Sources: []rights.CertificateSource{
				{Name: "orders", Outcome: rights.Done, Method: rights.Deleted, Records: 3, At: at, CopiesUntil: &at},
				{Name: "logs", Outcome: rights.NothingFound, At: at},
			},
		}
	}
	parse := func(c rights.Certificate) error {
		file, err := c.Marshal()
		require.NoError(t, err)
		_, err = rights.ParseCertificate(file)
		return err
	}
	require.NoError(t, parse(final()))
	kept := []rights.CertificateKept{{Basis: rights.LegalClaims, Records: 1, Until: &later}}
	for name, change := range map[string]func(c *rights.Certificate){
		"no such stage":               func(c *rights.Certificate) { c.Stage = "done" },
		"another right":               func(c *rights.Certificate) { c.Right = rights.Access },
		"no sources":                  func(c *rights.Certificate) { c.Sources = nil },
		"no tenant":                   func(c *rights.Certificate) { c.Tenant = "" },
		"final, and complete later":   func(c *rights.Certificate) { c.Complete = &later },
		"final, and copies are left":  func(c *rights.Certificate) { c.Sources[0].CopiesUntil = &later },
		"final, and something failed": func(c *rights.Certificate) { c.Sources[1].Outcome = rights.Failed },
		"final, and something is kept": func(c *rights.Certificate) {
			c.Sources[0].Outcome, c.Sources[0].Kept = rights.Retained, kept
		},
		"done, and something is kept": func(c *rights.Certificate) { c.Stage, c.Sources[0].Kept = rights.Provisional, kept },
		"an outcome that is none":     func(c *rights.Certificate) { c.Stage, c.Sources[0].Outcome = rights.Provisional, "gone" },
	} {
		c := final()
		change(&c)
		require.ErrorIs(t, parse(c), rights.ErrCertificate, name)
	}
	c := final()
	c.Stage, c.Complete, c.Sources[0].CopiesUntil = rights.Provisional, &later, &later
	c.Sources[1].Outcome, c.Sources[1].Kept = rights.Retained, kept
	require.NoError(t, parse(c), "provisional")
	c.Sources = nil
	require.NoError(t, parse(c), "of a desk without sources, of which a person sees to it")
}

func FuzzParseCertificate(f *testing.F) {
	f.Add([]byte(`{"format":"troth.rights.certificate/1"}`))
	f.Add([]byte(`{"format":"troth.rights.certificate/1","nonce":"00","stage":"provisional","issued":"2026-10-01T09:00:00.000000Z",` +
		`"controller":"Shop <1> & Söhne","tenant":"acme","request":"r","right":"erase","received":"2026-10-01T09:00:00.000000Z","ledger":1,` +
		`"sources":[{"name":"orders","outcome":"retained","records":1,"at":"2026-10-01T09:00:00.000000Z","kept":[{"basis":"legal-claims",` +
		`"records":1,"until":"2026-10-02T09:00:00.000000Z"}],"evidence":"e"}],"proof":"p\n"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := rights.ParseCertificate(b)
		if err != nil {
			return
		}
		again, err := c.Marshal()
		require.NoError(t, err)
		var one, two bytes.Buffer
		require.NoError(t, json.Compact(&one, b))
		require.NoError(t, json.Compact(&two, again))
		require.Equal(t, one.String(), two.String())
	})
}

func TestErased_KeepsPeopleErased(t *testing.T) {
	w, _, r := erasedShop(t, nil)
	asked := []rights.Identifier{
		id("email", canary), id("number", "4711"), id("phone", "+999 555 0003"), id("subject", ada.ID),
		id("email", "eve@example.org"), id("number", canary), id("number", "4712"),
	}
	erased, err := w.desk.Erased(w.ctx, acme, asked)
	require.NoError(t, err)
	require.Equal(t, []bool{true, true, true, true, false, false, false}, erased)
	require.Equal(t, rights.StateDelivering, r.State)

	_, err = w.desk.Return(w.ctx, ada, asked[:1])
	require.ErrorIs(t, err, rights.ErrConflict, "under the old id")
	_, err = w.desk.Return(w.ctx, troth.Subject{Tenant: acme, ID: "c-18"}, asked[3:4])
	require.ErrorIs(t, err, rights.ErrConflict, "the old id")
	lifted, err := w.desk.Return(w.ctx, troth.Subject{Tenant: acme, ID: "c-18"}, asked[:1])
	require.NoError(t, err)
	require.Equal(t, 1, lifted)
	erased, err = w.desk.Erased(w.ctx, acme, asked)
	require.NoError(t, err)
	require.Equal(t, []bool{false, true, true, true, false, false, false}, erased, "and nothing else")
}

func TestErased_NobodyBeforeAnythingIsDestroyed(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	w.approved(rights.Erase)
	erased, err := w.desk.Erased(w.ctx, acme, []rights.Identifier{id("email", canary)})
	require.NoError(t, err)
	require.Equal(t, []bool{false}, erased)
}
