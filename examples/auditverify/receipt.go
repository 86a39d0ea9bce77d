package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/consent"
)

// receipt judges a consent receipt: its proof, and that it is what the proven entry
// commits to.
func (v *verifier) receipt(r *bufio.Reader) (string, error) {
	b, err := readAll(r)
	if err != nil {
		return "", err
	}
	var p audit.Proven
	said, err := consent.VerifyReceipt(b, func(proof []byte) (consent.Proven, error) {
		if p, err = audit.VerifyProof(proof, v.keys); err != nil {
			return consent.Proven{}, err
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
	w.said(said)
	w.line("recorded", instant(p.Entry.RecordedAt)+" by the host's clock, as entry "+p.Entry.ID.String())
	w.signed(p.Checkpoint, p.Signatures)
	w.trust(v, p.Checkpoint)
	w.proven("who has the log's key committed to exactly this receipt when it was signed; nothing in it was changed since.")
	w.not("that what it says is true", "that the person has not said anything else since")
	w.alone(p.Signatures)
	return w.String(), nil
}

// said tells what a receipt says.
func (w *words) said(r consent.Receipt) {
	w.line("receipt", plain(r.ID)+" of "+quoted(r.Publisher.Name))
	w.line("person", plain(r.Record.DataSubject)+" of "+plain(string(r.Record.Tenant)))
	w.line("purpose", fmt.Sprintf("%s, version %d: %s", plain(string(r.Record.Process.Purpose)), r.Record.Process.Version, quoted(r.Record.Process.Title)))
	w.line("basis", plain(r.Record.Process.LegalBasis))
	w.line("data", names(r.Record.Process.Data))
	w.line("recipients", names(r.Record.Process.Recipients))
	w.line("said", plain(string(r.Record.Event.Kind))+" at "+instant(r.Record.Event.Given.Time))
	if until := r.Record.Event.Until; until != nil {
		w.line("good until", instant(until.Time))
	}
}

// quoted is a text of several words that a terminal may be shown.
func quoted(s string) string { return fmt.Sprintf("%q", s) }

func names(all []string) string {
	if len(all) == 0 {
		return "none are named"
	}
	safe := make([]string, len(all))
	for i, s := range all {
		safe[i] = plain(s)
	}
	return strings.Join(safe, ", ")
}
