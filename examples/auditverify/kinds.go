package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// entry judges the proof of one entry.
func (v *verifier) entry(r *bufio.Reader) (string, error) {
	b, err := readAll(r)
	if err != nil {
		return "", err
	}
	p, err := audit.VerifyProof(b, v.keys)
	if err != nil {
		return "", err
	}
	if err := v.meet(p.Checkpoint); err != nil {
		return "", err
	}
	w := &words{}
	w.entry(p)
	w.signed(p.Checkpoint, p.Signatures)
	w.trust(v, p.Checkpoint)
	w.proven("who has the log's key committed to exactly this entry at this position when it was signed; no " +
		"log that grows from there can leave it out or change it.")
	w.not("that what it says is true", "that it is the only entry of its kind; all entries of the tenant show that")
	w.alone(p.Signatures)
	return w.String(), nil
}

// tenant judges an export of all entries of a tenant.
func (v *verifier) tenant(r *bufio.Reader) (string, error) {
	sum := newSummary()
	p, err := audit.VerifyTenant(r, v.keys, sum.add)
	if err != nil {
		return "", err
	}
	if err := v.meet(p.Checkpoint); err != nil {
		return "", err
	}
	w := &words{}
	w.tenant(p, sum)
	w.signed(p.Checkpoint, p.Signatures)
	w.trust(v, p.Checkpoint)
	all := "these are all entries"
	if p.Pruned > 0 || p.Elsewhere > 0 {
		all = "these, and those that the file says are gone, are all entries"
	}
	w.proven("%s that the log had of this tenant when it was signed, in their order: none is "+
		"missing between them or cut off at the end, none is doubled, none is another tenant's.", all)
	w.not("that what they say is true", "that everything that was done was recorded")
	if p.Pruned > 0 || p.Redacted > 0 {
		w.not("what the entries said that are gone; only that they were there, and how many")
	}
	if p.Pruned > 0 || p.Elsewhere > 0 {
		w.not("that those were destroyed: who made the file may have left them out; the platform's entries, " +
			"and the tenant's in later logs, tell")
	}
	w.alone(p.Signatures)
	return w.String(), nil
}

// growth judges the proof that a log only grew.
func (v *verifier) growth(r *bufio.Reader) (string, error) {
	b, err := readAll(r)
	if err != nil {
		return "", err
	}
	c, err := audit.ParseConsistency(b)
	if err != nil {
		return "", err
	}
	var old audit.Checkpoint
	if v.trusted != nil {
		old = *v.trusted
	} else if c.OldSize > 0 {
		return "", errOld
	}
	cp, err := audit.VerifyConsistency(b, old, v.keys)
	if err != nil {
		return "", err
	}
	_, sigs, err := audit.OpenCheckpoint(c.Checkpoint, v.keys)
	if err != nil {
		return "", err
	}
	if err := v.meet(cp); err != nil {
		return "", err
	}
	w := &words{}
	w.log(cp)
	w.signed(cp, sigs)
	if v.trusted == nil {
		w.proven("the checkpoint is signed.")
		w.not("that the log only grew: this begins at an empty log, which every log contains")
	} else {
		v.linked = append(v.linked, cp)
		w.line("from", fmt.Sprintf("the trusted checkpoint of size %d, signed %s", old.Size, instant(old.SignedAt)))
		w.proven("the log only grew since the trusted checkpoint: all its %d entries are still there, unchanged and "+
			"at their positions, and %s behind them.", old.Size, more(cp.Size-old.Size))
		w.not("that what the entries say is true")
	}
	w.alone(sigs)
	return w.String(), nil
}

// checkpoint judges a checkpoint that comes alone.
func (v *verifier) checkpoint(r *bufio.Reader) (string, error) {
	b, err := readAll(r)
	if err != nil {
		return "", err
	}
	cp, sigs, err := audit.OpenCheckpoint(b, v.keys)
	if err != nil {
		return "", err
	}
	if err := v.meet(cp); err != nil {
		return "", err
	}
	w := &words{}
	w.log(cp)
	w.signed(cp, sigs)
	w.trust(v, cp)
	w.proven("who has the log's key committed to a log of this size, with these entries and no others.")
	w.not("what the entries are", "anything about a later log, until a proof shows that it grew from this one: keep it")
	w.alone(sigs)
	return w.String(), nil
}

// errOther says that an opening was read and is of another pseudonym.
var errOther = errors.New("it opens another pseudonym")

// seeing is why the opening's name is read.
const seeing troth.Purpose = "audit-verify"

// opening judges the opening of a pseudonym, one line that a newline may end.
func (v *verifier) opening(r *bufio.Reader) (string, error) {
	b, err := readAll(r)
	if err != nil {
		return "", err
	}
	o, err := audit.ParseOpening(strings.TrimSuffix(string(b), "\n"))
	if err != nil {
		return "", err
	}
	if v.pseudonym == nil {
		return "", errName
	}
	if err := o.Verify(*v.pseudonym); err != nil {
		return "", errOther
	}
	who, actor, err := o.Subject(seeing)
	if err != nil {
		return "", err
	}
	w := &words{}
	w.line("pseudonym", v.pseudonym.String())
	as := "whose data it is"
	if actor {
		as = "who acted"
	}
	w.line("person", fmt.Sprintf("%s of %s, as the one %s", plain(who.ID), plain(string(who.Tenant)), as))
	w.proven("the pseudonym was made for this person, so entries under it are about them, or by them.")
	w.not("that any entry is in a log: its own proof shows that",
		"who the person is beyond the name that the host gave them")
	return w.String(), nil
}
