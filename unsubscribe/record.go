package unsubscribe

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// The second form has an instant that was claimed.
const eventDomain, claimedDomain = "troth.unsubscribe.event/1", "troth.unsubscribe.event/2"

// record is the stored form of an event: the keys of the address are not in it, so
// that changing these leaves its hash alone.
func (e *Event) record() []byte {
	domain := eventDomain
	if !e.Claimed.IsZero() {
		domain = claimedDomain
	}
	b := canon.AppendDomain(nil, domain)
	b = canon.AppendText(b, e.ID)
	b = canon.AppendUint(b, uint64(slices.Index(kinds, e.Kind)+1))
	b = canon.AppendText(b, e.Place.Tenant)
	b = canon.AppendUint(b, uint64(width[e.Place.Scope]))
	b = canon.AppendText(b, e.Place.List)
	b = canon.AppendUint(b, uint64(e.Channel.number()))
	b = canon.AppendUint(b, uint64(slices.Index(methods, e.Method)+1))
	b = canon.AppendInt(b, e.At.UnixMicro())
	b = canon.AppendInt(b, e.RecordedAt.UnixMicro())
	b = canon.AppendText(b, e.Origin)
	b = canon.AppendText(b, e.Reference)
	b = canon.AppendText(b, e.Provider)
	b = canon.AppendUint(b, uint64(e.Generation))
	had := uint64(0)
	if e.HasEvidence {
		had = 1
	}
	b = canon.AppendUint(b, had)
	if domain == claimedDomain {
		b = canon.AppendInt(b, e.Claimed.UnixMicro())
	}
	return b
}

// Hash is of the stored form: the trail commits to it.
func (e *Event) Hash() [32]byte { return sha256.Sum256(e.record()) }

// parseEvent reads what record wrote, and nothing else.
func parseEvent(b []byte) (e Event, err error) {
	if e, err = parseEventAs(b, eventDomain); err != nil {
		e, err = parseEventAs(b, claimedDomain)
	}
	return e, err
}

func parseEventAs(b []byte, domain string) (e Event, err error) {
	w := canon.Walk(b, domain)
	e.ID = string(w.Text())
	kind := w.Uint()
	e.Place.Tenant = troth.Tenant(w.Text())
	scope := w.Uint()
	e.Place.List = string(w.Text())
	channel, method := w.Uint(), w.Uint()
	at, recorded := w.Int(), w.Int()
	e.Origin, e.Reference, e.Provider = string(w.Text()), string(w.Text()), string(w.Text())
	generation, had := w.Uint(), w.Uint()
	var claimed int64
	if domain == claimedDomain {
		claimed = w.Int()
	}
	bad := !w.Done() || had > 1 || generation > 1<<32-1
	e.Kind = nth(kinds, kind, &bad)
	e.Place.Scope = nth([]Scope{List, Client, Everything}, scope, &bad)
	e.Channel = nth(channels, channel, &bad)
	e.Method = nth(methods, method, &bad)
	if bad {
		return Event{}, ErrRecord
	}
	e.At, e.RecordedAt = timeOf(at), timeOf(recorded)
	e.Generation, e.HasEvidence = uint32(generation), had == 1
	if domain == claimedDomain {
		if e.Claimed = timeOf(claimed); e.Claimed.IsZero() || claimed > 0 && claimed <= recorded {
			return Event{}, ErrRecord
		}
	}
	return e, nil
}

// nth is the value that is stored as n, counted from 1.
func nth[T any](all []T, n uint64, bad *bool) (v T) {
	if n == 0 || n > uint64(len(all)) {
		*bad = true
		return v
	}
	return all[n-1]
}

// openEvent reads a row, which must be where its record says.
func openEvent(row *EventRow) (Event, error) {
	e, err := parseEvent(row.Record)
	if err != nil || e.ID != row.ID || e.Place.registry() != row.Tenant || e.RecordedAt.UnixMicro() != row.RecordedAt {
		return Event{}, ErrRecord
	}
	return e, nil
}

// timeOf is a stored instant; 0 is 1970.
func timeOf(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
