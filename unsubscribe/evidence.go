package unsubscribe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/trothdev/troth"
)

// maxEvidence is the longest text of evidence in bytes; more is cut off.
const maxEvidence = 4 << 10

// evidence is what is sealed.
type evidence struct {
	IP        string `json:",omitempty"`
	UserAgent string `json:",omitempty"`
	Note      string `json:",omitempty"`
}

func (e *Evidence) reveal() evidence {
	var out evidence
	if ip, err := e.IP.Reveal(purpose); err == nil && ip != (netip.Addr{}) {
		out.IP = ip.String()
	}
	agent, _ := e.UserAgent.Reveal(purpose) // the purpose is ours and valid
	note, _ := e.Note.Reveal(purpose)
	out.UserAgent, out.Note = bounded(agent), bounded(note)
	return out
}

func bounded(s string) string {
	s = strings.ToValidUTF8(s, "")
	if len(s) > maxEvidence {
		s = strings.ToValidUTF8(s[:maxEvidence], "")
	}
	return s
}

// evidenceAt is the place of an event's evidence: under the person, where they are
// known, else under the event itself, so that each has a key that can die alone.
func evidenceAt(client troth.Tenant, subjectID, event string) troth.Context {
	if subjectID == "" {
		subjectID = "~unsubscribe/" + digest(event)
	}
	return troth.Context{
		Subject:     troth.Subject{Tenant: client, ID: subjectID},
		Compartment: EvidenceCompartment,
		Cell:        troth.Cell{Table: "troth_unsubscribe_event", Column: "content", Row: event},
	}
}

// sealEvidence seals what there is. Of a person whose keys are destroyed nothing can
// be sealed, and nothing is kept: their no counts without.
func (r *Registry) sealEvidence(ctx context.Context, d *draft) ([]byte, error) {
	if d.evidence == (evidence{}) {
		return nil, nil
	}
	if r.opt.sealer == nil {
		return nil, needs("WithSealer, for evidence")
	}
	plain, err := json.Marshal(d.evidence)
	if err != nil {
		return nil, fmt.Errorf("unsubscribe: encode evidence: %w", err)
	}
	sealed, err := r.opt.sealer.Seal(ctx, nil, evidenceAt(d.event.Place.Tenant, d.owner(), d.event.ID), plain)
	if isShredded(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("unsubscribe: seal evidence: %w", err)
	}
	return sealed, nil
}

// openEvidence opens what a row holds.
func (r *Registry) openEvidence(ctx context.Context, e *Event, row *EventRow, p troth.Purpose) (Evidence, error) {
	if r.opt.sealer == nil {
		return Evidence{}, needs("WithSealer, for evidence")
	}
	plain, err := r.opt.sealer.Open(ctx, nil, evidenceAt(e.Place.Tenant, row.SubjectID, e.ID), p, row.Content)
	if err != nil {
		return Evidence{}, fmt.Errorf("unsubscribe: open evidence: %w", err)
	}
	var in evidence
	if json.Unmarshal(plain, &in) != nil {
		return Evidence{}, ErrRecord
	}
	out := Evidence{UserAgent: troth.Protect(in.UserAgent), Note: troth.Protect(in.Note)}
	if in.IP != "" {
		ip, err := netip.ParseAddr(in.IP)
		if err != nil {
			return Evidence{}, ErrRecord
		}
		out.IP = troth.Protect(ip)
	}
	return out, nil
}

// isShredded reports whether an error of the sealer says that the key is destroyed,
// as a vault's do.
func isShredded(err error) bool {
	s, is := errors.AsType[interface {
		error
		Shredded() bool
	}](err)
	return is && s.Shredded()
}
