package consent

import (
	"bytes"
	"crypto/sha256"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// eventDomain names the format of a stored event and its version.
const eventDomain = "troth.consent.event/1"

// Bounds of what an event holds.
const (
	// MaxFormID is the longest id of a form, in bytes.
	MaxFormID = 200
	// MaxWording is the longest shown wording, and MaxNotice the longest text of a
	// notice, in bytes.
	MaxWording = 16 << 10
	MaxNotice  = 1 << 20
	maxEvent   = 16 << 10
)

// Pseudonym names a person in events: random, one for each person of a tenant.
// It stays in the proof after the person's id was erased.
type Pseudonym [16]byte

// Event is one thing that was said or shown, as it stands in the ledger for good.
type Event struct {
	// ID is unique in the tenant: the id of the form and the purpose.
	ID        string
	Tenant    troth.Tenant
	Pseudonym Pseudonym
	Purpose   troth.Purpose
	// Version is that of the purpose; 0 where none was in force, which only what
	// denies may say.
	Version uint32
	Kind    Kind
	// GivenAt is when it was said, RecordedAt when the ledger learnt of it.
	GivenAt, RecordedAt time.Time
	// Until is when a grant ends by its time; zero is never.
	Until   time.Time
	Method  Method
	Channel Channel
	// Notice is what the person was shown; zero if nothing is known of that.
	Notice NoticeRef
	// Wording is the SHA-256 of the words beside the control that was used; zero
	// if they are not known.
	Wording [32]byte
	// Confirms is the id of the request that this event confirms.
	Confirms string
	Age      AgeResult
	Guardian GuardianRef
	// Import is where the event comes from; zero unless it was imported.
	Import Import
	// Proof and Content are SHA-256 of the sealed evidence, zero where there is
	// none: see [Evidence].
	Proof, Content [32]byte
	// Nonce is random, so that the event's hash confirms no guess.
	Nonce [16]byte

	// Link is set on an event of a device that was linked to the person, when it
	// is read as one of theirs. It is not part of the stored event.
	Link Link
}

// NoticeRef names the text that was shown.
type NoticeRef struct {
	ID      string
	Version uint32
	// Language is a BCP 47 tag, as the notice was published with.
	Language string
	// Text is the SHA-256 of its bytes.
	Text [32]byte
}

// AgeResult is what an age rule made of what was known of a person's age. No date
// of birth is kept.
type AgeResult struct {
	// Country is the ISO 3166-1 code whose limit applied; empty if no rule did.
	Country string
	Limit   int
	// Table is the version of the age limits that were used.
	Table string
	// Minor says that the person was below the limit.
	Minor bool
	// ComesOfAge is when they no longer are, on the first day of a month; zero for
	// who is no minor.
	ComesOfAge time.Time
}

// GuardianRef names a guardian's leave in an event.
type GuardianRef struct {
	// Pseudonym is the same for the same guardian within a tenant.
	Pseudonym Pseudonym
	// Relation and Method are words of the host's: "mother", "card-check".
	Relation, Method string
}

// Import says where something that was imported comes from, in words of the host's
// that name no person.
type Import struct {
	// From is who collected it, a system or a company: "old-crm".
	From string
	// By is who brought it over and vouches for it, a role, a program or a number of
	// the host's: "migration-2026".
	By string
}

// Link says that what a device had said counts for an account.
type Link struct {
	// At is from when on; RecordedAt is when the ledger learnt of it. What the
	// device said later is not the account's.
	At, RecordedAt time.Time
}

// Hash is the SHA-256 of the stored event: what the trail and receipts commit to.
func (e *Event) Hash() [32]byte { return sha256.Sum256(e.Append(nil)) }

// Append encodes the event behind dst: the inverse of [ParseEvent].
func (e *Event) Append(dst []byte) []byte {
	dst = canon.AppendDomain(dst, eventDomain)
	dst = canon.AppendText(dst, e.Tenant)
	dst = canon.AppendText(dst, e.ID)
	dst = canon.AppendBytes(dst, e.Pseudonym[:])
	dst = canon.AppendText(dst, e.Purpose)
	dst = canon.AppendUint(dst, uint64(e.Version))
	dst = canon.AppendText(dst, e.Kind)
	dst = canon.AppendInt(dst, micros(e.GivenAt))
	dst = canon.AppendInt(dst, micros(e.RecordedAt))
	dst = canon.AppendInt(dst, micros(e.Until))
	dst = canon.AppendText(dst, e.Method)
	dst = canon.AppendText(dst, e.Channel)
	dst = e.Notice.append(dst)
	dst = appendDigest(dst, e.Wording)
	dst = canon.AppendText(dst, e.Confirms)
	dst = e.Age.append(dst)
	dst = e.Guardian.append(dst)
	dst = e.Import.append(dst)
	dst = appendDigest(dst, e.Proof)
	dst = appendDigest(dst, e.Content)
	return canon.AppendBytes(dst, e.Nonce[:])
}

func appendDigest(dst []byte, d [32]byte) []byte {
	if d == ([32]byte{}) {
		return canon.AppendNone(dst)
	}
	return canon.AppendBytes(dst, d[:])
}

func (n NoticeRef) append(dst []byte) []byte {
	if n == (NoticeRef{}) {
		return canon.AppendNone(dst)
	}
	dst = canon.AppendList(dst, 4)
	dst = canon.AppendText(dst, n.ID)
	dst = canon.AppendUint(dst, uint64(n.Version))
	dst = canon.AppendText(dst, n.Language)
	return canon.AppendBytes(dst, n.Text[:])
}

func (a AgeResult) append(dst []byte) []byte {
	if a == (AgeResult{}) {
		return canon.AppendNone(dst)
	}
	dst = canon.AppendList(dst, 5)
	dst = canon.AppendText(dst, a.Country)
	dst = canon.AppendUint(dst, uint64(a.Limit))
	dst = canon.AppendText(dst, a.Table)
	minor := uint64(0)
	if a.Minor {
		minor = 1
	}
	dst = canon.AppendUint(dst, minor)
	return canon.AppendInt(dst, micros(a.ComesOfAge))
}

func (g GuardianRef) append(dst []byte) []byte {
	if g == (GuardianRef{}) {
		return canon.AppendNone(dst)
	}
	dst = canon.AppendList(dst, 3)
	dst = canon.AppendBytes(dst, g.Pseudonym[:])
	dst = canon.AppendText(dst, g.Relation)
	return canon.AppendText(dst, g.Method)
}

func (i Import) append(dst []byte) []byte {
	if i == (Import{}) {
		return canon.AppendNone(dst)
	}
	dst = canon.AppendList(dst, 2)
	dst = canon.AppendText(dst, i.From)
	return canon.AppendText(dst, i.By)
}

// ParseEvent reads what [Event.Append] wrote, and nothing else: anything else is
// [ErrRecord].
func ParseEvent(b []byte) (Event, error) {
	if len(b) > maxEvent {
		return Event{}, ErrRecord
	}
	r := reader{canon.Walk(b, eventDomain), false}
	e := Event{
		Tenant: troth.Tenant(r.text()), ID: r.text(), Pseudonym: r.pseudonym(),
		Purpose: troth.Purpose(r.text()), Version: r.small(), Kind: Kind(r.text()),
		GivenAt: r.instant(), RecordedAt: r.instant(), Until: r.instant(),
		Method: Method(r.text()), Channel: Channel(r.text()),
		Notice: r.notice(), Wording: r.digest(), Confirms: r.text(), Age: r.age(), Guardian: r.guardian(),
		Import: r.imported(), Proof: r.digest(), Content: r.digest(),
	}
	r.fixed(e.Nonce[:])
	// Encoding it again shows everything that a writer would have written
	// otherwise.
	if _, known := codeOf(e.Kind); !known || !r.done() || !bytes.Equal(e.Append(nil), b) {
		return Event{}, ErrRecord
	}
	return e, nil
}

// reader reads the fields of a message in the order of its composite literal,
// which Go evaluates from left to right. After the first that does not fit it
// gives zeros.
type reader struct {
	canon.Walker
	bad bool
}

func (r *reader) done() bool { return r.Done() && !r.bad }

func (r *reader) text() string { return string(r.Text()) }

func (r *reader) small() uint32 {
	n := r.Uint()
	r.bad = r.bad || n > 1<<32-1
	return uint32(n)
}

func (r *reader) instant() time.Time { return instant(r.Int()) }

func (r *reader) fixed(to []byte) {
	b := r.Bytes()
	r.bad = r.bad || len(b) != len(to)
	copy(to, b)
}

func (r *reader) pseudonym() (p Pseudonym) {
	r.fixed(p[:])
	return p
}

func (r *reader) digest() (d [32]byte) {
	if !r.None() {
		r.fixed(d[:])
	}
	return d
}

// list begins a list of n fields; absent reports that there is none instead.
func (r *reader) list(n int) (absent bool) {
	if r.None() {
		return true
	}
	r.bad = r.List() != n || r.bad
	return false
}

func (r *reader) notice() (n NoticeRef) {
	if !r.list(4) {
		n.ID, n.Version, n.Language = r.text(), r.small(), r.text()
		r.fixed(n.Text[:])
	}
	return n
}

func (r *reader) age() (a AgeResult) {
	if !r.list(5) {
		a.Country, a.Limit, a.Table = r.text(), int(r.small()), r.text()
		a.Minor, a.ComesOfAge = r.small() == 1, r.instant()
	}
	return a
}

func (r *reader) guardian() (g GuardianRef) {
	if !r.list(3) {
		g.Pseudonym, g.Relation, g.Method = r.pseudonym(), r.text(), r.text()
	}
	return g
}

func (r *reader) imported() (i Import) {
	if !r.list(2) {
		i.From, i.By = r.text(), r.text()
	}
	return i
}
