package main

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// words are what is said of one file.
type words struct{ strings.Builder }

func (w *words) line(name, text string) { fmt.Fprintf(w, "  %-10s %s\n", name, text) }

// proven says what is known now, not what is still only claimed.
func (w *words) proven(format string, args ...any) {
	fmt.Fprintf(w, "  Proven: "+format+"\n", args...)
}

func (w *words) not(what ...string) {
	for _, s := range what {
		fmt.Fprintf(w, "  Not proven: %s.\n", s)
	}
}

// alone says what only witnesses could have shown.
func (w *words) alone(sigs []audit.Signature) {
	for _, s := range sigs {
		if s.Witness {
			return
		}
	}
	w.not("that others were shown the same log: no witness has signed")
}

// entry tells what a proven entry says.
func (w *words) entry(p audit.Proven) {
	e := p.Entry
	w.line("act", fmt.Sprintf("%s, %s", plain(e.Act), plain(string(e.Outcome))))
	w.line("by", actor(e.Actor))
	if e.Subject.IsZero() {
		w.line("about", "nobody in particular")
	} else {
		w.line("about", "the person with pseudonym "+e.Subject.String())
	}
	w.line("tenant", plain(string(e.Tenant)))
	if e.Purpose != "" {
		w.line("purpose", plain(string(e.Purpose)))
	}
	for i, f := range e.Facts {
		w.line([]string{"facts", ""}[min(i, 1)], fact(f))
	}
	if n := len(e.Commitments); n > 0 {
		w.line("parts", fmt.Sprintf("%d under seal, which the entry commits to", n))
	}
	w.line("recorded", instant(e.RecordedAt)+" by the host's clock")
	w.line("entry", e.ID.String())
	w.line("position", fmt.Sprintf("%d of log %s, since %s; number %d of the tenant's own there",
		p.Leaf.Index, plain(p.Checkpoint.Origin), instant(p.Leaf.SequencedAt), p.Leaf.Number))
}

func (w *words) tenant(p audit.TenantProof, sum *summary) {
	w.line("entries", fmt.Sprintf("%d of tenant %s, in log %s", p.Number, plain(string(p.Tenant)), plain(p.Checkpoint.Origin)))
	if p.Pruned > 0 {
		w.line("", fmt.Sprintf("the first %d of them are not here; the file says that they were destroyed", p.Pruned))
	}
	if n := p.Redacted - p.Elsewhere; n > 0 {
		w.line("", fmt.Sprintf("of them redacted: %d, for reasons that other entries here give", n))
	}
	if p.Elsewhere > 0 {
		w.line("", fmt.Sprintf("%d more are not here; the file says that they were redacted, for reasons in a later log", p.Elsewhere))
	}
	for i, act := range sum.sorted() {
		w.line([]string{"acts", ""}[min(i, 1)], fmt.Sprintf("%d × %s", sum.acts[act], plain(act)))
	}
	if !sum.first.IsZero() {
		w.line("recorded", instant(sum.first)+" to "+instant(sum.last)+" by the host's clock")
	}
}

func (w *words) log(cp audit.Checkpoint) {
	w.line("log", fmt.Sprintf("%s, of size %d, root hash %x", plain(cp.Origin), cp.Size, cp.Root))
}

// signed tells who signed, and when.
func (w *words) signed(cp audit.Checkpoint, sigs []audit.Signature) {
	for _, s := range sigs {
		if s.Witness {
			w.line("witness", fmt.Sprintf("%s, key %08x, saw it %s", plain(s.Name), s.KeyID, instant(s.At)))
		} else {
			w.line("signed", fmt.Sprintf("%s at size %d, by key %08x of %s", instant(cp.SignedAt), cp.Size, s.KeyID, plain(s.Name)))
		}
	}
}

// trust tells how the checkpoint stands to the trusted one.
func (w *words) trust(v *verifier, cp audit.Checkpoint) {
	switch {
	case v.trusted == nil:
	case v.trusted.Origin != cp.Origin:
		w.line("trusted", "not compared: the trusted checkpoint is of another log, "+plain(v.trusted.Origin))
	case v.isLinked(cp):
		w.line("trusted", fmt.Sprintf("shown to be the log of the trusted checkpoint of size %d", v.trusted.Size))
	default:
		w.line("trusted", fmt.Sprintf("not compared: give a proof that the log grew from size %d to %d, or back, first",
			min(v.trusted.Size, cp.Size), max(v.trusted.Size, cp.Size)))
	}
}

func actor(a audit.ActorRef) string {
	if a.Kind == troth.Person {
		return "the person with pseudonym " + a.Person.String() + ", of " + plain(string(a.Home))
	}
	return "the program " + plain(a.Service) + ", of " + plain(string(a.Home))
}

func fact(f audit.NamedFact) string {
	if f.Kind() == troth.DigestFact {
		return plain(f.Name) + "=" + hex.EncodeToString([]byte(f.Text()))
	}
	return f.String()
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func more(n uint64) string {
	if n == 1 {
		return "1 more stands"
	}
	return strconv.FormatUint(n, 10) + " more stand"
}

// plain quotes what could confuse who reads it on a terminal.
func plain(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }) {
		return strconv.Quote(s)
	}
	return s
}
