package retention_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// proofs prove entries by naming them.
type proofs struct {
	pending bool
	w       *spread
}

func (p *proofs) Prove(_ context.Context, _ troth.Tenant, id troth.EntryID) ([]byte, error) {
	if p.pending {
		return nil, troth.ErrPending
	}
	return []byte("proof of " + id.String()), nil
}

var errUnproven = errors.New("no such proof")

// prove is what verifies proofs of the last certificate.
func (w *spread) prove(proof []byte) (retention.Proven, error) {
	all := w.notes.of(w, "retention.certificate")
	e := all[len(all)-1]
	if !strings.HasPrefix(string(proof), "proof of ") {
		return retention.Proven{}, errUnproven
	}
	return retention.Proven{Act: e.Act.Name, ActVersion: e.Act.Version, Outcome: troth.Done, Tenant: e.Tenant, Facts: e.Facts}, nil
}

func certifying(t *testing.T, opts ...retention.Option) (*spread, *proofs) {
	t.Helper()
	p := &proofs{}
	w := newSpread(t, append([]retention.Option{retention.WithProver(p), retention.WithCertificates(30 * 24 * time.Hour)}, opts...)...)
	p.w = w
	return w, p
}

func certifiedCopy(t *testing.T, c *retention.Certificate, name string) retention.CertifiedCopy {
	t.Helper()
	for _, one := range c.Records[0].Copies {
		if one.Copy == name {
			return one
		}
	}
	require.Fail(t, name)
	return retention.CertifiedCopy{}
}

func TestCertificate_SaysWhatIsGoneAndNoMore(t *testing.T) {
	w, _ := certifying(t)
	h := w.purged("1", "jane@example.org")
	c, err := w.k.Certify(w.ctx, ours, h)
	require.NoError(t, err)
	require.False(t, c.Final)
	require.Nil(t, c.Records[0].Gone)
	primary := certifiedCopy(t, &c.Certificate, "primary")
	require.Equal(t, retention.CopyGone, primary.Status)
	require.Equal(t, retention.MethodDeleted, primary.Method)
	require.Empty(t, primary.Sanitisation, "a row that was deleted is neither cleared nor purged")
	require.Equal(t, retention.CopyLeaving, certifiedCopy(t, &c.Certificate, "backups").Status)
	require.Empty(t, certifiedCopy(t, &c.Certificate, "backups").Method)
	require.Equal(t, retention.CopyWaiting, certifiedCopy(t, &c.Certificate, "search").Status)

	require.NoError(t, w.works.run(t, w.k))
	require.NoError(t, w.confirm(h))
	w.after(31)
	require.Equal(t, 1, w.tend().Gone)
	c, err = w.k.Certify(w.ctx, ours, h)
	require.NoError(t, err)
	require.True(t, c.Final)
	require.Equal(t, "destroy", certifiedCopy(t, &c.Certificate, "file-cabinet").Sanitisation)
	require.Equal(t, "protocol-7", certifiedCopy(t, &c.Certificate, "file-cabinet").Evidence)
	backups := certifiedCopy(t, &c.Certificate, "backups")
	require.Equal(t, retention.MethodExpired, backups.Method)
	require.Empty(t, backups.Sanitisation)
	file, err := w.k.ProveCertificate(w.ctx, c)
	require.NoError(t, err)
	got, err := retention.VerifyCertificate(file, w.prove)
	require.NoError(t, err)
	require.True(t, got.Final)
	require.NotContains(t, string(file), "jane", "nobody is named")
	require.NotContains(t, string(file), `"1"`, "nor the host's record")

	w.after(30)
	require.Equal(t, 1, w.tend().Forgotten)
	_, err = w.k.Certify(w.ctx, ours, h)
	require.ErrorIs(t, err, retention.ErrNotFound)
}

func TestCertificate_IsOfOnesOwnTenantAndOfWhatWasDestroyed(t *testing.T) {
	w, p := certifying(t)
	h := w.purged("1", "p")
	_, err := w.k.Certify(w.ctx, "other", h)
	require.ErrorIs(t, err, retention.ErrNotFound)
	_, err = w.k.Certify(w.ctx, ours)
	require.ErrorIs(t, err, retention.ErrCertificate)
	_, err = w.k.Certify(w.ctx, ours, h, "unheard")
	require.ErrorIs(t, err, retention.ErrNotFound)
	_, err = w.k.Certify(t.Context(), ours, h)
	require.ErrorIs(t, err, troth.ErrNoActor)
	require.Empty(t, w.notes.of(t, "retention.certificate"))
	c, err := w.k.Certify(w.ctx, ours, h, h)
	require.NoError(t, err)
	require.Len(t, c.Records, 1)
	p.pending = true
	_, err = w.k.ProveCertificate(w.ctx, c)
	require.ErrorIs(t, err, troth.ErrPending)
	bare, err := c.Marshal()
	require.NoError(t, err)
	_, err = retention.VerifyCertificate(bare, w.prove)
	require.ErrorIs(t, err, retention.ErrCertificate, "without a proof")
	_, err = w.keeper().ProveCertificate(w.ctx, c)
	require.ErrorIs(t, err, retention.ErrProver)
}

func TestCertificate_ADestroyedKeyPurgesWhatItSealedOnceItsHorizonIsPast(t *testing.T) {
	entry := troth.NewEntryID(day(t, "2026-02-28"))
	for name, c := range map[string]struct {
		erased retention.KeyErasure
		purge  bool
	}{
		"final and past": {retention.KeyErasure{Entry: entry, Horizon: day(t, "2026-02-28"), Final: true}, true},
		"not final":      {retention.KeyErasure{Entry: entry, Horizon: day(t, "2026-02-28")}, false},
		"not past":       {retention.KeyErasure{Entry: entry, Horizon: day(t, "2026-12-28"), Final: true}, false},
		"no horizon":     {retention.KeyErasure{Entry: entry, Final: true}, false},
		"no key":         {retention.KeyErasure{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := certifying(t)
			h := w.purged("1", "p")
			k, err := retention.New(w.ctx, retention.Config{Store: w.store, Recorder: w.notes},
				retention.WithClock(func() time.Time { return w.now }),
				retention.WithRecords("file", retention.Registration{
					Handler: w.files,
					Erased: func(_ context.Context, tenant troth.Tenant, handle string) (retention.KeyErasure, error) {
						require.Equal(t, ours, tenant)
						require.Equal(t, h, handle)
						return c.erased, nil
					},
				}))
			require.NoError(t, err)
			cert, err := k.Certify(w.ctx, ours, h)
			require.NoError(t, err)
			for _, sealed := range []string{"primary", "backups"} {
				one := certifiedCopy(t, &cert.Certificate, sealed)
				require.Equal(t, c.purge, one.Sanitisation == "purge", sealed)
				require.Equal(t, c.purge, one.Method == retention.MethodKeyDestroyed, sealed)
			}
			for _, plain := range []string{"search", "ads", "ads-backup", "file-cabinet"} {
				require.Empty(t, certifiedCopy(t, &cert.Certificate, plain).Sanitisation, "%s lies in clear", plain)
			}
			require.Equal(t, c.purge, cert.Records[0].Key != nil)
			b, err := cert.Marshal()
			require.NoError(t, err)
			_, err = retention.ParseCertificate(b)
			require.NoError(t, err)
		})
	}
}

// proven is a file that holds.
func proven(t *testing.T) (*spread, []byte) {
	t.Helper()
	w, _ := certifying(t)
	h := w.purged("1", "p")
	require.NoError(t, w.works.run(t, w.k))
	require.NoError(t, w.confirm(h))
	w.after(31)
	c, err := w.k.Certify(w.ctx, ours, h)
	require.NoError(t, err)
	file, err := w.k.ProveCertificate(w.ctx, c)
	require.NoError(t, err)
	return w, file
}

func TestVerifyCertificate_NothingInItCanBeEdited(t *testing.T) {
	w, file := proven(t)
	_, err := retention.VerifyCertificate(file, w.prove)
	require.NoError(t, err)
	for name, edit := range map[string]struct {
		old, new string
		want     error
	}{
		"a date":           {"2026-02-28T", "2026-02-27T", retention.ErrCertificateProof},
		"a record":         {`"class": "content"`, `"class": "notes"`, retention.ErrCertificateProof},
		"the tenant":       {`"tenant": "acme"`, `"tenant": "globex"`, retention.ErrCertificateProof},
		"the evidence":     {"protocol-7", "protocol-8", retention.ErrCertificateProof},
		"an earned word":   {`"shredded"`, `"burned"`, retention.ErrCertificateProof},
		"a better word":    {`"method": "expired"`, `"method": "key-destroyed"`, retention.ErrCertificate},
		"a word alone":     {`"method": "expired"`, `"method": "expired",` + "\n" + `"nist_sp_800_88": "purge"`, retention.ErrCertificate},
		"not final":        {`"final": true`, `"final": false`, retention.ErrCertificate},
		"a copy there":     {`"status": "gone"`, `"status": "present"`, retention.ErrCertificate},
		"an unknown copy":  {`"status": "gone"`, `"status": "away"`, retention.ErrCertificate},
		"an unknown field": {`{`, `{"x": 1,`, retention.ErrCertificate},
		"a field twice":    {`"tenant": "acme",`, `"tenant": "acme", "tenant": "acme",`, retention.ErrCertificate},
		"another spelling": {`"acme"`, "\"\\u0061cme\"", retention.ErrCertificate},
		"another case":     {`"tenant"`, `"Tenant"`, retention.ErrCertificate},
		"no proof":         {`"proof"`, `"prof"`, retention.ErrCertificate},
		"another format":   {"certificate/1", "certificate/2", retention.ErrCertificate},
	} {
		require.Contains(t, string(file), edit.old, name)
		_, err := retention.VerifyCertificate([]byte(strings.Replace(string(file), edit.old, edit.new, 1)), w.prove)
		require.ErrorIs(t, err, edit.want, name)
	}
	_, err = retention.VerifyCertificate(append(bytes.Clone(file), "{}"...), w.prove)
	require.ErrorIs(t, err, retention.ErrCertificate)
	_, err = retention.VerifyCertificate(bytes.Repeat([]byte(" "), retention.MaxCertificate+1), w.prove)
	require.ErrorIs(t, err, retention.ErrCertificate)
	for i := range file {
		for _, change := range []byte{0x01, 0x20, 0x80} {
			b := bytes.Clone(file)
			b[i] ^= change
			if c, err := retention.VerifyCertificate(b, w.prove); err == nil {
				same, err := c.Marshal()
				require.NoError(t, err)
				if !bytes.Contains(file, []byte(c.Proof)) {
					continue // the proof is for who verifies it
				}
				require.Equal(t, file, same, "byte %d ^ %#x: only layout", i, change)
			}
		}
	}
	for name, change := range map[string]func(p *retention.Proven){
		"another act":     func(p *retention.Proven) { p.Act = "retention.purge" },
		"another version": func(p *retention.Proven) { p.ActVersion++ },
		"another outcome": func(p *retention.Proven) { p.Outcome = troth.Refused },
		"another tenant":  func(p *retention.Proven) { p.Tenant = "globex" },
		"no facts":        func(p *retention.Proven) { p.Facts = nil },
	} {
		_, err = retention.VerifyCertificate(file, func(b []byte) (retention.Proven, error) {
			p, err := w.prove(b)
			change(&p)
			return p, err
		})
		require.ErrorIs(t, err, retention.ErrCertificateProof, name)
	}
}

func FuzzParseCertificate(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"format":"troth.retention.certificate/1","id":"x","tenant":"a","issued":"2026-01-01T00:00:00.000000Z","nonce":"","final":false,"records":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := retention.ParseCertificate(b)
		if err != nil {
			return
		}
		again, err := c.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := retention.ParseCertificate(again); err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
	})
}
