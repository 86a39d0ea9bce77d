package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/retention"
)

// certificate judges a certificate of destruction: its proof, and that it is what the
// proven entry commits to.
func (v *verifier) certificate(r *bufio.Reader) (string, error) {
	b, err := readAll(r)
	if err != nil {
		return "", err
	}
	var p audit.Proven
	c, err := retention.VerifyCertificate(b, func(proof []byte) (retention.Proven, error) {
		if p, err = audit.VerifyProof(proof, v.keys); err != nil {
			return retention.Proven{}, err
		}
		return p.Said(), nil
	})
	if err != nil {
		return "", err
	}
	if err := v.meet(p.Checkpoint); err != nil {
		return "", err
	}
	w := &words{}
	w.certified(&c)
	w.line("recorded", instant(p.Entry.RecordedAt)+" by the host's clock, as entry "+p.Entry.ID.String())
	w.signed(p.Checkpoint, p.Signatures)
	w.trust(v, p.Checkpoint)
	w.proven("who has the log's key committed to exactly this certificate when it was signed; nothing in it was changed since.")
	w.not("that what it says is true; the entries that it names say what was recorded, each with a proof of its own",
		"that there are no copies besides those that it names")
	if !c.Final {
		w.not("that the records are gone: the certificate is not final")
	}
	w.alone(p.Signatures)
	return w.String(), nil
}

// certified tells what a certificate says.
func (w *words) certified(c *retention.Certificate) {
	final := "not final: copies may still be there"
	if c.Final {
		final = "final: every copy is gone"
	}
	w.line("certificate", fmt.Sprintf("%s of tenant %s, issued %s, %s", plain(c.ID), plain(string(c.Tenant)), instant(c.Issued.Time), final))
	for i := range c.Records {
		r := &c.Records[i]
		w.line("record", fmt.Sprintf("%s, %s of class %s: %s at %s, by entry %s",
			plain(r.Handle), plain(r.Type), plain(r.Class), plain(string(r.End)), instant(r.Destroyed.Time), plain(r.Entry)))
		for k := range r.Copies {
			w.line("", copyWords(&r.Copies[k]))
		}
	}
}

func copyWords(c *retention.CertifiedCopy) string {
	text := fmt.Sprintf("%s (%s): %s", plain(c.Copy), plain(string(c.Kind)), plain(string(c.Status)))
	switch {
	case c.At != nil:
		text += " since " + instant(c.At.Time)
	case c.By != nil:
		text += " by " + instant(c.By.Time)
	}
	var how []string
	if c.Method != "" {
		how = append(how, plain(string(c.Method)))
	}
	if c.Sanitisation != "" {
		how = append(how, fmt.Sprintf("%q in the sense of NIST SP 800-88", c.Sanitisation))
	}
	if c.Shown {
		how = append(how, "as the copy showed")
	}
	if c.Evidence != "" {
		how = append(how, "evidence "+plain(c.Evidence))
	}
	if c.Digest != "" {
		how = append(how, "evidence with hash "+plain(c.Digest))
	}
	if len(how) > 0 {
		text += ": " + strings.Join(how, ", ")
	}
	return text
}
