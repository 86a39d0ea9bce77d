package rights

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
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
			{Name: "permit", Kind: troth.WordFact, Doc: "managed, or unmanaged where no keeper checked"},
			{Name: "policy", Kind: troth.DigestFact, Optional: true, Doc: "hash of the policy that allowed it"},
		},
	}
	actUnmanaged = &troth.Act{
		Name: "rights.unmanaged", Version: 1,
		Doc: "A desk was made that destroys without a retention keeper.",
		Fields: []troth.Field{
			{Name: "ground", Kind: troth.WordFact, Doc: "why, in the host's words"},
		},
	}
)

// Acts are the acts whose evidence the desk records.
func Acts() []*troth.Act { return []*troth.Act{actSubmit, actEvent, actDispose, actUnmanaged} }

// self acts when the desk does something that nobody asked for.
var self = troth.Actor{Kind: troth.Service, ID: "troth.rights"}

func (d *Desk) record(ctx context.Context, e troth.Entry) (troth.EntryID, error) {
	id, err := d.rec.Record(ctx, e)
	if err != nil {
		return id, fmt.Errorf("rights: record %s: %w", e.Act.Name, err)
	}
	return id, nil
}

// destroyed adds to the facts who gave leave and why.
func destroyed(p troth.Permit, facts troth.Facts) troth.Facts {
	facts["ground"], facts["permit"] = troth.Word(p.Ground()), troth.Word("managed")
	if p.IsUnmanaged() {
		facts["permit"] = troth.Word("unmanaged")
	} else {
		facts["policy"] = troth.Digest(p.Policy())
	}
	return facts
}
