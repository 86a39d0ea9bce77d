package main

import (
	"bufio"
	"fmt"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/rights"
)

// erasure judges a certificate of what became of a request to erase: its proof, and that
// it is what the proven entry commits to.
func (v *verifier) erasure(r *bufio.Reader) (string, error) {
	b, err := readAll(r)
	if err != nil {
		return "", err
	}
	var p audit.Proven
	c, err := rights.VerifyCertificate(b, func(proof []byte) (rights.Proven, error) {
		if p, err = audit.VerifyProof(proof, v.keys); err != nil {
			return rights.Proven{}, err
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
	w.erased(&c)
	w.line("recorded", instant(p.Entry.RecordedAt)+" by the host's clock, as entry "+p.Entry.ID.String())
	w.signed(p.Checkpoint, p.Signatures)
	w.trust(v, p.Checkpoint)
	w.proven("who has the log's key committed to exactly this certificate when it was signed; nothing in it was changed since.")
	w.not("that what it says is true; the entries that it names say what was recorded, each with a proof of its own",
		"that there are no sources besides those that it names")
	if c.Stage != rights.Final {
		w.not("that everything is gone: the certificate is provisional")
	}
	w.alone(p.Signatures)
	return w.String(), nil
}

// erased tells what a certificate says.
func (w *words) erased(c *rights.Certificate) {
	w.line("certificate", fmt.Sprintf("%s, issued %s by %s", plain(string(c.Stage)), instant(c.Issued.Time), quoted(c.Controller)))
	w.line("request", fmt.Sprintf("%s of tenant %s to %s, received %s",
		plain(c.Request), plain(string(c.Tenant)), plain(string(c.Right)), instant(c.Received.Time)))
	if c.Complete != nil {
		w.line("complete by", instant(c.Complete.Time))
	}
	for i := range c.Sources {
		s := &c.Sources[i]
		w.line("source", sourceWords(s))
		for _, k := range s.Kept {
			w.line("", keptWords(k))
		}
	}
	w.line("ledger", fmt.Sprintf("%d keyed hashes keep the person erased", c.Ledger))
}

func sourceWords(s *rights.CertificateSource) string {
	text := fmt.Sprintf("%s: %s, %d records", plain(s.Name), plain(string(s.Outcome)), s.Records)
	if s.Method != "" {
		text += " " + plain(string(s.Method))
	}
	text += ", " + instant(s.At.Time)
	if s.CopiesUntil != nil {
		text += ", copies until " + instant(s.CopiesUntil.Time)
	}
	return text + ", by entry " + plain(s.Evidence)
}

func keptWords(k rights.CertificateKept) string {
	text := fmt.Sprintf("%d records kept: %s", k.Records, plain(string(k.Basis)))
	if k.Cite != "" {
		text += ", " + quoted(k.Cite)
	}
	if k.Until != nil {
		text += ", until " + instant(k.Until.Time)
	}
	if k.Review != nil {
		text += ", looked at again by " + instant(k.Review.Time)
	}
	return text
}
