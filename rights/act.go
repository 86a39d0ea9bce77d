package rights

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

var (
	actSubmit = &troth.Act{
		Name: "rights.submit", Version: 1,
		Doc: "A request of a person, or of somebody for them, was received.",
		Fields: []troth.Field{
			{Name: "request", Kind: troth.IDFact, Doc: "its id"},
			{Name: "right", Kind: troth.WordFact, Doc: "what is asked for, of the rights of package rights"},
			{Name: "via", Kind: troth.WordFact, Doc: "how it came: web, account, email, letter, telephone, in-person, agent, signal"},
			{Name: "received", Kind: troth.InstantFact, Doc: "when it reached the controller"},
			{Name: "regimes", Kind: troth.WordsFact, Doc: "the laws that it is held to"},
			{Name: "agent", Kind: troth.WordFact, Optional: true, Doc: "if an agent asks: on which basis"},
			{Name: "document", Kind: troth.DigestFact, Optional: true, Doc: "hash of the agent's signed consent"},
			{Name: "of", Kind: troth.IDFact, Optional: true, Doc: "the request that an appeal or a complaint is about"},
		},
	}
	actEvent = &troth.Act{
		Name: "rights.event", Version: 1,
		Doc: "Something happened to a request: it moved on, a clock was stopped, a deadline came near, an obligation was opened or closed.",
		Fields: []troth.Field{
			{Name: "request", Kind: troth.IDFact, Doc: "its id"},
			{Name: "right", Kind: troth.WordFact, Doc: "what is asked for"},
			{Name: "event", Kind: troth.WordFact, Doc: "of the kinds of events of package rights"},
			{Name: "from", Kind: troth.WordFact, Doc: "state before"},
			{Name: "to", Kind: troth.WordFact, Doc: "state after"},
			{Name: "at", Kind: troth.InstantFact, Doc: "when it happened"},
			{Name: "word", Kind: troth.WordFact, Optional: true, Doc: "a reason, method or stage, by kind"},
			{Name: "ref", Kind: troth.IDFact, Optional: true, Doc: "what it is about, by kind: a proof, a refusal, a source, a rule, another request"},
			{Name: "until", Kind: troth.InstantFact, Optional: true, Doc: "an end or a review, by kind"},
		},
	}
	actDispose = &troth.Act{
		Name: "rights.dispose", Version: 1,
		Doc: "The personal data of a closed request was destroyed, or the whole of its record.",
		Fields: []troth.Field{
			{Name: "request", Kind: troth.IDFact, Doc: "its id"},
			{Name: "what", Kind: troth.WordFact, Doc: "contents or record"},
			{Name: "ground", Kind: troth.WordFact, Doc: "why"},
			clearance.Permit,
			clearance.Policy,
		},
	}
	actSource = &troth.Act{
		Name: "rights.source", Version: 1,
		Doc: "One source did its part of a request, or could not.",
		Fields: []troth.Field{
			{Name: "request", Kind: troth.IDFact, Doc: "its id"},
			{Name: "right", Kind: troth.WordFact, Doc: "what is asked for"},
			{Name: "source", Kind: troth.WordFact, Doc: "which one, as the host registered it"},
			{Name: "outcome", Kind: troth.WordFact, Doc: "done, nothing-found, retained, pending, unsupported or failed"},
			{Name: "method", Kind: troth.WordFact, Optional: true, Doc: "how it was dealt with"},
			{Name: "records", Kind: troth.CountFact, Doc: "how many records were dealt with, all calls together"},
			{Name: "kept", Kind: troth.CountFact, Optional: true, Doc: "how many records are kept, where it says why"},
			{Name: "policy", Kind: troth.WordFact, Optional: true, Doc: "by which version of its rules"},
			{Name: "copies", Kind: troth.InstantFact, Optional: true, Doc: "when the last copy is gone that nobody deletes one by one"},
		},
	}
	actExport = &troth.Act{
		Name: "rights.export", Version: 1,
		Doc: "An archive of what is held of a person was written, to be handed to them.",
		Fields: []troth.Field{
			{Name: "request", Kind: troth.IDFact, Doc: "its id"},
			{Name: "archive", Kind: troth.DigestFact, Doc: "hash of the encrypted archive"},
			{Name: "manifest", Kind: troth.DigestFact, Doc: "hash of the list of what is in it"},
			{Name: "records", Kind: troth.CountFact, Doc: "how many records it holds"},
			{Name: "redactions", Kind: troth.CountFact, Doc: "how many values were kept back"},
			{Name: "missing", Kind: troth.CountFact, Doc: "of how many sources something is not there"},
		},
	}
	actCertificate = &troth.Act{
		Name: "rights.certificate", Version: 1,
		Doc: "A certificate was issued of what became of a request to erase.",
		Fields: []troth.Field{
			{Name: "request", Kind: troth.IDFact, Doc: "its id"},
			{Name: "stage", Kind: troth.WordFact, Doc: "provisional or final"},
			{Name: "certificate", Kind: troth.DigestFact, Doc: "hash of the certificate"},
		},
	}
	actReturn = &troth.Act{
		Name: "rights.return", Version: 1,
		Doc: "Somebody who was erased came back as another subject, by their own act.",
		Fields: []troth.Field{
			{Name: "lifted", Kind: troth.CountFact, Doc: "how many identifiers are not blocked any more"},
		},
	}
	actTampered = &troth.Act{
		Name: "rights.tampered", Version: 1,
		Doc: "Requests were compared with the trail, and disagree with it.",
		Fields: []troth.Field{
			{Name: "requests", Kind: troth.CountFact, Doc: "how many do"},
			{Name: "kinds", Kind: troth.WordsFact, Doc: "what is wrong with them: request-gone, request-old, request-forged, event-unknown, not-scheduled"},
		},
	}
	actUnmanaged = clearance.Unmanaged("rights.unmanaged", "A desk was made that destroys without a retention keeper.")
)

// Acts are the acts whose evidence the desk records.
func Acts() []*troth.Act {
	return []*troth.Act{actSubmit, actEvent, actSource, actExport, actCertificate, actReturn, actDispose, actTampered, actUnmanaged}
}

// self acts when the desk does something that nobody asked for.
var self = troth.Actor{Kind: troth.Service, ID: "troth.rights"}

func (d *Desk) record(ctx context.Context, e troth.Entry) (troth.EntryID, error) {
	id, err := d.rec.Record(ctx, e)
	if err != nil {
		return id, fmt.Errorf("rights: record %s: %w", e.Act.Name, err)
	}
	return id, nil
}
