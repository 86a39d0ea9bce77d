package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"github.com/trothdev/troth"
)

// WriteJSONL writes entries, of [Trail.Entries] for example, as JSON Lines: for each
// one object on a line of its own, in UTF-8, with these members in this order. One
// that does not apply is left out; later versions may add others.
//
//	state        logged, pending, redacted or unreadable
//	log          number of the log in the store, from 1
//	index        position in that log, from 0
//	number       position among the tenant's own entries there, from 1
//	id           of the entry
//	tenant
//	recorded_at  RFC 3339, UTC, to the microsecond
//	act          name of the act
//	act_version  a number
//	outcome      done, refused or unknown
//	actor_kind   person or service
//	actor        pseudonym of a person, in hexadecimal digits; id of a service
//	actor_home   tenant that the actor belongs to
//	subject      pseudonym of the data subject, in hexadecimal digits
//	purpose
//	facts        object, in the order of the act's schema: words and ids are
//	             strings, several words an array, counts numbers, instants as
//	             recorded_at, digests hexadecimal digits
//	parts        how many sealed parts the entry commits to
//	redacted_by  the entry that tells why this one was redacted
//	error        why the entry cannot be read
//
// Pending entries have no position, redacted and unreadable ones nothing that
// their envelope said. An entry that cannot be read is a line, and the next one
// follows; any other error of the sequence ends the writing and is returned,
// after what came before it was written. What is written is for reading, and
// proves nothing: [Trail.Export] does.
func WriteJSONL(w io.Writer, entries iter.Seq2[Record, error]) error {
	b := bufio.NewWriter(w)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	err := eachListed(entries, func(l listed) error {
		if err := enc.Encode(l.json()); err != nil {
			return fmt.Errorf("audit: write entries: %w", err)
		}
		return nil
	})
	if flushed := b.Flush(); err == nil && flushed != nil {
		return fmt.Errorf("audit: write entries: %w", flushed)
	}
	return err
}

type jsonEntry struct {
	State      string           `json:"state"`
	Log        int              `json:"log,omitempty"`
	Index      *uint64          `json:"index,omitempty"`
	Number     uint64           `json:"number,omitempty"`
	ID         string           `json:"id"`
	Tenant     troth.Tenant     `json:"tenant,omitempty"`
	RecordedAt string           `json:"recorded_at,omitempty"`
	Act        string           `json:"act,omitempty"`
	ActVersion int              `json:"act_version,omitempty"`
	Outcome    troth.ActOutcome `json:"outcome,omitempty"`
	ActorKind  troth.ActorKind  `json:"actor_kind,omitempty"`
	Actor      string           `json:"actor,omitempty"`
	ActorHome  troth.Tenant     `json:"actor_home,omitempty"`
	Subject    string           `json:"subject,omitempty"`
	Purpose    troth.Purpose    `json:"purpose,omitempty"`
	Facts      jsonFacts        `json:"facts,omitempty"`
	Parts      int              `json:"parts,omitempty"`
	RedactedBy string           `json:"redacted_by,omitempty"`
	Error      string           `json:"error,omitempty"`
}

func (l listed) json() jsonEntry {
	e := jsonEntry{State: l.state, ID: l.ID.String(), Tenant: l.Tenant, RedactedBy: l.redactedBy(), Error: l.problem}
	if l.placed() {
		e.Log, e.Index, e.Number = l.Log, &l.Index, l.Number
	}
	if !l.said() {
		return e
	}
	e.RecordedAt = instant(l.RecordedAt)
	e.Act, e.ActVersion, e.Outcome = l.Act, l.ActVersion, l.Outcome
	e.ActorKind, e.Actor, e.ActorHome = l.Actor.Kind, l.actor(), l.Actor.Home
	e.Subject, e.Purpose = l.subject(), l.Purpose
	e.Facts, e.Parts = l.Facts, len(l.Commitments)
	return e
}

// jsonFacts are an object whose members keep their order.
type jsonFacts []NamedFact

// MarshalJSON implements json.Marshaler.
func (f jsonFacts) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	sep := byte('{')
	for _, fact := range f {
		b.WriteByte(sep)
		sep = ','
		if err := enc.Encode(fact.Name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := enc.Encode(factValue(fact.Fact)); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil // the outer encoder takes the lines' ends out
}
