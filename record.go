package troth

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"
)

// EntryID identifies one entry of the trail: a UUID of version 7 (RFC 9562, with
// the clock's fraction of a millisecond by method 3 of its section 6.2), so that
// ids which one machine makes later sort later, to a quarter of a microsecond of
// its clock.
type EntryID [16]byte

// NewEntryID returns a fresh id for an entry recorded at the given instant.
func NewEntryID(at time.Time) EntryID {
	var id EntryID
	_, _ = rand.Read(id[:]) // never fails, crypto/rand documents
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(id[:6], ms[2:])
	fraction := at.Nanosecond() % int(time.Millisecond) * 4096 / int(time.Millisecond)
	id[6] = 0x70 | byte(fraction>>8)
	id[7] = byte(fraction)
	id[8] = id[8]&0x3f | 0x80
	return id
}

// String returns the id in the usual form with hyphens.
func (id EntryID) String() string {
	b := make([]byte, 0, 36)
	from := 0
	for _, to := range [...]int{4, 6, 8, 10, 16} {
		if from > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, id[from:to])
		from = to
	}
	return string(b)
}

// ErrEntryID says that text is not an entry id.
var ErrEntryID = errors.New("troth: not an entry id")

// ParseEntryID reads what [EntryID.String] wrote, and nothing else.
func ParseEntryID(s string) (EntryID, error) {
	var id EntryID
	if len(s) != 36 {
		return id, ErrEntryID
	}
	raw, err := hex.DecodeString(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
	if err != nil {
		return id, ErrEntryID
	}
	copy(id[:], raw)
	if id.String() != s {
		return EntryID{}, ErrEntryID
	}
	return id, nil
}

// IsZero reports whether the id names no entry.
func (id EntryID) IsZero() bool { return id == EntryID{} }

// ActOutcome is how the recorded act ended.
type ActOutcome string

const (
	// Done: the act took effect.
	Done ActOutcome = "done"
	// Refused: a rule forbade it.
	Refused ActOutcome = "refused"
	// Unknown: it may have happened, and what is missing cannot be found out:
	// a process died before it could say.
	Unknown ActOutcome = "unknown"
)

// Entry is the evidence of one act. The actor is taken from the context. But for
// the payload no field holds personal data: the person is named by id here and
// by a pseudonym on the trail, and facts are limited to what the act's schema
// declares.
type Entry struct {
	Act    *Act
	Tenant Tenant
	// SubjectID is the person's id under Tenant; empty if the act concerns
	// nobody in particular.
	SubjectID string
	// Purpose is empty where the act has none.
	Purpose Purpose
	// Outcome is [Done] if empty.
	Outcome ActOutcome
	Facts   Facts
	// Parts are the payload. They alone may hold personal data, which is sealed
	// before it is stored.
	Parts []Part
}

// Recorder keeps evidence. Record works inside the transaction of ctx, so that
// the act and its evidence commit together: if it returns an error the caller's
// act must fail too. It returns [ErrNoActor] where ctx has no actor, and an
// *[ActError] where the entry does not fit its act's schema.
type Recorder interface {
	Record(ctx context.Context, e Entry) (EntryID, error)
	// Transactor is the one whose transactions Record joins.
	Transactor() Transactor
}

// Prover gives what a stranger needs in order to check an entry.
type Prover interface {
	// Prove returns a self-contained proof of the entry in the signed log. It
	// returns [ErrPending] while the entry is durable but not yet in the log.
	Prove(ctx context.Context, tenant Tenant, id EntryID) ([]byte, error)
}

// ErrPending says that something durable is not yet final.
var ErrPending = errors.New("troth: pending")

// UnsafeNoEvidence returns a recorder that checks entries and throws them away.
// Nothing done with it can be proved later. It is for programs that have no
// duty to account for what they do, and for trying things out.
func UnsafeNoEvidence(t Transactor) Recorder { return noEvidence{t} }

type noEvidence struct{ t Transactor }

func (n noEvidence) Record(ctx context.Context, e Entry) (EntryID, error) {
	if _, err := ActorFrom(ctx); err != nil {
		return EntryID{}, err
	}
	if err := e.Validate(); err != nil {
		return EntryID{}, err
	}
	return NewEntryID(time.Now()), nil
}

func (n noEvidence) Transactor() Transactor { return n.t }
