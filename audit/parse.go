package audit

import (
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// envelopeFields is the number of fields of an envelope, actorFields and factFields
// are those of the lists in it.
const (
	envelopeFields = 12
	actorFields    = 3
	factFields     = 3
)

// maxActVersion is the highest version of an act.
const maxActVersion = 1<<31 - 1

// ParseEnvelope decodes an envelope. It accepts only what [Envelope.Append]
// writes for a valid entry of at most [MaxEnvelope] bytes, so that encoding the result gives the same bytes;
// anything else is [ErrEnvelope]. It does not know the acts: facts are held to
// their kinds, not to a schema.
func ParseEnvelope(b []byte) (Envelope, error) {
	if len(b) > MaxEnvelope {
		return Envelope{}, ErrEnvelope
	}
	m, err := canon.Parse(b)
	if err != nil || m.Domain != envelopeDomain || len(m.Fields) != envelopeFields {
		return Envelope{}, ErrEnvelope
	}
	r := reader{fields: m.Fields}
	var e Envelope
	r.fixed(e.ID[:])
	e.RecordedAt = time.UnixMicro(r.int()).UTC()
	e.Tenant = troth.Tenant(r.text())
	e.Act = r.text()
	e.ActVersion = r.version()
	e.Outcome = troth.ActOutcome(r.text())
	e.Actor = r.actor()
	e.Subject = r.pseudonymOrNone()
	e.Purpose = troth.Purpose(r.textOrNone())
	e.Facts = r.facts()
	e.Commitments = r.commitments()
	r.fixed(e.Nonce[:])
	if r.failed || !e.valid() {
		return Envelope{}, ErrEnvelope
	}
	return e, nil
}

// valid applies the rules of entries and their actors, under which envelopes
// were made. The schema is rebuilt from the facts themselves.
func (e Envelope) valid() bool {
	act := &troth.Act{Name: e.Act, Version: e.ActVersion}
	facts := make(troth.Facts, len(e.Facts))
	for _, f := range e.Facts {
		act.Fields = append(act.Fields, troth.Field{Name: f.Name, Kind: f.Kind()})
		facts[f.Name] = f.Fact
	}
	entry := troth.Entry{Act: act, Tenant: e.Tenant, Purpose: e.Purpose, Outcome: e.Outcome, Facts: facts}
	if entry.Validate() != nil || e.Outcome == "" || !isEntryID(e.ID) {
		return false
	}
	actor := troth.Actor{Kind: e.Actor.Kind, ID: e.Actor.Service, Tenant: e.Actor.Home}
	if e.Actor.Kind == troth.Person {
		actor.ID = e.Actor.Person.String()
	}
	return actor.Validate() == nil && e.Actor.Home != ""
}

// isEntryID reports whether the bits that RFC 9562 fixes for UUIDs of version 7
// are as they must be.
func isEntryID(id troth.EntryID) bool { return id[6]>>4 == 7 && id[8]>>6 == 0b10 }

// reader takes fields one by one; after the first that does not fit it gives
// zeros and failed stays set.
type reader struct {
	fields []canon.Field
	failed bool
}

func (r *reader) next(tags ...byte) canon.Field {
	if r.failed || len(r.fields) == 0 || !slices.Contains(tags, r.fields[0].Tag) {
		r.failed = true
		return canon.Field{}
	}
	f := r.fields[0]
	r.fields = r.fields[1:]
	return f
}

func (r *reader) text() string       { return r.next(canon.TagText).Text }
func (r *reader) int() int64         { return r.next(canon.TagInt).Int }
func (r *reader) fixed(dst []byte)   { r.copy(dst, r.next(canon.TagBytes).Bytes) }
func (r *reader) list() reader       { return reader{fields: r.next(canon.TagList).List} }
func (r *reader) require(ok bool)    { r.failed = r.failed || !ok }
func (r *reader) textOrNone() string { return r.optional(canon.TagText).Text }

func (r *reader) copy(dst, src []byte) {
	r.require(len(src) == len(dst))
	copy(dst, src)
}

// optional takes a field of the tag that is not empty, or none.
func (r *reader) optional(tag byte) canon.Field {
	f := r.next(tag, canon.TagNone)
	r.require(f.Tag == canon.TagNone || len(f.Bytes)+len(f.Text) > 0)
	return f
}

// join takes over the failure of a list, which must have been used up.
func (r *reader) join(l reader) { r.require(!l.failed && len(l.fields) == 0) }

func (r *reader) version() int {
	v := r.next(canon.TagUint).Uint
	r.require(v <= maxActVersion)
	return int(v)
}

func (r *reader) pseudonymOrNone() (p Pseudonym) {
	f := r.optional(canon.TagBytes)
	if f.Tag == canon.TagBytes {
		r.copy(p[:], f.Bytes)
		r.require(!p.IsZero())
	}
	return p
}

func (r *reader) actor() ActorRef {
	l := r.list()
	a := ActorRef{Kind: troth.ActorKind(l.text())}
	if a.Kind == troth.Person {
		l.fixed(a.Person[:])
		l.require(!a.Person.IsZero())
	} else {
		a.Service = l.text()
	}
	a.Home = troth.Tenant(l.text())
	r.join(l)
	return a
}

func (r *reader) facts() (facts []NamedFact) {
	l := r.list()
	for len(l.fields) > 0 && !l.failed {
		f := l.list()
		fact := NamedFact{Name: f.text()}
		fact.Fact = f.fact()
		l.join(f)
		facts = append(facts, fact)
	}
	r.join(l)
	return facts
}

func (r *reader) fact() troth.Fact {
	switch kind := r.next(canon.TagUint).Uint; kind {
	case uint64(troth.WordFact):
		return troth.Word(r.text())
	case uint64(troth.WordsFact):
		return r.words()
	case uint64(troth.CountFact):
		return troth.Count(r.int())
	case uint64(troth.InstantFact):
		return troth.Instant(time.UnixMicro(r.int()))
	case uint64(troth.DigestFact):
		var d [32]byte
		r.fixed(d[:])
		return troth.Digest(d)
	case uint64(troth.IDFact):
		return troth.ID(r.text())
	}
	r.failed = true
	return troth.Fact{}
}

// words takes a list that is sorted and repeats nothing, which is the only
// form in which the fact is kept.
func (r *reader) words() troth.Fact {
	l := r.list()
	var words []string
	for len(l.fields) > 0 && !l.failed {
		words = append(words, l.text())
	}
	r.join(l)
	fact := troth.Words(words...)
	r.require(slices.Equal(fact.Words(), words))
	return fact
}

func (r *reader) commitments() (cs [][32]byte) {
	l := r.list()
	for len(l.fields) > 0 && !l.failed {
		var c [32]byte
		l.fixed(c[:])
		cs = append(cs, c)
	}
	r.join(l)
	return cs
}
