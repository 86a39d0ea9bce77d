package audit

import (
	"encoding/binary"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// envelopeDomain names the format and its version.
const envelopeDomain = "troth.audit.envelope/1"

// MaxEnvelope is the longest envelope, in bytes. Longer ones are neither
// recorded nor read.
const MaxEnvelope = 64 << 10

// Envelope is the public part of an entry, and names no person but by
// pseudonym. It is stored as canonical bytes, exactly those that will be
// hashed.
type Envelope struct {
	ID troth.EntryID
	// RecordedAt is by the host's clock, to the microsecond, UTC.
	RecordedAt time.Time
	Tenant     troth.Tenant
	// Act and ActVersion name the schema of the facts.
	Act        string
	ActVersion int
	Outcome    troth.ActOutcome
	Actor      ActorRef
	// Subject is zero if the act concerns nobody in particular.
	Subject Pseudonym
	// Purpose is empty where the act has none.
	Purpose troth.Purpose
	// Facts stand in the order of the act's schema.
	Facts []NamedFact
	// Commitments are to the sealed parts of the payload, in order, see
	// [SealedPart].
	Commitments [][32]byte
	// Nonce is random, so that a hash of the envelope confirms no guess.
	Nonce [32]byte
}

// timed reports whether the id begins with the milliseconds of the time, as
// troth.NewEntryID makes it: entries are found by their time that way. Nothing
// else is recorded, nor sequenced, and nothing before 1970 or after the year 10889.
func (e Envelope) timed() bool {
	at := e.RecordedAt.UnixMilli()
	var ms [8]byte
	copy(ms[2:], e.ID[:6])
	return at >= 0 && at == int64(binary.BigEndian.Uint64(ms[:]))
}

// ActorRef is who acted.
type ActorRef struct {
	Kind troth.ActorKind
	// Service is the id of a service; Person the pseudonym of a person.
	Service string
	Person  Pseudonym
	// Home is the tenant that the actor belongs to.
	Home troth.Tenant
}

// NamedFact is one fact of an entry.
type NamedFact struct {
	Name string
	troth.Fact
}

// Append encodes the envelope behind dst: the inverse of [ParseEnvelope].
func (e Envelope) Append(dst []byte) []byte {
	dst = canon.AppendDomain(dst, envelopeDomain)
	dst = canon.AppendBytes(dst, e.ID[:])
	dst = canon.AppendInt(dst, e.RecordedAt.UnixMicro())
	dst = canon.AppendText(dst, e.Tenant)
	dst = canon.AppendText(dst, e.Act)
	dst = canon.AppendUint(dst, uint64(e.ActVersion))
	dst = canon.AppendText(dst, e.Outcome)
	dst = e.Actor.append(dst)
	if e.Subject.IsZero() {
		dst = canon.AppendNone(dst)
	} else {
		dst = canon.AppendBytes(dst, e.Subject[:])
	}
	if e.Purpose == "" {
		dst = canon.AppendNone(dst)
	} else {
		dst = canon.AppendText(dst, e.Purpose)
	}
	dst = canon.AppendList(dst, len(e.Facts))
	for _, f := range e.Facts {
		dst = f.append(dst)
	}
	dst = canon.AppendList(dst, len(e.Commitments))
	for _, c := range e.Commitments {
		dst = canon.AppendBytes(dst, c[:])
	}
	return canon.AppendBytes(dst, e.Nonce[:])
}

// encode encodes the envelope, most often without moving to a larger place.
func (e Envelope) encode() []byte { return e.Append(make([]byte, 0, envelopeRoom)) }

// envelopeRoom is more than most envelopes take.
const envelopeRoom = 512

func (a ActorRef) append(dst []byte) []byte {
	dst = canon.AppendList(dst, actorFields)
	dst = canon.AppendText(dst, a.Kind)
	if a.Kind == troth.Person {
		dst = canon.AppendBytes(dst, a.Person[:])
	} else {
		dst = canon.AppendText(dst, a.Service)
	}
	return canon.AppendText(dst, a.Home)
}

func (f NamedFact) append(dst []byte) []byte {
	dst = canon.AppendList(dst, factFields)
	dst = canon.AppendText(dst, f.Name)
	dst = canon.AppendUint(dst, uint64(f.Kind()))
	switch f.Kind() {
	case troth.WordsFact:
		dst = canon.AppendList(dst, len(f.Words()))
		for _, w := range f.Words() {
			dst = canon.AppendText(dst, w)
		}
		return dst
	case troth.CountFact, troth.InstantFact:
		return canon.AppendInt(dst, f.Number())
	case troth.DigestFact:
		return canon.AppendBytes(dst, []byte(f.Text()))
	default: // a word or an id
		return canon.AppendText(dst, f.Text())
	}
}
